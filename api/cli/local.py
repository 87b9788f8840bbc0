"""Opens the index at hand, read-only and in this process, for one question."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from index.errors import GenerationMissing, IndexingError

if TYPE_CHECKING:
    from index.store.generation import Generation

    from ..bootstrap import Parts
    from ..settings import Settings


@contextmanager
def opened(settings: "Settings") -> "Iterator[tuple[Parts, Generation]]":
    """Yields the parts and the serving generation; raises an IndexingError where none serves."""
    from index.store.manifest import read_current

    from ..bootstrap import collection_folder, open_parts

    if read_current(collection_folder(settings)) is None:  # said before a model is loaded
        raise GenerationMissing(settings.collection)
    parts = open_parts(settings)
    try:
        parts.serving.refresh()
        try:
            lease = parts.serving.lease()
            with lease as generation:
                yield parts, generation
        except GenerationMissing:
            if parts.serving.error_message:
                raise IndexingError(parts.serving.error_message) from None
            raise
    finally:
        parts.serving.close()
        parts.embedder.close()
