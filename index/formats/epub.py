"""An EPUB → the text of its chapters in reading order, each by the walker of pages.

After EPUB 3.3 (W3C): META-INF/container.xml names the package, its spine the chapters.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote
from xml.etree import ElementTree
from zipfile import ZipFile

from ..text.encoding import decode
from ..types import Document, Heading, Span
from .archive import member, open_archive
from .html import html_document

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def extract_epub(data: bytes) -> Document:
    """Returns the document of an EPUB; its title is what its package says."""
    with open_archive(data) as archive:
        rootfile = _xml(archive, _CONTAINER).find(".//{*}rootfile")
        if rootfile is None:
            raise ValueError(f"has no package named in {_CONTAINER}")
        path = rootfile.get("full-path", "")
        package = _xml(archive, path)
        chapters = list(_chapters(package, posixpath.dirname(path)))
        _refuse_protected(archive, set(chapters))
        parts = [html_document(decode(member(archive, name))) for name in chapters]
    title = (package.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").strip()
    date = (package.findtext(".//{http://purl.org/dc/elements/1.1/}date") or "").strip()
    return replace(joined(parts), title=title or None, metadata={"date": date} if date else {})


def _chapters(package: ElementTree.Element, folder: str) -> Iterator[str]:
    """Yields the names of the chapters in the archive; contents pages are none."""
    items = {item.get("id"): item for item in package.findall(".//{*}manifest/{*}item")}
    for entry in package.findall(".//{*}spine/{*}itemref"):
        item = items.get(entry.get("idref"))
        if item is None or entry.get("linear") == "no":
            continue
        kind, properties = item.get("media-type", ""), item.get("properties", "").split()
        if "html" in kind and "nav" not in properties:
            yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _refuse_protected(archive: ZipFile, chapters: set[str]) -> None:
    if _ENCRYPTION not in archive.namelist():
        return
    references = _xml(archive, _ENCRYPTION).findall(".//{*}CipherReference")
    if chapters & {unquote(reference.get("URI", "")) for reference in references}:
        raise ValueError("is protected against reading (DRM)")


def _xml(archive: ZipFile, name: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(member(archive, name))
    except ElementTree.ParseError as error:
        raise ValueError(f"has a broken {name} in it: {error}") from error


def joined(parts: list[Document]) -> Document:
    """Returns one document of several, a blank line between them."""
    texts: list[str] = []
    blocks: list[Span] = []
    headings: list[Heading] = []
    length = 0
    for part in parts:
        if not part.blocks:
            continue
        length += 2 if texts else 0
        blocks += [(start + length, end + length) for start, end in part.blocks]
        headings += [
            replace(heading, start=heading.start + length, end=heading.end + length)
            for heading in part.headings
        ]
        texts.append(part.text)
        length += len(part.text)
    return Document(text="\n\n".join(texts), blocks=tuple(blocks), headings=tuple(headings))
