"""The index of this machine's data folder, opened without a service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from index.errors import GenerationMissing, IndexingError

if TYPE_CHECKING:
    from index.store.opened import StoredGeneration

    from ...service.collection import Components
    from ...settings import Settings


@contextmanager
def open_index(settings: "Settings") -> "Iterator[tuple[Components, StoredGeneration]]":
    """Yields the components and the serving generation; raises IndexingError if there is none."""
    from index.store.manifest import read_current

    from ...bootstrap import open_components

    if read_current(settings.collection_folder) is None:  # checked before a model is loaded
        raise GenerationMissing(settings.collection)
    components = open_components(settings)
    try:
        components.serving.refresh()
        try:
            lease = components.serving.lease()
            with lease as generation:
                yield components, generation
        except GenerationMissing:
            if components.serving.error_message:
                raise IndexingError(components.serving.error_message) from None
            raise
    finally:
        components.serving.close()
        components.embedder.close()
