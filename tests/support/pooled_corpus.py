"""A corpus whose passages tell whether they were embedded twice, and what two syncs made of one."""

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from index.sync.process import SyncRequest
from tests.support.corpus_builder import open_generation
from tests.support.fake_wire import embed
from tests.support.fakes import FakeModel

PASSAGES = 200


def is_passage(text: str) -> bool:
    """Is this a passage of `many_passages`, rather than one of its sentences?"""
    return text.startswith("Passage") and text.endswith("It ends.")


class CountingModel:
    """An embeddings endpoint that counts each text and takes its time."""

    def __init__(self) -> None:
        self.pause_s = 0.0
        self.counts = Counter[str]()
        self.endpoint = FakeModel(vector_of=self._vector)

    def _vector(self, text: str) -> Sequence[float]:
        self.counts[text] += 1
        time.sleep(self.pause_s)
        return embed(text)

    @property
    def env(self) -> dict[str, str]:
        url = self.endpoint.base_url
        return {"FOOTNOTE_EMBED__MODEL": "fake", "FOOTNOTE_EMBED__BASE_URL": url}

    def repeated(self) -> list[str]:
        """Passages that were embedded more than once."""
        return [text for text, n in self.counts.items() if n > 1 and is_passage(text)]

    def embedded(self) -> int:
        """The number of passages that were embedded."""
        return sum(n for text, n in self.counts.items() if is_passage(text))


def many_passages(number: int) -> dict[str, str]:
    return {
        f"{n // 20:03}/{n:04}.txt": f"Passage {n} tells of {n * 7} ships{more(n)}. It ends.\n"
        for n in range(number)
    }


def more(number: int) -> str:
    return " and more" * (number % 60)


def contents(request: SyncRequest) -> list[object]:
    """All of a generation's texts, passages and notes, and the causes of what was skipped."""
    with open_generation(request) as generation:
        sources = generation.sources(after=None, limit=-1)
        texts = [(s, generation.text(s.id), generation.source_chunks(s.id)) for s in sources]
        return [texts, generation.manifest.skipped, generation.manifest.notes]


def vectors(request: SyncRequest) -> dict[str, np.ndarray]:
    with open_generation(request) as generation:
        ids = generation.chunk_ids()
        stored = generation.stored_vectors(0, len(ids)).chunks.astype(np.float32)
        return dict(zip(ids, stored, strict=True))


def cosines(one: SyncRequest, other: SyncRequest) -> list[float]:
    """The cosine of each passage's vector in one generation with that in the other."""
    ours, theirs = vectors(one), vectors(other)
    assert ours.keys() == theirs.keys()
    return [float(ours[key] @ theirs[key]) / np.linalg.norm(ours[key]) ** 2 for key in ours]
