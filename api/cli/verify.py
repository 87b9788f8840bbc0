"""`footnote verify`: proves that the index is whole, and that of the folder as it is now."""

import sys
from dataclasses import asdict

import typer

from ..exit_codes import OK, UNAVAILABLE
from ..wire.escape import escape, pluralize
from . import options


def verify(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Prove that the index holds together and equals its folder; 4 where it does not."""
    settings = options.settings(collection=collection, data_dir=data_dir)
    from index.store.integrity import compare_with_corpus

    from ..bootstrap import collection_folder

    comparison = compare_with_corpus(
        collection_folder(settings),
        settings.collection,
        formats=settings.formats,
        max_file_bytes=settings.max_file_bytes,
        on_batch=_shown,
    )
    if json:
        options.print_json({"holds": comparison.is_up_to_date, **asdict(comparison)})
    else:
        for kind in ("added", "changed", "removed"):
            for path in getattr(comparison, kind):
                typer.echo(escape(f"{kind} since: {path}"))
        info = comparison.info
        outcome = "equals" if comparison.is_up_to_date else "is whole, but not up to date with"
        typer.echo(
            escape(
                f"generation {info.generation} ({pluralize(info.sources, 'article')}, "
                f"{pluralize(info.chunks, 'passage')}) "
                f"{outcome} {comparison.corpus}"
            )
        )
    return OK if comparison.is_up_to_date else UNAVAILABLE


def _shown(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rlooked for {done} of {pluralize(total, 'passage')}", nl=done == total, err=True)
