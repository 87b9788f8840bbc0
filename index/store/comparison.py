"""Is the index what the files are? Read anew and compared; nothing is changed.

`verify.py` says whether a generation holds together; this, whether it is that of the folder as it
is now.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .. import corpus
from ..errors import GenerationDamaged, GenerationMissing, SourceUnreadable
from ..text.encoding import decode
from ..types import GenerationInfo, Skipped
from .generation import Generation
from .integrity import verify
from .manifest import read_current

VERBATIM = frozenset({"txt", "md"})
"""Formats whose text is the file's own characters."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How the serving generation differs from its folder, by path; `holds` when it does not."""

    info: GenerationInfo
    corpus: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    @property
    def holds(self) -> bool:
        """Is the index exactly that of the folder as it is now?"""
        return not (self.added or self.changed or self.removed)


def prove(
    folder: Path,
    collection: str,
    *,
    formats: tuple[str, ...],
    max_file_bytes: int,
    on_batch: Callable[[int, int], None],
) -> Proof:
    """Returns how the collection in `folder` differs from the folder it was built from.

    Every hash is checked and every chunk looked for, in words and by its vector. Raises
    GenerationMissing, GenerationDamaged, CorpusMissing.
    """
    current = read_current(folder)
    if current is None:
        raise GenerationMissing(collection)
    with closing(Generation(folder, current)) as generation:
        verify(generation, range(generation.info.chunks), on_batch)
        return _compared(generation, formats, max_file_bytes)


def _compared(generation: Generation, formats: tuple[str, ...], max_file_bytes: int) -> Proof:
    manifest = generation.manifest
    root = Path(manifest.corpus)
    found, _ = corpus.scan(root, formats=formats, max_file_bytes=max_file_bytes)
    left = dict(manifest.sha256)
    known_bad = {entry.path for entry in manifest.skipped}
    added, changed = [], []
    for file in found:
        expected = left.pop(file.path, None)
        if expected is None and file.path in known_bad:
            continue
        try:
            data = corpus.read(root, file, max_file_bytes=max_file_bytes)
        except SourceUnreadable:
            data = b""  # of a source: changed
        if expected is None:
            added.append(file.path)
        elif corpus.sha256(data) != expected:
            changed.append(file.path)
        elif file.format in VERBATIM:
            _check_text(generation, file.path, decode(data))
    return Proof(
        info=generation.info,
        corpus=manifest.corpus,
        added=tuple(added),
        changed=tuple(changed),
        removed=tuple(sorted(left)),
        skipped=manifest.skipped,
    )


def _check_text(generation: Generation, path: str, text: str) -> None:
    source_id = corpus.source_id(generation.info.collection, path)
    if generation.text(source_id) != text:
        raise GenerationDamaged(generation.folder, f"the text of {path} is not the file's")
