"""A generation's manifest, and CURRENT: which generation serves.

The manifest holds the hash of every file of the generation. CURRENT holds a line for the serving
generation and one for that to fall back to, each a name and its manifest's hash, and is replaced
by rename, so that a reader sees the old or the new ones.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import GenerationDamaged
from ..types import GenerationInfo, Skipped

SCHEMA = 1
NAME = "manifest.json"
CURRENT = "CURRENT"
_LINE = re.compile(r"(\d{6,12}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation says of itself.

    `files` maps the generation's own files to their sha256, `sha256` the sources' paths to theirs;
    `drift` is by how many ids Chroma's directory differs from one that is built anew; `exact`:
    there is none, as its graph lost too many vectors.
    """

    generation: str
    collection: str
    corpus: str
    built_at: str
    complete: bool
    fingerprint: Mapping[str, str]
    embedder: str
    dimensions: int
    sources: int
    chunks: int
    skipped: tuple[Skipped, ...]
    skipped_stamps: Mapping[str, str]
    versions: Mapping[str, str]
    files: Mapping[str, str]
    sha256: Mapping[str, str]
    schema: int = SCHEMA
    drift: int = 0
    exact: bool = False

    def info(self) -> GenerationInfo:
        """Returns what one tells people of it."""
        return GenerationInfo(
            collection=self.collection,
            generation=self.generation,
            complete=self.complete,
            built_at=self.built_at,
            sources=self.sources,
            chunks=self.chunks,
            exact=self.exact,
        )


def file_sha256(path: Path) -> str:
    """Returns the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file below a folder but the manifest, by relative name."""
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in _files(folder)}


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path != folder / NAME]


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Writes the manifest into its generation and returns its sha256."""
    data = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
    write_durably(folder / NAME, data)
    return hashlib.sha256(data).hexdigest()


def read_manifest(folder: Path, sha256: str) -> Manifest:
    """Returns the manifest of a generation; raises GenerationDamaged where it is not the one."""
    try:
        data = (folder / NAME).read_bytes()
    except OSError as error:
        raise GenerationDamaged(folder, f"{NAME}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise GenerationDamaged(folder, f"{NAME} has another hash than CURRENT says")
    fields = json.loads(data)
    if fields["schema"] != SCHEMA:
        raise GenerationDamaged(folder, f"schema {fields['schema']}, this version reads {SCHEMA}")
    fields["skipped"] = tuple(Skipped(**entry) for entry in fields["skipped"])
    return Manifest(**fields)


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raises GenerationDamaged unless its files are those of the manifest, and unaltered."""
    found_files = {path.relative_to(folder).as_posix() for path in _files(folder)}
    if strays := found_files - manifest.files.keys():
        raise GenerationDamaged(folder, f"{min(strays)} does not belong to it")
    for name, sha256 in manifest.files.items():
        try:
            found = file_sha256(folder / name)
        except OSError as error:
            raise GenerationDamaged(folder, f"{name}: {error.strerror}") from error
        if found != sha256:
            raise GenerationDamaged(folder, f"{name} was altered")


def write_durably(path: Path, data: bytes) -> None:
    """Writes a file beside its target, syncs it, renames it into place and syncs the folder."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Makes every file and name below a folder durable."""
    for path in folder.rglob("*"):
        if path.is_file() or path.is_dir():
            sync_folder(path)
    sync_folder(folder)


@dataclass(frozen=True, slots=True)
class Current:
    """A published generation, and the hash of its manifest."""

    generation: str
    manifest_sha256: str


def read_published(collection_folder: Path) -> tuple[Current, ...]:
    """Returns the serving generation and that to fall back to, as far as there are any.

    Raises GenerationDamaged where CURRENT cannot be read.
    """
    path = collection_folder / CURRENT
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise GenerationDamaged(path, "CURRENT is unreadable") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    if not matches or not all(matches):
        raise GenerationDamaged(path, "CURRENT names no generation")
    return tuple(Current(match[1], match[2]) for match in matches if match)


def read_current(collection_folder: Path) -> Current | None:
    """Returns the generation that serves; None where nothing was published."""
    return next(iter(read_published(collection_folder)), None)


def write_published(collection_folder: Path, published: Sequence[Current]) -> None:
    """Publishes: from here on readers open the first, and fall back to the second."""
    lines = (f"{entry.generation} {entry.manifest_sha256}\n" for entry in published)
    write_durably(collection_folder / CURRENT, "".join(lines).encode())


def generation_folder(collection_folder: Path, name: str) -> Path:
    """Returns the folder of a generation."""
    return collection_folder / "generations" / name
