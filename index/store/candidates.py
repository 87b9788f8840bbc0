"""The candidate index: chunks that contain any of the question's terms, best BM25 first (tantivy).

tantivy fixes k1 and b (1.2, .75), which cost a point of hit@1 here, so it only finds the
candidates, and `bm25.py` scores these few again. A term of the title or heading counts like one of
the text. Chunks are identified by their row.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_WRITER_BYTES = 64_000_000
_TOKENIZER = "blanks"
"""Texts arrive analysed (`text/analyzer.py`) and are only split at blanks here."""


def _tokenizer() -> Any:
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def build_candidate_index(folder: Path, texts: Iterable[tuple[int, str]]) -> None:
    """Writes an index of (row, terms joined by blanks) into a new folder."""
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_unsigned_field("row", stored=False, indexed=True, fast=True)
    schema.add_text_field("words", stored=False, tokenizer_name=_TOKENIZER, index_option="freq")
    folder.mkdir(parents=True)
    index = tantivy.Index(schema.build(), path=str(folder), reuse=False)
    index.register_tokenizer(_TOKENIZER, _tokenizer())
    writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
    for row, text in texts:
        document = tantivy.Document()
        document.add_unsigned("row", row)
        document.add_text("words", text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


class CandidateIndex:
    """An open candidate index."""

    def __init__(self, folder: Path) -> None:
        """Opens the index; tantivy writes a lock file into the folder."""
        import tantivy

        self._index = tantivy.Index.open(str(folder))
        self._index.register_tokenizer(_TOKENIZER, _tokenizer())
        self._searcher = self._index.searcher()

    def __len__(self) -> int:
        """The number of chunks."""
        return int(self._searcher.num_docs)

    def search(self, terms: Sequence[str], *, limit: int) -> npt.NDArray[np.int64]:
        """Returns the rows of the chunks with any of the terms, best BM25 first."""
        import tantivy

        if not terms or not limit or not len(self):
            return np.empty(0, np.int64)
        schema, should = self._index.schema, tantivy.Occur.Should
        query = tantivy.Query.boolean_query(
            [(should, tantivy.Query.term_query(schema, "words", term)) for term in terms]
        )
        hits = self._searcher.search(query, limit=limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.array(rows, np.int64).reshape(-1)
