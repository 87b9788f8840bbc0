"""A zip archive of XML (docx, epub, xlsx, pptx), opened within limits against bombs."""

import zipfile
from io import BytesIO
from xml.etree import ElementTree

from ..text.dates import parse_date

MAX_INFLATED_BYTES = 200 << 20
"""Sum of the members' declared sizes; zipfile reads no more of a member than it declares."""
MAX_MEMBERS = 20_000
_OLE_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
_READ_BYTES = 1 << 20


def open_archive(data: bytes) -> zipfile.ZipFile:
    """Returns the archive; raises ValueError with the cause."""
    if data.startswith(_OLE_SIGNATURE):
        raise ValueError(
            "is protected by a password or in an old Office format: save it without a password, "
            "in the current one"
        )
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ValueError(f"damaged zip archive: {error}") from error
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"contains more than {MAX_MEMBERS:,} files")
    if sum(member.file_size for member in members) > MAX_INFLATED_BYTES:
        raise ValueError(f"inflates to more than {MAX_INFLATED_BYTES >> 20} MB")
    if any(member.flag_bits & 1 for member in members):
        raise ValueError("is protected by a password")
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns a member's bytes; raises ValueError where it is missing or damaged."""
    try:
        return archive.read(name)
    except KeyError as error:
        raise ValueError(f"contains no {name}") from error
    except Exception as error:  # zlib, lzma and zipfile each have their own for a damaged stream
        if isinstance(error, MemoryError):
            raise
        raise ValueError(f"contains a damaged {name}: {error}") from error


def check_members(archive: zipfile.ZipFile, suffixes: tuple[str, ...]) -> None:
    """Raises ValueError where a member is larger than declared, for a library that inflates all."""
    for member in archive.infolist():
        if not member.filename.lower().endswith(suffixes):
            continue
        try:
            with archive.open(member) as stream:
                while stream.read(_READ_BYTES):
                    pass
        except Exception as error:  # as above
            if isinstance(error, MemoryError):
                raise
            raise ValueError(f"contains a damaged {member.filename}: {error}") from error


def read_xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Returns the root of a member's XML; raises ValueError where it is missing or damaged."""
    try:
        return ElementTree.fromstring(read_member(archive, name))
    except ElementTree.ParseError as error:
        raise ValueError(f"contains a damaged {name}: {error}") from error


def read_properties(archive: zipfile.ZipFile) -> tuple[str | None, dict[str, str]]:
    """Returns an Office document's title, and `date` (last change, else creation) and `language`.

    Of damaged properties nothing: the text can be read without them.
    """
    name = "docProps/core.xml"
    if name not in archive.namelist():
        return None, {}
    try:
        properties = read_xml(archive, name)
    except ValueError:
        return None, {}
    texts = {
        key: " ".join((properties.findtext(f"{{*}}{key}") or "").split())
        for key in ("title", "modified", "created", "language")
    }
    date = parse_date(texts["modified"]) or parse_date(texts["created"])
    found = {"date": date, "language": texts["language"]}
    return texts["title"] or None, {key: value for key, value in found.items() if value}
