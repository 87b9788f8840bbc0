"""A llama-index retriever over Footnote's index, for use in one's own engines.

Each node has the passage's text, its score (0 to 1), source, title, offsets, heading and page.
llama-index's global settings are neither read nor changed.
"""

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from index.embed.protocol import Embedder
from index.serving import Serving
from index.types import NO_FILTERS, Filters

from ..types import Hit
from .fusion import retrieve
from .query import analyze_query
from .weights import fitted_weights


class HybridRetriever(BaseRetriever):
    """Footnote's hybrid retrieval as a llama-index `BaseRetriever`, best passage first."""

    def __init__(
        self, serving: Serving, embedder: Embedder, *, top_k: int, filters: Filters = NO_FILTERS
    ) -> None:
        """`filters` limit the sources that are searched."""
        super().__init__()
        self._serving, self._embedder = serving, embedder
        self._top_k, self._filters = top_k, filters

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Raises GenerationMissing while nothing serves, EmbedderMismatch for another model's."""
        with self._serving.lease() as generation:
            query = analyze_query(generation, self._embedder, query_bundle.query_str)
            result = retrieve(
                generation,
                query,
                weights=fitted_weights(),
                top_k=self._top_k,
                filters=self._filters,
            )
        return [_node(hit) for hit in result.hits]


def _node(hit: Hit) -> NodeWithScore:
    chunk, source = hit.chunk, hit.source
    node = TextNode(
        id_=chunk.id,
        text=hit.text,
        start_char_idx=chunk.start,
        end_char_idx=chunk.end,
        metadata={
            "source": source.path,
            "source_id": source.id,
            "title": source.title,
            "heading": chunk.heading,
            "page": chunk.page,
        },
        excluded_embed_metadata_keys=["source_id", "page"],
        excluded_llm_metadata_keys=["source_id"],
    )
    return NodeWithScore(node=node, score=hit.score)
