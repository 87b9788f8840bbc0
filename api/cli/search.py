"""`footnote search QUERY`: the nearest passages, best first."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..exit_codes import OK, USAGE, ServiceRefused
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.schemas import Filters

SHOWN_CHARS = 300


def search(
    query: Annotated[str, typer.Argument(help="Words or a question.", show_default=False)],
    url: options.Url = None,
    key: options.Key = None,
    top_k: options.TopK = 5,
    source: options.Source = None,
    tag: options.Tag = None,
    since: options.Since = None,
    until: options.Until = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Find the nearest passages, best first."""
    if not query.strip():
        raise ServiceRefused("the query is empty", USAGE)
    where = options.filters(source, tag, since, until)
    if url:
        from .remote import post

        body = {
            "query": query,
            "top_k": top_k,
            "collection": collection,
            "filters": where.model_dump(mode="json"),
        }
        found = post(url, "/v1/search", body, key=key)
    else:
        settings = options.settings(collection=collection, data_dir=data_dir)
        found = _search(settings, query, top_k, where)
    if json:
        options.print_json(found)
    else:
        typer.echo("\n\n".join(_shown(hit) for hit in found["hits"]) or "Nothing was found.")
    return OK


def _search(settings: "Settings", query: str, top_k: int, where: "Filters") -> dict[str, Any]:
    from ..bootstrap import links
    from ..wire import serializers as present
    from ..wire.schemas import HitsBody
    from .local import opened

    with opened(settings) as (parts, generation):
        hits = parts.pipeline.search(generation, query, top_k=top_k, filters=where.inside())
        address = links(settings)
        found = [present.passage(hit, address) for hit in hits]
        return HitsBody(hits=found, index=present.index(generation.info)).model_dump(mode="json")


def _shown(hit: dict[str, Any]) -> str:
    text = " ".join(hit["text"].split())
    cut = "…" if len(text) > SHOWN_CHARS else ""
    heading = f" · {hit['heading']}" if hit["heading"] else ""
    head = f"{hit['rank']}. {hit['score']:.2f}  {hit['source']}  {hit['title']}{heading}"
    return screen(head).replace("\n", " ") + "\n   " + screen(text[:SHOWN_CHARS]) + cut
