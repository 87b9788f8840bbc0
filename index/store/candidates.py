"""BM25 candidates by tantivy; chunks are known by their row.

tantivy fixes k1 and b (1.2, .75), which cost a point of hit@1 here, so it only finds the
candidates; `terms.py` scores those few anew. A term of the title or heading counts like one of
the text.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_WRITER_BYTES = 64_000_000
_SPLITTER = "blanks"
"""Texts come analysed (`words.terms`); tantivy only splits them."""


def _splitter() -> Any:
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", stored=False, indexed=True, fast=True)
    builder.add_text_field("words", stored=False, tokenizer_name=_SPLITTER, index_option="freq")
    return builder.build()


def build_lexical(folder: Path, texts: Iterable[tuple[int, str]]) -> None:
    """Writes a BM25 index of (row, terms joined by blanks) into an empty folder."""
    import tantivy

    folder.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(folder), reuse=False)
    index.register_tokenizer(_SPLITTER, _splitter())
    writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
    for row, text in texts:
        document = tantivy.Document()
        document.add_unsigned("row", row)
        document.add_text("words", text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


class Lexical:
    """An open BM25 index."""

    def __init__(self, folder: Path) -> None:
        """Opens the index in a folder that may be written to (tantivy keeps a lock file there)."""
        import tantivy

        self._index = tantivy.Index.open(str(folder))
        self._index.register_tokenizer(_SPLITTER, _splitter())
        self._schema = self._index.schema
        self._searcher = self._index.searcher()

    def __len__(self) -> int:
        """How many chunks it holds."""
        return int(self._searcher.num_docs)

    def find(self, terms: Sequence[str], *, limit: int) -> npt.NDArray[np.int64]:
        """Returns the rows of the chunks that hold any of the terms, best BM25 first."""
        import tantivy

        if not terms or not limit or not len(self):
            return np.empty(0, np.int64)
        should = tantivy.Occur.Should
        query = tantivy.Query.boolean_query(
            [(should, tantivy.Query.term_query(self._schema, "words", term)) for term in terms]
        )
        hits = self._searcher.search(query, limit=limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.array(rows, np.int64).reshape(-1)
