"""The search engine of a generation, by its manifest: opens and verifies it.

An engine is a module with `StoredGeneration`; here is the only place that knows which there are.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .lance.checked import is_checked, mark_checked
from .lance.opened import LanceGeneration
from .lance.tables import load_lance
from .lance.verify import verify as verify_lance
from .store.generation import Generation
from .store.integrity import verify as verify_chroma
from .store.manifest import GenerationRef, generation_folder, read_manifest
from .store.opened import StoredGeneration
from .types import Engine

LIBRARIES: Mapping[Engine, tuple[str, ...]] = {
    "chroma": ("chromadb", "tantivy"),
    "lance": ("pylance", "pyarrow"),
}
"""Whose versions the manifest records."""


def check_installed(engine: Engine) -> None:
    """Raises SettingInvalid where the engine's libraries are not installed."""
    if engine == "lance":
        load_lance()


def open_generation(
    collection_folder: Path,
    ref: GenerationRef,
    *,
    is_hashed: bool = False,
    bucket: str | None = None,
) -> StoredGeneration:
    """Opens a generation with its engine, every hash checked unless `is_hashed`.

    `bucket` is the URL of the folder in which the tables of a generation lie that is read in place
    (`dataset/` of the collection). Raises GenerationDamaged.
    """
    folder = generation_folder(collection_folder, ref.generation)
    if read_manifest(folder, ref.manifest_sha256).engine == "lance":
        return LanceGeneration(collection_folder, ref, is_hashed=is_hashed, bucket=bucket)
    return Generation(collection_folder, ref, is_hashed=is_hashed)


def open_previous(collection_folder: Path, ref: GenerationRef) -> StoredGeneration:
    """Opens the last generation for a sync; Lance's without hashing what was hashed lately.

    Raises GenerationDamaged.
    """
    folder = generation_folder(collection_folder, ref.generation)
    has_fixed_files = read_manifest(folder, ref.manifest_sha256).engine == "lance"
    is_hashed = has_fixed_files and is_checked(collection_folder, ref)
    generation = open_generation(collection_folder, ref, is_hashed=is_hashed)
    if has_fixed_files and not is_hashed:
        mark_checked(collection_folder, ref)
    return generation


def mark_published(collection_folder: Path, ref: GenerationRef, engine: Engine) -> None:
    """Records that what a new generation adds to the last was hashed when it was built."""
    if engine == "lance":
        mark_checked(collection_folder, ref, but_for_new=True)


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
    if isinstance(generation, LanceGeneration):
        verify_lance(generation, new, on_batch)
    else:
        assert isinstance(generation, Generation)  # there is no third engine
        verify_chroma(generation, new, on_batch, has_new_index=has_new_index)
