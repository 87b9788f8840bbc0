"""`footnote status`, `verify` and `rollback`: the generation that serves a collection."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from index.errors import IndexingError

from ..exit_codes import OK, UNAVAILABLE
from ..operations.health.descriptions import describe
from ..wire.escape import escape, pluralize
from . import options

if TYPE_CHECKING:
    from ..settings import Settings


def status(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Show the serving generation, the skipped files, and notes on how files were read."""
    settings = options.load_settings(collection=collection, data_dir=data_dir)
    from index.sync.publish import read_status

    index = read_status(settings.collection_folder, settings.collection)
    shared = _shared_generation(settings)
    if json:
        options.print_json({**asdict(index), "shared": shared})
        return OK
    info = index.info
    age = datetime.now(UTC) - datetime.fromisoformat(info.built_at)
    lines = [
        f"{info.collection}: {describe(info)}",
        f"corpus    {index.corpus}",
        f"built     {_format_age(age.total_seconds())} ago, {index.size / 1e6:,.1f} MB",
        f"previous  {index.before or 'none (nothing to roll back to)'}",
        *([f"shared    {shared}"] if shared else []),
        f"skipped   {len(index.skipped)}",
        *(f"  {entry.path}: {entry.cause}" for entry in index.skipped),
        *([f"notes     {len(index.notes)}"] if index.notes else []),
        *(f"  {entry.path}: {entry.note}" for entry in index.notes),
    ]
    typer.echo("\n".join(escape(line) for line in lines))
    return OK


def verify(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Verify the index and compare it with its folder. Exit code 4 if they differ."""
    settings = options.load_settings(collection=collection, data_dir=data_dir)
    from index.sync.compare import compare_with_corpus

    comparison = compare_with_corpus(
        settings.collection_folder,
        settings.collection,
        formats=settings.formats,
        max_file_bytes=settings.max_file_bytes,
        on_batch=_show_progress,
    )
    if json:
        options.print_json({"holds": comparison.is_up_to_date, **asdict(comparison)})
    else:
        for change in ("added", "changed", "removed"):
            for path in getattr(comparison, change):
                typer.echo(escape(f"{change} since the sync: {path}"))
        result = "matches" if comparison.is_up_to_date else "is intact, but out of date with"
        typer.echo(escape(f"{describe(comparison.info)}: {result} {comparison.corpus}"))
    return OK if comparison.is_up_to_date else UNAVAILABLE


def rollback(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    shared: options.Shared = None,
    json: options.Json = False,
) -> int:
    """Serve the previous generation again. A second rollback undoes the first."""
    settings = options.load_settings(collection=collection, data_dir=data_dir, shared=shared)
    from index.sync.publish import roll_back

    generation = roll_back(settings.collection_folder, settings.collection, shared=settings.shared)
    if json:
        options.print_json({"generation": generation})
    else:
        typer.echo(f"generation {generation} is serving; the next sync updates it from its folder")
    return OK


def _shared_generation(settings: "Settings") -> str | None:
    """Returns which generation the machines share, or why that is not known; None without."""
    if settings.shared is None:
        return None
    from index.object_store import ObjectStore
    from index.shared.collection import SharedCollection

    try:
        shared = SharedCollection(ObjectStore(settings.shared), settings.collection)
        published, _ = shared.published()
    except IndexingError as error:
        return str(error)
    return f"generation {published[0].generation}" if published else "none yet"


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(
            f"\rverified {done} of {pluralize(total, 'passage')}", nl=done == total, err=True
        )


def _format_age(seconds: float) -> str:
    for unit, unit_s in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
