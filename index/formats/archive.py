"""A zip of XML (docx, epub), opened within limits: nothing that inflates beyond them is read."""

import zipfile
from io import BytesIO

INFLATED = 200 << 20
"""Most bytes that an archive's members may inflate to, by their own word."""
MEMBERS = 20_000


def open_archive(data: bytes) -> zipfile.ZipFile:
    """Returns the archive; a ValueError says why it is not read.

    What a member says of its size is what zipfile reads of it at most.
    """
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ValueError(f"is not a whole zip archive: {error}") from error
    members = archive.infolist()
    if len(members) > MEMBERS:
        raise ValueError(f"is an archive of more than {MEMBERS:,} files")
    if sum(member.file_size for member in members) > INFLATED:
        raise ValueError(f"inflates to more than {INFLATED >> 20} MB")
    if any(member.flag_bits & 1 for member in members):
        raise ValueError("is protected by a password")
    return archive


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Returns a member's bytes; a ValueError where it is missing or broken."""
    try:
        return archive.read(name)
    except KeyError as error:
        raise ValueError(f"has no {name} in it") from error
    except Exception as error:  # zlib's, lzma's or zipfile's own word for a broken stream
        if isinstance(error, MemoryError):
            raise
        raise ValueError(f"has a broken {name} in it: {error}") from error
