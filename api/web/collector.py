"""Adds pages to a corpus and refreshes them, one after the other; sitemaps and feeds are expanded.

A page is written only once it has been read wholly: what cannot be fetched, or is no longer where
it was, leaves its file as it is, and is named.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from index.sidecar import list_pages, read_sidecar

from ..errors import FetchFailed, RequestError, UrlRefused
from ..service.corpus_files import Corpus, write_file, write_sidecar
from .addresses import parse_url
from .fetch import Fetcher, Page
from .listing import Entry, decompress, listing_kind, read_listing, read_url_list
from .page_files import build_sidecar, choose_path, find_page, page_bytes
from .page_paths import page_suffix

MAX_LISTINGS = 100
"""Sitemaps and feeds that are read at a time: a sitemap index may name itself."""

Status = Literal["added", "changed", "unchanged", "failed"]
OnEvent = Callable[[dict[str, object]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a URL; `cause` says why it failed."""

    url: str
    status: Status
    path: str | None = None
    cause: str | None = None


class PageCollector:
    """Fetches pages into one corpus."""

    def __init__(
        self,
        corpus: Corpus,
        fetcher: Fetcher,
        suffixes: Collection[str],
        *,
        max_bytes: int,
        on_event: OnEvent = lambda event: None,
    ) -> None:
        self._corpus, self._fetcher, self._suffixes = corpus, fetcher, suffixes
        self._max_bytes, self._on_event = max_bytes, on_event
        self.outcomes: list[Outcome] = []

    async def add(
        self, entries: Iterable[Entry], *, limit: int, are_listings: bool = False
    ) -> None:
        """Adds at most `limit` pages: those at the URLs, or in the listings that are there.

        With `are_listings` each URL must lead to a sitemap or a feed.
        """
        given = list(dict.fromkeys(entries))
        pending, seen, n_listings = deque(given), {entry.url for entry in given}, 0
        must_list = {entry.url for entry in given} if are_listings else set()
        n_pages = 0
        while pending and n_pages < limit:
            entry = pending.popleft()
            try:
                page, path = await self._fetch(entry.url)
                found = _expand(page, limit, is_expected=entry.url in must_list)
                if found is None:
                    outcome = await asyncio.to_thread(self._store, entry, page, path)
            except (RequestError, OSError) as error:
                found, outcome = None, Outcome(entry.url, "failed", cause=_cause(error))
            if found is None:
                n_pages += 1
                self._report(outcome, n_pages, min(limit, n_pages + len(pending)))
                continue
            n_listings += 1
            if n_listings > MAX_LISTINGS:
                n_pages += 1
                cause = f"not read: there are more than {MAX_LISTINGS} sitemaps"
                self._report(Outcome(entry.url, "failed", cause=cause), n_pages, limit)
                continue
            new = [one for one in found if one.url not in seen]
            seen.update(one.url for one in new)
            pending.extend(dict.fromkeys(new))

    async def refresh(self, *, limit: int) -> None:
        """Fetches again what has changed of the first `limit` pages in the corpus."""
        root = self._corpus.root
        paths = list(list_pages(root))[:limit]
        for done, path in enumerate(paths, start=1):
            known = read_sidecar(root, path)
            url = str(known.get("url", ""))
            try:
                outcome = await self._refresh(path, url, known)
            except (RequestError, OSError) as error:
                outcome = Outcome(url, "failed", path, _cause(error))
            self._report(outcome, done, len(paths))

    async def _refresh(self, path: str, url: str, known: dict[str, Any]) -> Outcome:
        data = (self._corpus.root / path).read_bytes()
        if hashlib.sha256(data).hexdigest() != known.get("sha256"):
            raise FetchFailed(url, "the file was changed by hand: kept; add the URL to replace it")
        page = await self._fetcher.fetch(url, max_bytes=self._max_bytes, **_conditions(known))
        if page.status == 304:
            return Outcome(url, "unchanged", path)
        if page.url != url:
            raise FetchFailed(url, f"redirects to {page.url[:300]}: kept; add that URL instead")
        suffix = page_suffix(parse_url(url), page.media_type, self._suffixes)
        if not path.endswith(suffix):
            raise UrlRefused(url, f"is now {page.media_type}: kept; delete the file to add it")
        entry = Entry(url, known.get("title"), known.get("date"))
        return await asyncio.to_thread(self._store, entry, page, tuple(path.split("/")))

    async def _fetch(self, url: str) -> tuple[Page, tuple[str, ...] | None]:
        """Returns the page at a URL, and the path that it has already."""
        names = find_page(self._corpus.root, url, self._suffixes)
        conditions: dict[str, str | None] = {}
        if names:
            path = self._corpus.root.joinpath(*names)
            known = read_sidecar(self._corpus.root, "/".join(names))
            data = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(data).hexdigest() == known.get("sha256"):
                conditions = _conditions(known)
        page = await self._fetcher.fetch(url, max_bytes=self._max_bytes, **conditions)
        return page, names

    def _store(self, entry: Entry, page: Page, names: tuple[str, ...] | None) -> Outcome:
        """Writes a page that has changed; blocks."""
        if page.status == 304 and names:
            return Outcome(page.url, "unchanged", "/".join(names))
        data = page_bytes(page)
        names = names or choose_path(self._corpus.root, page, self._suffixes)
        path = self._corpus.root.joinpath(*names)
        previous = path.read_bytes() if path.is_file() else None
        sidecar = build_sidecar(page, data, title=entry.title, date=entry.date)
        write_sidecar(self._corpus, names, sidecar)
        if data != previous:
            write_file(self._corpus, names, data)
        is_new, is_same = previous is None, data == previous
        status: Status = "added" if is_new else "unchanged" if is_same else "changed"
        return Outcome(page.url, status, "/".join(names))

    def _report(self, outcome: Outcome, done: int, total: int) -> None:
        self.outcomes.append(outcome)
        if outcome.status == "failed":
            source = outcome.url if outcome.path is None else outcome.path
            self._on_event({"event": "skip", "source": source, "cause": outcome.cause})
        self._on_event({"event": "fetch", "done": done, "total": total, **asdict(outcome)})


def _conditions(known: dict[str, Any]) -> dict[str, str | None]:
    """Returns the arguments of a conditional request; headers hold printable ASCII alone."""
    values = {name: known.get(name) for name in ("etag", "last_modified")}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value.isascii() and value.isprintable()
    }


def _expand(page: Page, limit: int, *, is_expected: bool) -> list[Entry] | None:
    """Returns the entries of a listing, None for a page; raises FetchFailed."""
    try:
        data = decompress(page.body)
        kind = listing_kind(data)
        if kind is None and is_expected:
            if page.media_type != "text/plain":
                raise ValueError("is neither a sitemap nor a feed")
            return list(read_url_list(data.decode("utf-8-sig", "replace")))[:limit]
        return None if kind is None else read_listing(data, limit=limit)
    except ValueError as error:
        raise FetchFailed(page.url, str(error)) from error


def _cause(error: RequestError | OSError) -> str:
    if isinstance(error, FetchFailed | UrlRefused):
        return error.cause
    return str(error) if isinstance(error, RequestError) else error.strerror or str(error)
