"""A zip archive of XML (docx, epub), opened within limits against decompression bombs."""

import zipfile
from io import BytesIO

MAX_INFLATED_BYTES = 200 << 20
"""Sum of the members' declared sizes; zipfile reads no more of a member than it declares."""
MAX_MEMBERS = 20_000


def open_archive(data: bytes) -> zipfile.ZipFile:
    """Returns the archive; raises ValueError with the cause."""
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
