"""The published generations of a collection, the serving one first, and going back to the older."""

from dataclasses import dataclass
from pathlib import Path

from index.errors import GenerationDamaged, GenerationMissing, SyncBusy
from index.store.manifest import generation_folder, read_manifest, read_published
from index.sync.publish import folder_bytes, roll_back

from ..errors import RequestError


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A published generation; `bytes` counts files that it shares with the other one, too."""

    generation: str
    is_serving: bool
    built_at: str
    sources: int
    passages: int
    bytes: int
    complete: bool
    embedder: str
    engine: str


def list_generations(folder: Path) -> list[ListedGeneration]:
    """Returns the generations that can serve; a damaged one is left out.

    Raises GenerationDamaged if CURRENT cannot be read.
    """
    listed = []
    for number, ref in enumerate(read_published(folder)):
        own = generation_folder(folder, ref.generation)
        try:
            manifest = read_manifest(own, ref.manifest_sha256)
        except GenerationDamaged:
            continue
        listed.append(
            ListedGeneration(
                generation=manifest.generation,
                is_serving=number == 0,
                built_at=manifest.built_at,
                sources=manifest.sources,
                passages=manifest.chunks,
                bytes=folder_bytes(own),
                complete=manifest.complete,
                embedder=manifest.embedder,
                engine=manifest.engine,
            )
        )
    return listed


def go_back(folder: Path, collection: str, *, shared: str | None) -> str:
    """Publishes the older generation again and returns its name; raises RequestError.

    With `shared`, the URL of a store, on all machines; raises SharedUnavailable.
    """
    try:
        return roll_back(folder, collection, shared=shared)
    except GenerationMissing as error:
        raise RequestError("no_older_generation", str(error)) from error
    except SyncBusy as error:
        raise RequestError("sync_running", str(error)) from error
