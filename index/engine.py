"""The search engine of a generation, by its manifest: opens and verifies it.

An engine is a module with `StoredGeneration`; here is the only place that knows which there are.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from .store.generation import Generation
from .store.integrity import verify as verify_local
from .store.manifest import GenerationRef
from .store.opened import StoredGeneration


def open_generation(
    collection_folder: Path, ref: GenerationRef, *, is_hashed: bool = False
) -> StoredGeneration:
    """Opens a generation with its engine, every hash checked unless `is_hashed`.

    Raises GenerationDamaged.
    """
    return Generation(collection_folder, ref, is_hashed=is_hashed)


def verify(
    generation: StoredGeneration,
    new: Sequence[int] = (),
    on_batch: Callable[[int, int], None] = lambda done, total: None,
    *,
    has_new_index: bool = True,
) -> None:
    """Raises GenerationDamaged unless a generation is consistent and finds what it holds.

    The `new` rows are all checked, the others by sample; fewer where the vector index is the last
    generation's. `on_batch` receives (done, total).
    """
    assert isinstance(generation, Generation)  # the only engine
    verify_local(generation, new, on_batch, has_new_index=has_new_index)
