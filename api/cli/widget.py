"""`footnote widget snippet`: what a site needs to embed the chat widget, and what blocks it."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import CONFIGURATION, OK, CliError
from ..wire.escape import escape
from . import options

if TYPE_CHECKING:
    from ..settings import Settings

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
    tag = f'<script src="{service}/widget/v1.js" defer></script><footnote-chat></footnote-chat>'
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


def service_url(settings: "Settings") -> str:
    """Returns the URL at which browsers reach the service."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}{settings.root_path.rstrip('/')}"


def blockers(settings: "Settings", origin: str) -> list[str]:
    """Returns why pages of a site cannot use this service, each reason with its remedy."""
    from urllib.parse import urlsplit

    from ..security.auth import is_loopback

    site, service = parse_origin(origin), service_url(settings)
    reasons = []
    own = "{0.scheme}://{0.netloc}".format(urlsplit(service))
    if site != own and site not in settings.widget_origins:
        reasons.append(f"{site} is not allowed: add it to FOOTNOTE_WIDGET_ORIGINS")
    service_host, site_host = urlsplit(service).hostname or "", urlsplit(site).hostname or ""
    is_local = is_loopback(service_host)
    if is_local and not is_loopback(site_host):
        reasons.append(f"only this machine can reach {service}: set FOOTNOTE_PUBLIC_URL")
    elif site.startswith("https:") and not service.startswith("https:") and not is_local:
        reasons.append(
            f"https pages cannot call {service} (mixed content): "
            "serve it over https and set FOOTNOTE_PUBLIC_URL"
        )
    return reasons
