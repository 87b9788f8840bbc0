"""One GET request to a checked address: no proxy, cookie or redirect, and a bounded body.

The URL that is connected to holds the address; `Host` and the TLS name are those of the page, so
certificates are checked by name. Connections are not kept: another name at the same address would
share one whose certificate was checked for the first.
"""

import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from ..errors import FetchFailed
from .addresses import Address

IDLE_TIMEOUT_S = 10.0
"""For connecting, and between two parts of a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; the body is decompressed, and empty unless the status is 200."""

    status: int
    headers: httpx.Headers
    body: bytes


@cache
def _tls_context() -> ssl.SSLContext:
    """Returns certifi's certificates, which take a while to load; no variable adds others."""
    return httpx.create_ssl_context(trust_env=False)


class Connection:
    """Sends requests; `close` it in the end."""

    def __init__(self, user_agent: str) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(
            verify=_tls_context(), trust_env=False, limits=limits
        )
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "text/html, application/xhtml+xml, */*;q=0.5",
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }

    async def close(self) -> None:
        """Closes what is open."""
        await self._transport.aclose()

    async def get(
        self,
        url: httpx.URL,
        addresses: list[Address],
        *,
        headers: Mapping[str, str],
        max_bytes: int,
    ) -> Reply:
        """Returns the reply of the first address that takes a connection; raises FetchFailed."""
        error: Exception = FetchFailed(str(url), "no address")
        for address in addresses:
            try:
                return await self._get(url, address, headers=headers, max_bytes=max_bytes)
            except (httpx.ConnectError, httpx.ConnectTimeout) as refused:
                error = refused
            except httpx.HTTPError as broken:
                error = broken
                break
        cause = str(error) or type(error).__name__
        raise FetchFailed(str(url), f"cannot be read: {cause[:200]}") from error

    async def _get(
        self, url: httpx.URL, address: Address, *, headers: Mapping[str, str], max_bytes: int
    ) -> Reply:
        host = url.raw_host.decode("ascii")
        request = httpx.Request(
            "GET",
            url.copy_with(host=str(address)),
            headers={"Host": url.netloc.decode("ascii"), **self._headers, **headers},
            extensions={
                "sni_hostname": host,
                "timeout": httpx.Timeout(IDLE_TIMEOUT_S).as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            body = b""
            if response.status_code == 200:
                body = await _read_body(url, response, max_bytes)
            return Reply(response.status_code, response.headers, body)
        finally:
            await response.aclose()


async def _read_body(url: httpx.URL, response: httpx.Response, max_bytes: int) -> bytes:
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    body = bytearray()
    async for part in _decode(url, encoding, response, max_bytes):
        body += part
        if len(body) > max_bytes:
            raise FetchFailed(str(url), f"has more than {max_bytes:,} bytes")
    return bytes(body)


async def _decode(
    url: httpx.URL, encoding: str, response: httpx.Response, max_bytes: int
) -> AsyncIterator[bytes]:
    """Yields the body's parts, each of at most one byte more than `max_bytes`."""
    if encoding == "identity":
        async for part in response.aiter_raw():
            yield part
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed(str(url), f"is compressed by {encoding[:40]!r}, which was not accepted")
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    async for part in response.aiter_raw():
        try:
            yield inflater.decompress(part, max_bytes + 1)
        except zlib.error as error:
            raise FetchFailed(str(url), f"cannot be decompressed: {error}") from error
        if inflater.eof:
            return
