"""What a generation is, in words."""

from typing import TYPE_CHECKING

from ...wire.escape import pluralize

if TYPE_CHECKING:
    from index.types import GenerationInfo


def describe(info: "GenerationInfo") -> str:
    """Returns `generation 000012, 5 articles, 30 passages` and how it is searched."""
    mode = ", exact vector search" if info.exact else ""
    mode = mode if info.complete else ", keyword search only, embedding continues"
    articles, passages = pluralize(info.sources, "article"), pluralize(info.chunks, "passage")
    return f"generation {info.generation}, {articles}, {passages}{mode}"
