"""A Word document → its paragraphs, headings, lists and tables, by mammoth's conversion to HTML.

Hidden runs (`w:vanish`, or text in the colour of its own shading) are taken out first, since
mammoth does not know them; tracked deletions are no text to it.
"""

import zipfile
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

from ..types import Document
from .archive import open_archive, read_member, read_properties
from .html import parse_content
from .html.tree import HiddenCount

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLES = "word/styles.xml"
_TEXT_PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
_HIDING = (b"vanish", b"w:shd")
_OFF = frozenset({"0", "false", "off"})
_NO_COLORS = frozenset({"", "auto"})


def extract_docx(data: bytes) -> Document:
    """Returns the document of a docx file; its title is the first top-level heading."""
    import mammoth  # type: ignore[import-untyped]  # it ships no types

    with open_archive(data) as archive:
        _, metadata = read_properties(archive)
        data, hidden = _without_hidden_runs(archive, data)
    html = mammoth.convert_to_html(
        BytesIO(data),
        convert_image=lambda image: [],
        include_embedded_style_map=False,
        external_file_access=False,
    ).value
    document = parse_content(html)
    return replace(document, metadata=metadata, notes=hidden.notes("run"))


def _without_hidden_runs(archive: zipfile.ZipFile, data: bytes) -> tuple[bytes, HiddenCount]:
    """Returns the file without hidden runs, and their count."""
    names = set(archive.namelist())
    parts = {name: read_member(archive, name) for name in _TEXT_PARTS if name in names}
    styles = read_member(archive, _STYLES) if _STYLES in names else b""
    hiding_styles = _hiding_styles(styles) if b"vanish" in styles else frozenset()
    hidden = HiddenCount()
    changed: dict[str, bytes] = {}
    for name, part in parts.items():
        if not hiding_styles and not any(word in part for word in _HIDING):
            continue
        root = _parse(part, name)
        texts = _remove_hidden(root, hiding_styles)
        for text in texts:
            hidden.add(len("".join(text.split())))
        if texts:
            changed[name] = ElementTree.tostring(root)
    return (_rewrite(archive, changed) if changed else data), hidden


def _hiding_styles(styles: bytes) -> frozenset[str]:
    found = _parse(styles, _STYLES).findall(f"{_W}style")
    return frozenset(
        style.get(f"{_W}styleId", "") for style in found if _vanishes(style.find(f"{_W}rPr"))
    )


def _remove_hidden(root: ElementTree.Element, hiding_styles: frozenset[str]) -> list[str]:
    """Removes the hidden runs; returns the text of each that had any."""
    texts: list[str] = []
    for parent in root.iter():
        style = parent.find(f"{_W}pPr/{_W}pStyle")
        is_hidden = style is not None and style.get(f"{_W}val") in hiding_styles
        runs = [child for child in parent if child.tag == f"{_W}r"]
        hidden = {id(run): run for run in runs if is_hidden or _is_hidden(run, hiding_styles)}
        if hidden:
            found = ("".join(t.text or "" for t in run.iter(f"{_W}t")) for run in hidden.values())
            texts += [text for text in found if text.strip()]
            parent[:] = [child for child in parent if id(child) not in hidden]
    return texts


def _is_hidden(run: ElementTree.Element, hiding_styles: frozenset[str]) -> bool:
    properties = run.find(f"{_W}rPr")
    if properties is None:
        return False
    style = properties.find(f"{_W}rStyle")
    if properties.find(f"{_W}vanish") is not None:
        return _vanishes(properties)
    if style is not None and style.get(f"{_W}val") in hiding_styles:
        return True
    color, shading = properties.find(f"{_W}color"), properties.find(f"{_W}shd")
    if color is None or shading is None:
        return False
    value = color.get(f"{_W}val", "").lower()
    return value not in _NO_COLORS and value == shading.get(f"{_W}fill", "").lower()


def _vanishes(properties: ElementTree.Element | None) -> bool:
    vanish = properties.find(f"{_W}vanish") if properties is not None else None
    return vanish is not None and vanish.get(f"{_W}val", "1").lower() not in _OFF


def _rewrite(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    """Returns the archive with other content of some members."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as copy:
        for name in dict.fromkeys(archive.namelist()):
            copy.writestr(name, changed.get(name) or read_member(archive, name))
    return target.getvalue()


def _parse(part: bytes, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(part)
    except ElementTree.ParseError as error:
        raise ValueError(f"contains a damaged {name}: {error}") from error
