"""Asks a running service instead of the index at hand."""

from typing import Any

from ..exit_codes import CONFIGURATION, UNAVAILABLE, USAGE, ServiceRefused

_CODES = {401: CONFIGURATION, 403: CONFIGURATION, 404: CONFIGURATION, 422: USAGE, 413: USAGE}


def post(url: str, path: str, body: dict[str, Any], *, key: str | None) -> dict[str, Any]:
    """Returns the service's JSON answer; raises ServiceRefused when there is none."""
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        response = httpx.post(
            url.rstrip("/") + path,
            json=body,
            headers=headers,
            timeout=httpx.Timeout(120, connect=5),
        )
        content = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        cause = str(error) or type(error).__name__
        raise ServiceRefused(f"no service answers at {url}: {cause}", UNAVAILABLE) from error
    except ValueError as error:
        raise ServiceRefused(f"what answers at {url} is not Footnote", UNAVAILABLE) from error
    if response.is_success and isinstance(content, dict):
        return content
    detail = content.get("detail") if isinstance(content, dict) else None
    code = _CODES.get(response.status_code, UNAVAILABLE)
    raise ServiceRefused(f"{url}: {detail or response.reason_phrase}", code)
