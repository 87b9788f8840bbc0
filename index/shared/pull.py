"""The store's serving generation → the local folder, complete and with every hash checked.

It is written beside and renamed, then the local CURRENT names it; at any moment what serves is
whole. Files that an older local generation has are linked, the others received.
"""

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import GenerationDamaged, SharedDamaged, SpaceLow
from ..store.manifest import (
    NAME,
    GenerationRef,
    file_sha256,
    generation_folder,
    read_manifest,
    read_published,
    remove_old_generations,
    sync_folder,
    sync_tree,
    write_durably,
    write_published,
)
from ..store.private_copy import link_file
from .collection import OnBytes, SharedCollection, transfer

PULLING = "pulling-"
FREE_BYTES = 200_000_000
"""Space that must stay free on the disk of the data folder."""
ATTEMPTS = 3
"""A pull that misses an object begins again: a newer generation may have been published."""

Leave = Callable[[str], bool]


def leave_nothing(name: str) -> bool:
    """Returns False: every file is pulled."""
    return False


def pull_current(
    shared: SharedCollection,
    folder: Path,
    on_bytes: OnBytes,
    *,
    leave: Leave = leave_nothing,
    repair: bool = False,
) -> GenerationRef | None:
    """Makes the store's serving generation the local one and returns it; None if there is none.

    Call it under the collection's lock. Files for whose names `leave` is true stay in the store.
    With `repair` a local copy is received again. Raises SharedUnavailable, SharedDamaged, SpaceLow;
    then the local CURRENT is as it was.
    """
    for attempt in range(ATTEMPTS):
        published, _ = shared.published()
        if not published:
            return None
        try:
            if repair or not is_local(folder, published[0]):
                pull(shared, folder, published[0], on_bytes, leave=leave)
            break
        except KeyError as error:
            if attempt == ATTEMPTS - 1:
                raise SharedDamaged(str(error.args[0]), "is missing") from None
    local = (published[0], *(ref for ref in published[1:] if is_local(folder, ref)))
    if _read_published(folder) != local:
        write_published(folder, local)
        remove_old_generations(folder)
    return published[0]


def is_local(folder: Path, ref: GenerationRef) -> bool:
    """Is this very generation in the collection's folder?"""
    with suppress(GenerationDamaged):
        read_manifest(generation_folder(folder, ref.generation), ref.manifest_sha256)
        return True
    return False


def pull(
    shared: SharedCollection,
    folder: Path,
    ref: GenerationRef,
    on_bytes: OnBytes,
    *,
    leave: Leave = leave_nothing,
) -> None:
    """Writes a generation into the collection's folder; raises as `pull_current`, and KeyError."""
    manifest, data = shared.manifest(ref)
    files = {name: sha256 for name, sha256 in manifest.files.items() if not leave(name)}
    older = _local_files(folder)
    building = _new_folder(folder, ref)
    linked = {name for name, sha256 in files.items() if _link(older, sha256, building / name)}
    missing = {name: sha256 for name, sha256 in files.items() if name not in linked}
    sizes = _sizes(shared, missing)
    _check_space(folder, sum(sizes.values()))

    def receive(name: str) -> int:
        key, path = shared.key(name, missing[name]), building / name
        path.touch(0o600)  # it holds the articles' texts
        if shared.store.download(key, path) != missing[name]:
            raise SharedDamaged(key, "was altered")
        return sizes[name]

    transfer(receive, missing, sum(sizes.values()), on_bytes)
    write_durably(building / NAME, data)
    sync_tree(building)
    final = generation_folder(folder, ref.generation)
    shutil.rmtree(final, ignore_errors=True)  # of the same number, but not this one
    building.rename(final)
    sync_folder(final.parent)


def _sizes(shared: SharedCollection, files: Mapping[str, str]) -> dict[str, int]:
    """Returns the sizes of the files in the store; raises KeyError where one is missing."""
    stored = shared.objects() if files else {}
    return {name: stored[shared.key(name, sha256)].size for name, sha256 in files.items()}


def _check_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES + size:
        raise SpaceLow(folder, free, FREE_BYTES + size)


def _new_folder(folder: Path, ref: GenerationRef) -> Path:
    """Returns a new, private folder, after removing those of interrupted pulls."""
    generations = folder / "generations"
    generations.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in generations.glob(f"{PULLING}*"):
        shutil.rmtree(path)
    building = generations / f"{PULLING}{ref.generation}"
    building.mkdir(mode=0o700)
    return building


def _local_files(folder: Path) -> dict[str, Path]:
    """Returns the files of the local generations by their hash."""
    files: dict[str, Path] = {}
    for ref in _read_published(folder):
        with suppress(GenerationDamaged):
            generation = generation_folder(folder, ref.generation)
            manifest = read_manifest(generation, ref.manifest_sha256)
            files |= {sha256: generation / name for name, sha256 in manifest.files.items()}
    return files


def _link(older: Mapping[str, Path], sha256: str, target: Path) -> bool:
    """Makes the file's folder, and links a local file with this hash; False where there is none."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = older.get(sha256)
    if source is None or not source.is_file() or file_sha256(source) != sha256:
        return False
    link_file(source, target)
    return True


def _read_published(folder: Path) -> tuple[GenerationRef, ...]:
    with suppress(GenerationDamaged):
        return read_published(folder)
    return ()
