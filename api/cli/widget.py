"""`footnote widget snippet`: what a site needs to embed the chat widget, and what blocks it."""

from typing import Annotated

import typer

from ..exit_codes import CONFIGURATION, OK, CliError
from ..operations.widget_embed import element_tag, script_tag, service_url
from ..wire.escape import escape
from . import options

app = typer.Typer(help="The chat widget on other sites.", no_args_is_help=True)

Origin = Annotated[str, typer.Option(help="Origin of the site, such as https://site.example.")]


@app.callback()
def _group() -> None:
    """The chat widget on other sites."""


@app.command()
def snippet(origin: Origin, json: options.Json = False) -> int:
    """Print the HTML tag and CSP directives for a site, and the setting for the service."""
    settings = options.load_settings()
    site, service = parse_origin(origin), service_url(settings)
    tag = f"{script_tag(service)}{element_tag()}"
    csp_source = f"{service}/" if settings.root_path or service.count("/") > 2 else service
    csp = [f"script-src {csp_source}", f"connect-src {csp_source}"]
    origins = sorted({*settings.widget_origins, site})
    setting = f"FOOTNOTE_WIDGET_ORIGINS={','.join(origins)}"
    if json:
        options.print_json({"tag": tag, "csp": csp, "setting": setting})
        return OK
    typer.echo(f"<!-- on the pages of {escape(site)} -->\n{tag}\n")
    typer.echo("<!-- in its Content-Security-Policy, if it sends one -->")
    typer.echo(";\n".join(csp))
    typer.echo(f"\n<!-- in the environment of the service -->\n{setting}")
    return OK


def parse_origin(origin: str) -> str:
    """Returns an origin as browsers send it; raises CliError."""
    from ..origins import normalize_origin

    try:
        return normalize_origin(origin)
    except ValueError as error:
        raise CliError(f"--origin: {error}", CONFIGURATION) from None
