"""The OpenID provider: its endpoints (OpenID Connect Discovery 1.0) and its keys (RFC 7517).

Both are fetched when first needed and again every hour; a key that is not known yet leads to one
more fetch, at most every few seconds. What the provider sends is checked like all that comes from
outside.
"""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import httpx

from ..settings_auth import is_allowed_url
from .failure import SignInFailed

log = logging.getLogger("footnote")

TIMEOUT_S = 5.0
"""For a whole exchange with the provider."""
MAX_BYTES = 500_000
MAX_AGE_S = 3_600.0
"""After this long the endpoints and keys are fetched again, so that a withdrawn key ends."""
MAX_STALE_S = 86_400.0
"""How long they stay in use while the provider cannot be reached."""
MIN_INTERVAL_S = 5.0
"""How often an unknown key, or a provider that fails, leads to another fetch."""
MAX_KEYS = 50

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MIN_RSA_CHARS = 342
"""A modulus of 2,048 bits in base64url."""

Json = dict[str, Any]  # JSON

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider answered: a status, and a JSON object, empty if it was none."""

    status: int
    body: Json


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider does what; those that it lacks are None."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    sends_issuer: bool
    """Whether each redirect back names the provider (RFC 9207)."""
    secret_in_body: bool
    """Whether it takes a client's secret in the body only."""


class Provider:
    """One provider; raises SignInFailed (`unreachable`) where it does not answer as it should."""

    def __init__(self, issuer: str) -> None:
        """Fetches nothing yet."""
        self.issuer = issuer
        self._endpoints: _Cached[Endpoints] = _Cached()
        self._keys: _Cached[tuple[Json, ...]] = _Cached()
        self._fetching = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """Returns the endpoints."""
        async with self._fetching:
            if self._endpoints.is_due(MAX_AGE_S):
                url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                await self._endpoints.update(lambda: self._get(url), self._parse_endpoints)
            return self._endpoints.current()

    async def find_key(self, kid: str | None, fits: Callable[[Json], bool]) -> Json | None:
        """Returns the public key (JWK) with this id that fits; without an id the only one."""
        keys = await self._find(kid, fits, max_age_s=MAX_AGE_S)
        if not keys:
            keys = await self._find(kid, fits, max_age_s=MIN_INTERVAL_S)
        return keys[0] if len(keys) == 1 else None

    async def count_keys(self) -> int:
        """Returns how many usable keys there are; raises SignInFailed if there are none."""
        keys = await self._find(None, lambda _: True, max_age_s=MAX_AGE_S)
        if not keys:
            raise SignInFailed("unreachable", "the provider has no usable key")
        return len(keys)

    async def _find(
        self, kid: str | None, fits: Callable[[Json], bool], *, max_age_s: float
    ) -> list[Json]:
        url = (await self.endpoints()).keys
        async with self._fetching:
            if self._keys.is_due(max_age_s):
                await self._keys.update(lambda: self._get(url), usable_keys)
            keys = self._keys.current()
        return [key for key in keys if (kid is None or key.get("kid") == kid) and fits(key)]

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: str = ""
    ) -> Reply:
        """Sends a request and returns the reply; follows no redirect."""
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                httpx.AsyncClient(verify=self._tls, timeout=TIMEOUT_S) as client,
                client.stream(
                    method,
                    url,
                    headers={"accept": "application/json", "accept-encoding": "identity"}
                    | dict(headers),
                    content=content.encode() if content else None,
                ) as response,
            ):
                body = await _read(response)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise SignInFailed("unreachable", f"{type(error).__name__} at the provider") from None
        return Reply(response.status_code, _json_object(body))

    async def _get(self, url: str) -> Json:
        reply = await self.send("GET", url, headers={})
        if reply.status != 200 or not reply.body:
            raise SignInFailed("unreachable", f"the provider answered {reply.status} to {url}")
        return reply.body

    @cached_property
    def _tls(self) -> ssl.SSLContext | bool:
        # loading the certificates takes 20 ms, so they are loaded once
        return httpx.create_ssl_context() if self.issuer.startswith("https:") else True

    def _parse_endpoints(self, body: Json) -> Endpoints:
        if body.get("issuer") != self.issuer:
            cause = "the provider names itself otherwise than auth.issuer"
            raise SignInFailed("unreachable", f"{cause}: {str(body.get('issuer'))[:200]!r}")
        challenges = body.get("code_challenge_methods_supported", ["S256"])
        if not isinstance(challenges, list) or "S256" not in challenges:
            raise SignInFailed("unreachable", "the provider does not support PKCE with S256")
        methods = body.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(
            authorization=self._url(body, "authorization_endpoint"),
            token=self._url(body, "token_endpoint"),
            keys=self._url(body, "jwks_uri"),
            userinfo=self._url(body, "userinfo_endpoint") if "userinfo_endpoint" in body else None,
            end_session=(
                self._url(body, "end_session_endpoint") if "end_session_endpoint" in body else None
            ),
            sends_issuer=body.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body=isinstance(methods, list) and "client_secret_basic" not in methods,
        )

    def _url(self, body: Json, name: str) -> str:
        """Returns an endpoint's URL: https, or http where the issuer itself is on this machine."""
        url = body.get(name)
        is_allowed = isinstance(url, str) and len(url) <= 2_000 and is_allowed_url(url)
        if not isinstance(url, str) or not is_allowed:
            raise SignInFailed("unreachable", f"the provider's {name} is not an https address")
        if url.startswith("http:") and not self.issuer.startswith("http:"):
            raise SignInFailed("unreachable", f"the provider's {name} is not an https address")
        return url


class _Cached(Generic[T]):
    """Something fetched, when, and when that was last tried."""

    def __init__(self) -> None:
        self._value: T | None = None
        self._fetched_at = self._tried_at = -MAX_STALE_S
        self._failure = SignInFailed("unreachable", "the provider was not asked yet")

    def is_due(self, max_age_s: float) -> bool:
        """Returns whether to fetch it: it is old, or missing, and was not tried just now."""
        now = time.monotonic()
        age_s = now - self._fetched_at if self._value is not None else MAX_STALE_S
        return age_s >= max_age_s and now - self._tried_at >= MIN_INTERVAL_S

    async def update(
        self, fetch: Callable[[], Awaitable[Json]], parse: Callable[[Json], T]
    ) -> None:
        """Fetches and parses it; keeps what there is where that fails."""
        self._tried_at = time.monotonic()
        try:
            self._value, self._fetched_at = parse(await fetch()), time.monotonic()
        except SignInFailed as error:
            log.warning("signing in: %s", error.cause)
            self._failure = error

    def current(self) -> T:
        """Returns the value; raises SignInFailed if there is none, or only a very old one."""
        if self._value is None or time.monotonic() - self._fetched_at > MAX_STALE_S:
            raise SignInFailed(self._failure.kind, self._failure.cause)
        return self._value


def usable_keys(body: Json) -> tuple[Json, ...]:
    """Returns the public keys of a key set that verify signatures; the others are ignored."""
    keys = body.get("keys")
    if not isinstance(keys, list):
        raise SignInFailed("unreachable", "the provider's key set has no keys")
    return tuple(key for key in keys[:MAX_KEYS] if isinstance(key, dict) and _is_usable(key))


def _is_usable(key: Json) -> bool:
    if _PRIVATE & key.keys():
        log.warning("signing in: a private or symmetric key in the provider's key set is ignored")
        return False
    operations = key.get("key_ops", ["verify"])
    if key.get("use", "sig") != "sig" or not isinstance(operations, list):
        return False
    is_long = key.get("kty") != "RSA" or len(str(key.get("n", ""))) >= _MIN_RSA_CHARS
    return key.get("kty") in ("RSA", "EC") and "verify" in operations and is_long


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_BYTES:
            raise SignInFailed("unreachable", f"the provider sent more than {MAX_BYTES:,} bytes")
    return bytes(body)


def _json_object(body: bytes) -> Json:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
