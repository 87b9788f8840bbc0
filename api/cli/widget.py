"""`footnote widget snippet`: what a site needs to have the chat widget on its pages."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import OK
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from ..settings import Settings

app = typer.Typer(help="The chat widget on a site's pages.", no_args_is_help=True)

Origin = Annotated[
    str, typer.Option(help="The site, such as https://site.example.", show_default=False)
]


@app.callback()
def _group() -> None:
    """The chat widget on a site's pages."""


@app.command()
def snippet(origin: Origin, json: options.Json = False) -> int:
    """Print the tag for a site's pages, its CSP lines, and the service's setting."""
    settings = options.settings()
    site, service = site_of(origin), service_url(settings)
    tag = f'<script src="{service}/widget/v1.js" defer></script><footnote-chat></footnote-chat>'
    there = f"{service}/" if settings.root_path or service.count("/") > 2 else service
    policy = [f"script-src {there}", f"connect-src {there}"]
    allowed = sorted({*settings.widget_origins, site})
    setting = f"FOOTNOTE_WIDGET_ORIGINS={','.join(allowed)}"
    if json:
        options.print_json({"tag": tag, "csp": policy, "setting": setting})
        return OK
    typer.echo(f"<!-- on the pages of {screen(site)} -->\n{tag}\n")
    typer.echo("<!-- in its Content-Security-Policy, if it has one -->")
    typer.echo(";\n".join(policy))
    typer.echo(f"\n<!-- in the environment of the service -->\n{setting}")
    return OK


def site_of(origin: str) -> str:
    """Returns an origin as browsers send it; raises SettingRefused."""
    from ..errors import SettingRefused
    from ..origins import exact_origin

    try:
        return exact_origin(origin)
    except ValueError as error:
        raise SettingRefused("--origin", str(error)) from None


def service_url(settings: "Settings") -> str:
    """Returns where browsers find the service."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}{settings.root_path.rstrip('/')}"


def blockers(settings: "Settings", origin: str) -> list[str]:
    """Returns what keeps pages of a site from asking this service, each with what to do."""
    from urllib.parse import urlsplit

    from ..security.auth import is_loopback

    site, service = site_of(origin), service_url(settings)
    found = []
    own = "{0.scheme}://{0.netloc}".format(urlsplit(service))
    if site != own and site not in settings.widget_origins:
        found.append(f"FOOTNOTE_WIDGET_ORIGINS does not hold {site}")
    here, there = urlsplit(service).hostname or "", urlsplit(site).hostname or ""
    if is_loopback(here) and not is_loopback(there):
        found.append(f"only this machine reaches {service}: set FOOTNOTE_PUBLIC_URL")
    elif site.startswith("https:") and not service.startswith("https:") and not is_loopback(here):
        found.append(f"an https page may not ask {service}: serve it by https, set PUBLIC_URL")
    return found
