"""Does the serving generation still match its corpus? Reads the folder again, changes nothing."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .. import corpus
from ..engine import open_generation, verify
from ..errors import GenerationDamaged, GenerationMissing, SourceUnreadable
from ..store.manifest import read_current
from ..store.opened import OpenGeneration
from ..text.encoding import decode
from ..types import GenerationInfo, Skipped

VERBATIM_FORMATS = frozenset({"txt", "md"})
"""Formats whose text is the file's own characters."""


@dataclass(frozen=True, slots=True)
class CorpusComparison:
    """How the serving generation differs from its corpus folder, by path."""

    info: GenerationInfo
    corpus: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    @property
    def is_up_to_date(self) -> bool:
        """Is the index exactly that of the folder as it is now?"""
        return not (self.added or self.changed or self.removed)


def compare_with_corpus(
    folder: Path,
    collection: str,
    *,
    formats: tuple[str, ...],
    max_file_bytes: int,
    on_batch: Callable[[int, int], None],
) -> CorpusComparison:
    """Returns how the collection in `folder` differs from the corpus it was built from.

    Checks every hash and queries every chunk. Raises GenerationMissing, GenerationDamaged,
    CorpusMissing.
    """
    current = read_current(folder)
    if current is None:
        raise GenerationMissing(collection)
    with closing(open_generation(folder, current)) as generation:
        rows = [row for own in generation.source_rows.values() for row in own]
        verify(generation, rows, on_batch)
        return _compare(generation, formats, max_file_bytes)


def _compare(
    generation: OpenGeneration, formats: tuple[str, ...], max_file_bytes: int
) -> CorpusComparison:
    manifest = generation.manifest
    root = Path(manifest.corpus)
    files, _ = corpus.scan(root, formats=formats, max_file_bytes=max_file_bytes)
    remaining = dict(manifest.sha256)
    skipped = {entry.path for entry in manifest.skipped}
    added, changed = [], []
    for file in files:
        expected = remaining.pop(file.path, None)
        if expected is None:
            if file.path not in skipped:
                added.append(file.path)
            continue
        try:
            data = corpus.read_file(root, file, max_file_bytes=max_file_bytes)
        except SourceUnreadable:
            data = b""  # counts as changed
        if corpus.sha256(data) != expected:
            changed.append(file.path)
        elif file.format in VERBATIM_FORMATS:
            source_id = corpus.source_id(manifest.collection, file.path)
            if generation.text(source_id) != decode(data)[0]:
                cause = f"the text of {file.path} differs from the file"
                raise GenerationDamaged(generation.folder, cause)
    return CorpusComparison(
        info=generation.info,
        corpus=manifest.corpus,
        added=tuple(added),
        changed=tuple(changed),
        removed=tuple(sorted(remaining)),
        skipped=manifest.skipped,
    )
