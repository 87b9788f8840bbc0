"""`footnote add URL… [CORPUS]`: web pages into the folder of articles."""

import asyncio
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...exit_codes import OK, UNAVAILABLE, CliError
from .. import options
from ..sync import show_progress
from .arguments import read_entries, split_corpus

if TYPE_CHECKING:
    from ...settings import Settings
    from ...web.collector import OnEvent, Outcome, Status
    from ...web.listing import Entry

Urls = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="URL… [CORPUS]",
        help="Pages, sitemaps, feeds or files of URLs; last the folder of articles.",
        show_default=False,
    ),
]


def add(
    urls: Urls = None,
    from_file: Annotated[
        list[Path] | None, typer.Option("--from", help="File with a URL on each line; repeatable.")
    ] = None,
    sitemap: Annotated[
        bool, typer.Option("--sitemap", help="The URLs are sitemaps; else recognised.")
    ] = False,
    feed: Annotated[
        bool, typer.Option("--feed", help="The URLs are RSS or Atom feeds; else recognised.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch again what has changed of the pages added.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many pages.")] = 1_000,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Fetch web pages into the folder of articles. `footnote sync` then indexes them."""
    corpus, places = split_corpus(list(urls or ()))
    entries = read_entries([*places, *map(str, from_file or ())])
    if not entries and not refresh:
        raise CliError("name a URL, a file of URLs or --refresh")
    settings = options.load_settings(corpus=corpus, collection=collection, data_dir=data_dir)
    options.check_data_dir(settings)
    with show_progress(json=json) as on_event:
        outcomes = asyncio.run(
            _collect(
                settings,
                entries,
                on_event,
                are_listings=sitemap or feed,
                refresh=refresh,
                limit=limit,
            )
        )
    _show(outcomes, json=json)
    has_any = any(outcome.status != "failed" for outcome in outcomes)
    return OK if has_any or not outcomes else UNAVAILABLE


async def _collect(
    settings: "Settings",
    entries: "list[Entry]",
    on_event: "OnEvent",
    *,
    are_listings: bool,
    refresh: bool,
    limit: int,
) -> "list[Outcome]":
    from index.errors import CorpusMissing
    from index.formats import formats_by_suffix, load_formats

    from ...bootstrap import page_fetcher, writable_corpus
    from ...web.collector import PageCollector

    corpus = replace(writable_corpus(settings), needs_mark=False)  # the folder's owner runs this
    if not corpus.root.is_dir():
        raise CorpusMissing(corpus.root)
    suffixes = set(formats_by_suffix(load_formats(settings.formats)))
    fetcher = page_fetcher(settings)
    collector = PageCollector(
        corpus, fetcher, suffixes, max_bytes=settings.max_file_bytes, on_event=on_event
    )
    try:
        if refresh:
            await collector.refresh(limit=limit)
        await collector.add(entries, limit=limit, are_listings=are_listings)
    finally:
        await fetcher.close()
    return collector.outcomes


def _show(outcomes: "list[Outcome]", *, json: bool) -> None:
    counts = Counter(outcome.status for outcome in outcomes)
    statuses: tuple[Status, ...] = ("added", "changed", "unchanged", "failed")
    if json:
        pages = [asdict(outcome) for outcome in outcomes]
        options.print_json({status: counts[status] for status in statuses} | {"pages": pages})
        return
    summary = ", ".join(f"{counts[status]} {status}" for status in statuses)
    has_news = counts["added"] or counts["changed"]
    typer.echo(summary + ("; index them by footnote sync" if has_news else ""))
