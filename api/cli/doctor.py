"""`footnote doctor`: checks what answers depend on, one line each; exit code 4 on a failure."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import OK, UNAVAILABLE
from ..operations.health.doctor import CheckResult, run_checks
from ..operations.widget_embed import blockers, service_url
from ..wire.escape import escape
from . import options
from .widget import parse_origin

if TYPE_CHECKING:
    from ..settings import Settings


def doctor(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also call the model and the sign-in provider.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option(help="Also check the chat widget on this site.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Check the installation, the index, the shared store, and with --online the model."""
    settings = options.load_settings(corpus=corpus, collection=collection, data_dir=data_dir)
    results = list(run_checks(settings, online=online))
    if origin is not None:
        results.append(_check_widget(settings, origin))
    is_healthy = all(result.ok is not False for result in results)
    if json:
        options.print_json({"ok": is_healthy, "checks": [asdict(result) for result in results]})
    else:
        for result in results:
            mark = {True: "ok  ", False: "FAIL", None: "-   "}[result.ok]
            typer.echo(escape(f"{mark}  {result.check:<8}  {result.detail}"))
    return OK if is_healthy else UNAVAILABLE


def _check_widget(settings: "Settings", origin: str) -> CheckResult:
    site = parse_origin(origin)
    reasons = blockers(settings, site)
    detail = f"pages of {site} can use {service_url(settings)}"
    return CheckResult("widget", not reasons, "; ".join(reasons) or detail)
