"""Where a collection's generations are in an object store, and what it says of them.

`collections/NAME/CURRENT` has the two lines of the local file of that name. A generation's files,
its manifest among them, are `objects/SHA256`; only files below `dataset/` keep their names, which
their engine never uses twice. Nothing that is read here is trusted: hashes and names are checked.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

from ..errors import GenerationDamaged, SharedDamaged
from ..object_store import ObjectStore, StoredObject
from ..store.manifest import (
    CURRENT,
    NAME,
    GenerationRef,
    Manifest,
    parse_manifest,
    parse_published,
)

DATASET = "dataset/"
"""Files with this prefix keep their names."""
TRANSFERS = 4
"""Objects that are sent or received at the same time."""

OnBytes = Callable[[int, int], None]
"""Receives (done, total), in bytes."""


class SharedCollection:
    """One collection of an object store."""

    def __init__(self, store: ObjectStore, collection: str) -> None:
        self.store, self.collection = store, collection
        self.prefix = f"collections/{collection}"
        self.current_key = f"{self.prefix}/{CURRENT}"

    def published(self) -> tuple[tuple[GenerationRef, ...], str | None]:
        """Returns the serving generation and the fallback, and CURRENT's tag for a swap.

        Nothing, and None, where nothing was published. Raises SharedUnavailable, SharedDamaged.
        """
        try:
            data, tag = self.store.get(self.current_key)
        except KeyError:
            return (), None
        try:
            return parse_published(Path(CURRENT), data), tag
        except GenerationDamaged as error:
            raise SharedDamaged(self.current_key, "names no generation") from error

    def key(self, name: str, sha256: str) -> str:
        """Returns the key of a generation's file."""
        is_named = name.startswith(DATASET)
        return f"{self.prefix}/{name}" if is_named else f"{self.prefix}/objects/{sha256}"

    def manifest(self, ref: GenerationRef) -> tuple[Manifest, bytes]:
        """Returns a generation's manifest, and its bytes.

        Raises KeyError where it is missing, SharedDamaged where it is not what CURRENT names.
        """
        key = self.key(NAME, ref.manifest_sha256)
        data, _ = self.store.get(key)
        if hashlib.sha256(data).hexdigest() != ref.manifest_sha256:
            raise SharedDamaged(key, "was altered")
        try:
            manifest = parse_manifest(Path(ref.generation), data)
        except (ValueError, LookupError, TypeError, GenerationDamaged) as error:
            raise SharedDamaged(key, f"is no manifest of this version ({error})") from error
        if manifest.generation != ref.generation or not _is_sound(manifest.files):
            raise SharedDamaged(key, "is no manifest of its generation")
        return manifest, data

    def files(self, ref: GenerationRef) -> dict[str, str]:
        """Returns the keys of a generation's files, by name; raises as `manifest`."""
        manifest, _ = self.manifest(ref)
        names = {**manifest.files, NAME: ref.manifest_sha256}
        return {name: self.key(name, sha256) for name, sha256 in names.items()}

    def objects(self) -> dict[str, StoredObject]:
        """Returns all objects that are files of generations, by key."""
        folders = (f"{self.prefix}/objects", f"{self.prefix}/{DATASET.rstrip('/')}")
        return {entry.key: entry for folder in folders for entry in self.store.list(folder)}


def _is_sound(files: Mapping[str, str]) -> bool:
    """Do the names stay below a folder, and are the values hashes?"""
    return all(
        re.fullmatch(r"[0-9a-f]{64}", str(sha256))
        and name == PurePosixPath(name).as_posix()
        and not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
        and name != NAME
        for name, sha256 in files.items()
    )


def transfer(
    work: Callable[[str], int], names: Iterable[str], total: int, on_bytes: OnBytes
) -> None:
    """Calls `work` for each name, several at a time; it returns how many bytes it has moved.

    Raises the first error, after those under way have ended; the others are not begun.
    """
    done = 0
    with ThreadPoolExecutor(TRANSFERS, thread_name_prefix="shared") as pool:
        futures = [pool.submit(work, name) for name in names]
        try:
            for future in as_completed(futures):
                done += future.result()
                on_bytes(done, total)
        finally:
            for future in futures:
                future.cancel()
