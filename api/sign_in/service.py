"""Everything about people who sign in, behind one object that middleware and routes share."""

import hmac
import importlib.util
import logging
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from ..errors import SettingRefused, SignInUnavailable
from ..origins import is_loopback_name
from ..security.auth import Caller
from ..security.permissions import route_path
from ..settings_auth import AuthGroup
from ..state.sessions import SIGN_IN_S, Session, SessionStore
from ..wire.escape import pluralize
from ..wire.signed_links import LinkSigner
from .client import ClientSettings, OpenIdClient
from .cookies import SESSION, SIGN_IN, read_cookie, write_cookie
from .failure import Kind, SignInFailed
from .pending import PendingSignIn, begin_sign_in, resume_sign_in, safe_next
from .people import Grants, Person, person_of_claims, subject_id
from .provider import Provider
from .proxy_header import STATE
from .sessions import Sessions
from .tokens import looks_like_jwt, verify_bearer, verify_logout_token

log = logging.getLogger("footnote")

CALLBACK = "/sign-in/callback"
MAX_QUERY_BYTES = 8_000
_REFUSED = frozenset({"id_token", "access_token", "token", "response"})
"""Parameters of other flows than the one that was begun."""


@dataclass(frozen=True, slots=True)
class Site:
    """How a browser reaches the service."""

    url: str
    """Without a slash at the end."""
    is_secure: bool
    can_sign_in: bool
    """On https, or on this machine: elsewhere a cookie could be read on its way."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A sign-in that has succeeded: cookies to set, and where to go."""

    cookies: tuple[str, ...]
    next: str


class SignIn:
    """Signing in, sessions and tokens of people; raises SignInFailed and StateUnreadable."""

    def __init__(
        self,
        auth: AuthGroup,
        store: SessionStore,
        links: LinkSigner,
        *,
        public_url: str | None,
        root_path: str,
    ) -> None:
        """Connects to nothing yet; raises SettingRefused without the extra that it needs."""
        self._auth, self._links = auth, links
        self._public_url, self._root_path = public_url, root_path
        self.home_path = urlsplit(public_url).path.rstrip("/") if public_url else root_path
        self._client = _open_client(auth) if auth.issuer else None
        self._grants = Grants(auth.groups)
        self._sessions = Sessions(store, self._client)

    @property
    def has_provider(self) -> bool:
        """Whether people can sign in here, not only at a proxy."""
        return self._client is not None

    async def check_provider(self) -> int:
        """Returns how many usable keys the provider has; raises SignInFailed."""
        return await self._required_client.provider.count_keys()

    # --- who sends a request

    def has_credentials(self, scope: Scope) -> bool:
        """Returns whether a browser sent something by itself that says who uses it."""
        return STATE in scope.get("state", {}) or self._cookie(scope, SESSION) is not None

    async def identify(self, scope: Scope) -> Caller | None:
        """Returns the person of a proxy's header or of a session's cookie, if there is one.

        Where the cookie is to be replaced, the new one is `set_cookie` in the request's state.
        """
        person = scope.get("state", {}).get(STATE)
        if isinstance(person, Person):
            return self._grants.caller(person)
        cookie = self._cookie(scope, SESSION)
        session = await self._sessions.find(cookie) if cookie else None
        if session is None or cookie is None:
            return None
        path = route_path(scope)
        if path == "/v1/me" or (scope["method"] == "POST" and path.startswith("/v1/")):
            new = await self._sessions.rotate(session, cookie)  # no cache keeps these responses
            if new is not None:
                scope["state"]["set_cookie"] = self._session_cookie(scope, new, session.expires_s)
        return self._caller(session)

    async def find_session(self, session_id: str) -> Caller | None:
        """Returns the person of an open session, for a token that was issued to it."""
        session = await self._sessions.get(session_id)
        return self._caller(session) if session else None

    async def verify_token(self, token: str) -> Caller | None:
        """Returns the person or program of a provider's JWT; None if it is not valid.

        Raises SignInUnavailable if the provider's keys cannot be fetched.
        """
        if self._client is None or not looks_like_jwt(token):
            return None
        client_id, audience = self._client.settings.client_id, self._auth.audience
        try:
            claims = await verify_bearer(
                self._client.provider, token, client_id=client_id, audience=audience
            )
            person = person_of_claims(claims, groups_claim=self._auth.groups_claim)
        except SignInFailed as error:
            log.info("a token was refused: %s", error.cause)
            if error.kind == "unreachable":
                raise SignInUnavailable from error
            return None
        return self._grants.caller(person, expires_s=float(claims["exp"]))

    # --- signing in and out

    async def begin(self, scope: Scope, next_path: str | None) -> tuple[str, str]:
        """Returns the provider's address to send the browser to, and the cookie to set."""
        site = self.site(scope)
        path = safe_next(next_path, root_path=self.home_path)
        pending, cookie = begin_sign_in(self._links, path)
        if not site.can_sign_in:
            raise SignInFailed("insecure", "signing in needs https")
        url = await self._required_client.authorization_url(
            redirect_uri=site.url + CALLBACK,
            state=pending.state,
            nonce=pending.nonce,
            verifier=pending.verifier,
        )
        return url, self._write(scope, SIGN_IN, cookie, max_age_s=int(SIGN_IN_S))

    async def complete(self, scope: Scope) -> SignedIn:
        """Returns the session's cookie for the provider's redirect back."""
        query = parse_callback(scope["query_string"])
        pending = await self._check_callback(scope, query)
        client = self._required_client
        person, tokens = await client.exchange(
            query["code"],
            redirect_uri=self.site(scope).url + CALLBACK,
            nonce=pending.nonce,
            verifier=pending.verifier,
        )
        if not self._grants.caller(person).scopes:
            log.info("%s signed in, but no group of theirs may do anything", person.subject)
            raise SignInFailed("no_access", "no group of this person may do anything")
        await self.end_session(scope)  # the browser's session of before, if it had one
        expires_s = time.time() + self._auth.session_hours * 3_600
        cookie = await self._sessions.start(person, tokens, expires_s=expires_s)
        log.info("%s signed in", person.subject)
        cookies = (
            self._session_cookie(scope, cookie, expires_s),
            self._write(scope, SIGN_IN, "", max_age_s=0),
        )
        return SignedIn(cookies, pending.next)

    async def end_session(self, scope: Scope) -> Session | None:
        """Ends and returns the session of a request's cookie, if it has an open one."""
        cookie = self._cookie(scope, SESSION)
        session = await self._sessions.find(cookie) if cookie else None
        if session is not None:
            await self._sessions.end(session)
            log.info("%s signed out", session.subject)
        return session

    async def sign_out(self, scope: Scope) -> tuple[str, str]:
        """Ends the session; returns where to go, at the provider if it can, and a cookie."""
        home = f"{self.site(scope).url}/"
        session = await self.end_session(scope)
        url = None
        if session is not None and self._client is not None:
            try:
                url = await self._client.sign_out_url(session.tokens, home)
            except SignInFailed as error:
                log.warning("signed out here, but not at the provider: %s", error.cause)
        return url or home, self._write(scope, SESSION, "", max_age_s=0)

    async def end_by_provider(self, logout_token: str) -> None:
        """Ends the sessions of the provider's session, or else of the person, of a logout token."""
        client = self._required_client
        claims = await verify_logout_token(
            client.provider, logout_token, client_id=client.settings.client_id
        )
        subject = subject_id(client.provider.issuer, claims["sub"]) if claims["sub"] else None
        n_ended = await self._sessions.end_all(subject=subject, provider_session=claims.get("sid"))
        log.info("the provider ended %s", pluralize(n_ended, "session"))

    def site(self, scope: Scope) -> Site:
        """Returns how the browser of a request reaches the service."""
        host = Headers(scope=scope).get("host", "")
        url = self._public_url or f"{scope['scheme']}://{host}{self._root_path}"
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        return Site(url.rstrip("/"), is_secure, is_secure or is_loopback_name(parts.hostname or ""))

    # --- private

    @property
    def _required_client(self) -> OpenIdClient:
        assert self._client is not None, "the routes check has_provider"
        return self._client

    async def _check_callback(self, scope: Scope, query: dict[str, str]) -> PendingSignIn:
        """Returns the sign-in that a callback completes; raises SignInFailed if it may not."""
        pending = resume_sign_in(self._links, self._cookie(scope, SIGN_IN))
        if pending is None:
            raise SignInFailed("expired", "the browser has no sign-in that could be completed")
        if not hmac.compare_digest(query.get("state", "").encode(), pending.state.encode()):
            raise SignInFailed("invalid", "the state is another browser's, or missing")
        provider = self._required_client.provider
        sends_issuer = (await provider.endpoints()).sends_issuer
        if query.get("iss", None if sends_issuer else provider.issuer) != provider.issuer:
            raise SignInFailed("invalid", "the redirect names another provider (RFC 9207)")
        if not await self._sessions.use_sign_in(pending.id):
            raise SignInFailed("expired", "this sign-in was completed before")
        if error := query.get("error"):
            kind: Kind = "cancelled" if error == "access_denied" else "invalid"
            raise SignInFailed(kind, f"the provider refused: {error[:100]!r}")
        if not 0 < len(query.get("code", "")) <= MAX_QUERY_BYTES:
            raise SignInFailed("invalid", "the redirect has no code")
        return pending

    def _caller(self, session: Session) -> Caller:
        person = Person(session.subject, session.name, session.groups)
        return self._grants.caller(person, session_id=session.id, expires_s=session.expires_s)

    def _cookie(self, scope: Scope, name: str) -> str | None:
        site = self.site(scope)
        if not site.can_sign_in or not self.has_provider:
            return None
        return read_cookie(scope["headers"], name, is_secure=site.is_secure)

    def _session_cookie(self, scope: Scope, value: str, expires_s: float) -> str:
        return self._write(scope, SESSION, value, max_age_s=max(1, int(expires_s - time.time())))

    def _write(self, scope: Scope, name: str, value: str, *, max_age_s: int) -> str:
        is_secure = self.site(scope).is_secure
        return write_cookie(name, value, is_secure=is_secure, max_age_s=max_age_s)


def parse_callback(query_string: bytes) -> dict[str, str]:
    """Returns the parameters of a redirect back; raises SignInFailed if one is there twice."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    query = dict(pairs)
    if len(query) < len(pairs) or len(query_string) > MAX_QUERY_BYTES:
        raise SignInFailed("invalid", "a parameter is there twice, or too long")
    if _REFUSED & query.keys():
        raise SignInFailed("invalid", "a parameter of another flow")
    return query


def _open_client(auth: AuthGroup) -> OpenIdClient:
    if not all(map(importlib.util.find_spec, ("authlib", "joserfc"))):
        raise SettingRefused("auth.issuer", "needs an extra: pip install 'footnote[oidc]'")
    assert auth.issuer is not None
    assert auth.client_id is not None
    secret = auth.client_secret.get_secret_value() if auth.client_secret else None
    settings = ClientSettings(auth.client_id, secret, auth.scopes, auth.groups_claim)
    return OpenIdClient(Provider(auth.issuer), settings)
