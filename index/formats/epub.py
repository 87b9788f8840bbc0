"""An EPUB → the text of its chapters in reading order, each extracted as HTML.

After EPUB 3.3 (W3C): META-INF/container.xml names the package, its spine the chapters.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import unquote
from xml.etree import ElementTree
from zipfile import ZipFile

from ..text.dates import parse_date
from ..text.encoding import decode
from ..text.limits import check_text_size
from ..types import Document
from .archive import open_archive, read_member, read_xml
from .builder import DocumentBuilder
from .html import parse_content

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DC = "{http://purl.org/dc/elements/1.1/}"


def extract_epub(data: bytes) -> Document:
    """Returns the document of an EPUB; title and date are its package's."""
    with open_archive(data) as archive:
        rootfile = read_xml(archive, _CONTAINER).find(".//{*}rootfile")
        if rootfile is None:
            raise ValueError(f"{_CONTAINER} names no package")
        path = rootfile.get("full-path", "")
        package = read_xml(archive, path)
        # each once: a spine may name the same chapter again and again
        chapters = list(dict.fromkeys(_chapter_names(package, posixpath.dirname(path))))
        _refuse_encrypted(archive, set(chapters))
        parts: list[Document] = []
        size = 0
        for name in chapters:
            parts.append(parse_content(decode(read_member(archive, name))[0]))
            size += len(parts[-1].text)
            check_text_size(size)
    title = (package.findtext(f".//{_DC}title") or "").strip()
    language = (package.findtext(f".//{_DC}language") or "").strip()
    metadata = {"date": _date(package), "language": language}
    return replace(
        _concatenate(parts),
        title=title or None,
        metadata={key: value for key, value in metadata.items() if value},
    )


def _date(package: ElementTree.Element) -> str:
    """Returns the date of publication, else of the last change (which tools set at each export)."""
    changed = (
        meta.text or ""
        for meta in package.findall(".//{*}metadata/{*}meta")
        if meta.get("property") == "dcterms:modified"
    )
    published = package.findtext(f".//{_DC}date") or ""
    dates = (parse_date(text) for text in (published, *changed))
    return next(filter(None, dates), "")


def _chapter_names(package: ElementTree.Element, folder: str) -> Iterator[str]:
    """Yields the archive names of the chapters, without navigation pages."""
    items = {item.get("id"): item for item in package.findall(".//{*}manifest/{*}item")}
    for entry in package.findall(".//{*}spine/{*}itemref"):
        item = items.get(entry.get("idref"))
        if item is None or entry.get("linear") == "no":
            continue
        media_type, properties = item.get("media-type", ""), item.get("properties", "").split()
        if "html" in media_type and "nav" not in properties:
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _refuse_encrypted(archive: ZipFile, chapters: set[str]) -> None:
    if _ENCRYPTION not in archive.namelist():
        return
    references = read_xml(archive, _ENCRYPTION).findall(".//{*}CipherReference")
    if chapters & {unquote(reference.get("URI", "")) for reference in references}:
        raise ValueError("is encrypted (DRM)")


def _concatenate(parts: Sequence[Document]) -> Document:
    """Returns one document of several, a blank line between them."""
    builder = DocumentBuilder()
    for part in parts:
        builder.append(part, [True] * len(part.blocks))
    return builder.build(notes=list(dict.fromkeys(note for part in parts for note in part.notes)))
