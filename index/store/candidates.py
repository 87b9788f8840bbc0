"""The candidate index: chunks that contain any of the question's terms, best BM25 first (tantivy).

tantivy fixes k1 and b (1.2, .75), which cost a point of hit@1 here, so it only finds the
candidates, and `bm25.py` scores these few again. A term of the title or heading counts like one of
the text. A chunk keeps the key it was indexed with while its row moves, so that an index is updated
by what changed; `KEYS` has each row's key.
"""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .private_copy import link_file

Ints = npt.NDArray[np.int64]

_WRITER_BYTES = 64_000_000
KEYS = "keys.npy"
_KEY = "row"
_TOKENIZER = "blanks"
"""Texts arrive analysed (`text/analyzer.py`) and are only split at blanks here."""


def _tokenizer() -> Any:
    import tantivy

    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def build_candidate_index(folder: Path, texts: Iterable[str]) -> None:
    """Writes an index of the terms of each row, joined by blanks, into a new folder."""
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_unsigned_field(_KEY, stored=False, indexed=True, fast=True)
    schema.add_text_field("words", stored=False, tokenizer_name=_TOKENIZER, index_option="freq")
    folder.mkdir(parents=True)
    index = tantivy.Index(schema.build(), path=str(folder), reuse=False)
    keys = _write(index, texts, removed=(), first_key=0)
    np.save(folder / KEYS, np.arange(keys))


def update_candidate_index(
    previous: Path, folder: Path, *, copied: Ints, texts: Iterable[str]
) -> None:
    """Writes into a new folder the index `previous` with other rows.

    `copied` (n,) are the row there of each row, −1 for one whose terms are the next of `texts`.
    The files that stay are hard links.
    """
    import tantivy

    folder.mkdir(parents=True)
    for path in previous.iterdir():
        if path.suffix == ".json":
            shutil.copyfile(path, folder / path.name)
        elif path.suffix != ".lock" and path.name != KEYS:
            link_file(path, folder / path.name)
    index = tantivy.Index.open(str(folder))
    older = load_keys(previous, count=index.searcher().num_docs)
    keys, is_new = np.empty(len(copied), np.int64), copied < 0
    keys[~is_new] = older[copied[~is_new]]
    first_key = int(older.max(initial=-1)) + 1
    keys[is_new] = first_key + np.arange(np.count_nonzero(is_new))
    removed = np.setdiff1d(older, keys).tolist()
    _write(index, texts, removed=removed, first_key=first_key)
    np.save(folder / KEYS, keys)


def load_keys(folder: Path, *, count: int) -> Ints:
    """Returns the key of each of `count` rows; before 2026-11-28 it was the row itself."""
    path = folder / KEYS
    return np.asarray(np.load(path), np.int64) if path.exists() else np.arange(count)


def _write(index: Any, texts: Iterable[str], *, removed: Iterable[int], first_key: int) -> int:
    """Removes the keys and adds the texts, with keys from `first_key` on; returns the next key."""
    import tantivy

    index.register_tokenizer(_TOKENIZER, _tokenizer())
    writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
    for key in removed:
        # `delete_documents_by_term` takes a number for a signed one, and finds nothing
        writer.delete_documents_by_query(tantivy.Query.term_query(index.schema, _KEY, key))
    key = first_key
    for text in texts:
        document = tantivy.Document()
        document.add_unsigned(_KEY, key)
        document.add_text("words", text)
        writer.add_document(document)
        key += 1
    writer.commit()
    writer.wait_merging_threads()
    return key


class CandidateIndex:
    """An open candidate index."""

    def __init__(self, folder: Path) -> None:
        """Opens the index; tantivy writes a lock file into the folder."""
        import tantivy

        self._index = tantivy.Index.open(str(folder))
        self._index.register_tokenizer(_TOKENIZER, _tokenizer())
        self._searcher = self._index.searcher()
        keys = load_keys(folder, count=self._searcher.num_docs)
        self.keys = int(keys.max(initial=-1)) + 1
        """The number of keys ever given, those of removed chunks included."""
        self._row_of = np.zeros(self.keys, np.int32)
        self._row_of[keys] = np.arange(len(keys), dtype=np.int32)

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
        keys = self._searcher.fast_field_values(_KEY, [address for _, address in hits])
        return self._row_of[np.array(keys, np.int64).reshape(-1)].astype(np.int64)
