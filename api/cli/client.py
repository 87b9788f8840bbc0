"""Where commands get their answers: from the local index, or from a running service (`--url`)."""

import asyncio
from typing import TYPE_CHECKING, Any

from index.redact import check_url, redact, register_secrets, register_url

from ..exit_codes import CONFIGURATION, UNAVAILABLE, USAGE, CliError
from ..operations.health.local_index import open_index as open_index

if TYPE_CHECKING:
    from rag.types import Answer, Ask

    from ..settings import Settings

_CODES = {401: CONFIGURATION, 403: CONFIGURATION, 404: CONFIGURATION, 413: USAGE, 422: USAGE}


def answer_locally(settings: "Settings", ask: "Ask") -> "Answer":
    """Returns the answer of the local index; raises IndexingError."""

    async def answer() -> "Answer":
        with open_index(settings) as (components, generation):
            result = await components.pipeline.answer(generation, ask)
            await components.pipeline.close()
        return result

    return asyncio.run(answer())


def post(url: str, path: str, body: dict[str, Any], *, key: str | None) -> dict[str, Any]:
    """Returns the JSON response of a running service; raises CliError on any failure."""
    import httpx

    from ..setting_names import check_variables
    from ..settings import Settings

    check_variables(Settings)
    register_url(url)
    register_secrets([key])
    if "@" in url:  # with a password, which a malformed URL might show
        try:
            check_url(url)
        except ValueError as error:
            raise CliError(f"--url {error}", USAGE) from None
    address = redact(url)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(120, connect=5)
    try:
        response = httpx.post(url.rstrip("/") + path, json=body, headers=headers, timeout=timeout)
        content = response.json()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        cause = str(error) or type(error).__name__
        raise CliError(f"cannot reach a service at {address}: {cause}", UNAVAILABLE) from error
    except ValueError as error:
        raise CliError(f"the server at {address} is not Footnote", UNAVAILABLE) from error
    if response.is_success and isinstance(content, dict):
        return content
    detail = content.get("detail") if isinstance(content, dict) else None
    if response.status_code == 401:
        detail = "the API key is missing or not valid; set it with --key or FOOTNOTE_KEY"
    exit_code = _CODES.get(response.status_code, UNAVAILABLE)
    raise CliError(f"{address}: {detail or response.reason_phrase}", exit_code)
