"""A generation's manifest, and CURRENT, the file that names the serving generation.

The manifest has the hash of every file of the generation. CURRENT has a line for the serving
generation and one for the fallback, each a name and the hash of its manifest. It is replaced by
rename, so a reader sees either the old or the new content.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import GenerationDamaged
from ..types import Engine, GenerationInfo, Note, Skipped
from .private_copy import link_file

SCHEMA = 2
NAME = "manifest.json"
CURRENT = "CURRENT"
_LINE = re.compile(r"(\d{6,12}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a generation, stored as JSON.

    `files` maps the generation's own files to their sha256, `sha256` the sources' paths to theirs;
    `drift` counts the ids added to and removed from Chroma's directory since it was built; `exact`:
    there is no such directory, because its graph lost too many vectors; `restricted`: a source has
    rules of who may read it.
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
    notes: tuple[Note, ...] = ()
    schema: int = SCHEMA
    drift: int = 0
    exact: bool = False
    engine: Engine = "chroma"
    restricted: bool = False

    def info(self) -> GenerationInfo:
        """Returns the part that is shown to users."""
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


def hash_files(folder: Path, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the sha256 of every file below a folder except the manifest, by relative name.

    Those in `known` are not read.
    """
    names = [path.relative_to(folder).as_posix() for path in _files(folder)]
    known = known or {}
    return {name: known.get(name) or file_sha256(folder / name) for name in names}


def linked_files(folder: Path, previous: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Returns those of the `files` of `previous` to which `folder` has hard links."""
    return {
        name: sha256
        for name, sha256 in files.items()
        if (folder / name).exists() and (folder / name).samefile(previous / name)
    }


def link_equal_files(
    folder: Path, hashes: Mapping[str, str], previous: Path, files: Mapping[str, str]
) -> None:
    """Replaces each file whose hash is that of the same name in `files` by a link to it."""
    for name in hashes.keys() & files.keys():
        path, older = folder / name, previous / name
        if hashes[name] == files[name] and not path.samefile(older):
            path.unlink()
            link_file(older, path)


def _files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if path != folder / NAME]


def write_manifest(folder: Path, manifest: Manifest) -> str:
    """Writes the manifest into the generation's folder and returns its sha256."""
    data = json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode()
    write_durably(folder / NAME, data)
    return hashlib.sha256(data).hexdigest()


def read_manifest(folder: Path, sha256: str) -> Manifest:
    """Returns the manifest of a generation; raises GenerationDamaged if its hash differs."""
    try:
        data = (folder / NAME).read_bytes()
    except OSError as error:
        raise GenerationDamaged(folder, f"{NAME}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise GenerationDamaged(folder, f"{NAME} does not have the hash that CURRENT names")
    return parse_manifest(folder, data)


def parse_manifest(folder: Path, data: bytes) -> Manifest:
    """Returns the manifest of a generation from its JSON; raises GenerationDamaged."""
    fields = json.loads(data)
    if fields["schema"] != SCHEMA:
        raise GenerationDamaged(folder, f"schema {fields['schema']}, supported: {SCHEMA}")
    fields["skipped"] = tuple(Skipped(**entry) for entry in fields["skipped"])
    fields["notes"] = tuple(Note(**entry) for entry in fields["notes"])
    return Manifest(**fields)


def check_files(
    folder: Path, manifest: Manifest, *, is_absent: Callable[[str], bool] | None = None
) -> None:
    """Raises GenerationDamaged unless its files are those of the manifest, and unaltered.

    Those that `is_absent` names are not on this machine.
    """
    names = {path.relative_to(folder).as_posix() for path in _files(folder)}
    files = {
        name: sha256
        for name, sha256 in manifest.files.items()
        if is_absent is None or not is_absent(name)
    }
    if strays := names - manifest.files.keys():
        raise GenerationDamaged(folder, f"{min(strays)} is not in the manifest")
    for name, sha256 in files.items():
        try:
            actual = file_sha256(folder / name)
        except OSError as error:
            raise GenerationDamaged(folder, f"{name}: {error.strerror}") from error
        if actual != sha256:
            raise GenerationDamaged(folder, f"{name} was altered")


def write_durably(path: Path, data: bytes) -> None:
    """Writes a temporary file, fsyncs it, renames it into place and fsyncs the folder."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Fsyncs a folder, so that its file names are durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Fsyncs every file and folder below a folder, and itself."""
    for path in folder.rglob("*"):
        if path.is_file() or path.is_dir():
            sync_folder(path)
    sync_folder(folder)


@dataclass(frozen=True, slots=True)
class GenerationRef:
    """A published generation, and the hash of its manifest."""

    generation: str
    manifest_sha256: str


def read_published(collection_folder: Path) -> tuple[GenerationRef, ...]:
    """Returns the serving generation and the fallback; fewer if they do not exist.

    Raises GenerationDamaged if CURRENT cannot be read.
    """
    path = collection_folder / CURRENT
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise GenerationDamaged(path, "CURRENT cannot be read") from error
    return parse_published(path, data)


def parse_published(path: Path, data: bytes) -> tuple[GenerationRef, ...]:
    """Returns the generations that the bytes of CURRENT name; raises GenerationDamaged."""
    try:
        lines = data.decode("ascii").splitlines()
    except ValueError as error:
        raise GenerationDamaged(path, "CURRENT cannot be read") from error
    matches = [_LINE.fullmatch(line) for line in lines]
    if not matches or not all(matches):
        raise GenerationDamaged(path, "CURRENT names no generation")
    return tuple(GenerationRef(match[1], match[2]) for match in matches if match)


def read_current(collection_folder: Path) -> GenerationRef | None:
    """Returns the serving generation; None if nothing was published."""
    return next(iter(read_published(collection_folder)), None)


def write_published(collection_folder: Path, published: Sequence[GenerationRef]) -> None:
    """Publishes: from now on readers open the first, and the second as a fallback."""
    write_durably(collection_folder / CURRENT, format_published(published))


def format_published(published: Sequence[GenerationRef]) -> bytes:
    """Returns the bytes of CURRENT."""
    lines = (f"{entry.generation} {entry.manifest_sha256}\n" for entry in published)
    return "".join(lines).encode()


def generation_folder(collection_folder: Path, name: str) -> Path:
    """Returns the folder of a generation."""
    return collection_folder / "generations" / name


def remove_old_generations(collection_folder: Path) -> None:
    """Removes the generations that CURRENT does not name."""
    try:
        names = {entry.generation for entry in read_published(collection_folder)}
    except GenerationDamaged:
        names = set()
    for folder in (collection_folder / "generations").iterdir():
        if folder.name.isdigit() and folder.name not in names:
            shutil.rmtree(folder)
