"""`footnote verify`: proves that the index is whole, and that of the folder as it is now."""

import sys
from dataclasses import asdict

import typer

from ..exit_codes import OK, UNAVAILABLE
from ..wire.amount import amount
from ..wire.escape import screen
from . import options


def verify(
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    json: options.Json = False,
) -> int:
    """Prove that the index holds together and equals its folder; 4 where it does not."""
    settings = options.settings(collection=collection, data_dir=data_dir)
    from index.store.comparison import prove

    from ..bootstrap import collection_folder

    proof = prove(
        collection_folder(settings),
        settings.collection,
        formats=settings.formats,
        max_file_bytes=settings.max_file_bytes,
        on_batch=_shown,
    )
    if json:
        options.print_json({"holds": proof.holds, **asdict(proof)})
    else:
        for kind in ("added", "changed", "removed"):
            for path in getattr(proof, kind):
                typer.echo(screen(f"{kind} since: {path}"))
        info = proof.info
        outcome = "equals" if proof.holds else "is whole, but not up to date with"
        typer.echo(
            screen(
                f"generation {info.generation} ({amount(info.sources, 'article')}, "
                f"{amount(info.chunks, 'passage')}) "
                f"{outcome} {proof.corpus}"
            )
        )
    return OK if proof.holds else UNAVAILABLE


def _shown(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rlooked for {done} of {amount(total, 'passage')}", nl=done == total, err=True)
