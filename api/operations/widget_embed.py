"""What a site needs to embed the chat widget, and what blocks it."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ..settings import Settings


def service_url(settings: "Settings") -> str:
    """Returns the URL at which browsers reach the service."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}{settings.root_path.rstrip('/')}"


def script_tag(service: str) -> str:
    """Returns the tag that loads the widget; `service` is the URL at which browsers reach it."""
    return f'<script src="{service}/widget/v1.js" defer></script>'


def element_tag() -> str:
    """Returns the widget's element."""
    return "<footnote-chat></footnote-chat>"


def blockers(settings: "Settings", site: str) -> list[str]:
    """Returns why pages of a site cannot use this service, each reason with its remedy.

    `site` is a normalized origin.
    """
    from ..security.auth import is_loopback

    service = service_url(settings)
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
