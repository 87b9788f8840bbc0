"""What a collection says of itself, by its manifest alone: quick, and without opening it."""

from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import GenerationMissing
from ..store.manifest import generation_folder, read_manifest, read_published
from ..types import GenerationInfo, Skipped
from .publish import size_of


@dataclass(frozen=True, slots=True)
class Status:
    """The serving generation, its corpus and bytes on disk, and the one `before` it."""

    info: GenerationInfo
    corpus: str
    embedder: str
    size: int
    before: str | None
    skipped: tuple[Skipped, ...]

    def as_json(self) -> dict[str, object]:
        """Returns it as plain values."""
        return asdict(self)


def status_of(folder: Path, collection: str) -> Status:
    """Returns the status; raises GenerationMissing, or GenerationDamaged for a wrong manifest."""
    published = read_published(folder)
    if not published:
        raise GenerationMissing(collection)
    serving = generation_folder(folder, published[0].generation)
    manifest = read_manifest(serving, published[0].manifest_sha256)
    return Status(
        info=manifest.info(),
        corpus=manifest.corpus,
        embedder=manifest.embedder,
        size=size_of(serving),
        before=published[1].generation if len(published) > 1 else None,
        skipped=manifest.skipped,
    )
