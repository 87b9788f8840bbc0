"""The client of the provider: authorization code flow with PKCE, refreshing, signing out.

Requests are built by authlib (RFC 6749, 7636; OpenID Connect Core 1.0, RP-Initiated Logout 1.0) and
sent by `provider.py`. Tokens stay here and in the state: no browser sees one.
"""

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from ..state.sessions import Tokens
from .failure import GrantInvalid, SignInFailed
from .people import Person, find_claim, person_of_claims
from .provider import Json, Provider
from .tokens import verify_id_token

MAX_TOKEN_CHARS = 50_000
MIN_REFRESH_S, MAX_REFRESH_S = 5.0, 3_600.0
"""Bounds of how often the provider is asked whether a person is still allowed."""
OUTAGE_S = 900.0
"""How long a session outlives a provider that cannot be asked."""
_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What the provider knows this service by."""

    client_id: str
    client_secret: str | None
    scopes: str
    groups_claim: str


class OpenIdClient:
    """Signs people in at one provider; raises SignInFailed."""

    def __init__(self, provider: Provider, settings: ClientSettings) -> None:
        self.provider, self.settings = provider, settings

    async def authorization_url(
        self, *, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Returns where to send the browser."""
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        endpoints = await self.provider.endpoints()
        url: str = prepare_grant_uri(
            endpoints.authorization,
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=self.settings.scopes,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            # OpenID Connect Core 1.0, section 11: without it the scope is ignored
            prompt="consent" if "offline_access" in self.settings.scopes.split() else None,
        )
        return url

    async def exchange(
        self, code: str, *, redirect_uri: str, nonce: str, verifier: str
    ) -> tuple[Person, Tokens]:
        """Returns who signed in, for a code of the provider."""
        body = await self._request_token(
            "authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
        )
        id_token, access_token = _text(body, "id_token"), _text(body, "access_token")
        if not id_token or not access_token:
            raise SignInFailed("invalid", "the provider sent no ID token, or no access token")
        claims = await verify_id_token(
            self.provider,
            id_token,
            client_id=self.settings.client_id,
            nonce=nonce,
            access_token=access_token,
        )
        person = await self._person(claims, access_token)
        return person, _tokens(body, id_token, _text(claims, "sid"), _text(body, "refresh_token"))

    async def refresh(self, tokens: Tokens, subject: str) -> tuple[Person | None, Tokens]:
        """Returns what the provider says of a person by now, None where it says nothing new.

        Raises GrantInvalid where it no longer honours the refresh token.
        """
        assert tokens.refresh_token is not None
        body = await self._request_token("refresh_token", refresh_token=tokens.refresh_token)
        refresh_token = _text(body, "refresh_token") or tokens.refresh_token
        id_token, access_token = _text(body, "id_token"), _text(body, "access_token")
        if not id_token or not access_token:
            return None, _tokens(body, tokens.id_token, tokens.provider_session, refresh_token)
        claims = await verify_id_token(
            self.provider,
            id_token,
            client_id=self.settings.client_id,
            nonce=None,
            access_token=access_token,
        )
        person = await self._person(claims, access_token)
        if person.subject != subject:
            raise GrantInvalid("the refreshed token is another person's")
        return person, _tokens(body, id_token, tokens.provider_session, refresh_token)

    async def sign_out_url(self, tokens: Tokens, back_to: str) -> str | None:
        """Returns where the browser signs out at the provider; None if nowhere."""
        endpoints = await self.provider.endpoints()
        if endpoints.end_session is None:
            return None
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back_to}
        if tokens.id_token:
            query["id_token_hint"] = tokens.id_token
        mark = "&" if "?" in endpoints.end_session else "?"
        return f"{endpoints.end_session}{mark}{urlencode(query)}"

    async def _person(self, claims: Json, access_token: str) -> Person:
        """Returns the person of an ID token, with the groups of the user info where it has none."""
        userinfo = (await self.provider.endpoints()).userinfo
        claim = self.settings.groups_claim
        if userinfo and find_claim(claims, claim) is None:
            headers = {"authorization": f"Bearer {access_token}"}
            reply = await self.provider.send("GET", userinfo, headers=headers)
            if reply.status != 200 or reply.body.get("sub") != claims["sub"]:
                raise SignInFailed("invalid", "the user info is missing, or another person's")
            claims = {**reply.body, **claims}
        return person_of_claims(claims, groups_claim=claim)

    async def _request_token(self, grant: str, **parameters: str) -> Json:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        endpoints, secret = await self.provider.endpoints(), self.settings.client_secret
        method = "client_secret_post" if endpoints.secret_in_body else "client_secret_basic"
        auth = ClientAuth(self.settings.client_id, secret, method if secret else "none")
        body = prepare_token_request(grant, **parameters)
        url, headers, body = auth.prepare("POST", endpoints.token, dict(_FORM), body)
        reply = await self.provider.send("POST", url, headers=headers, content=body)
        if reply.status == 200 and str(reply.body.get("token_type", "")).lower() == "bearer":
            return reply.body
        error = str(reply.body.get("error", ""))[:100]
        cause = f"the provider answered {reply.status} {error!r} to {grant}"
        if reply.status in (400, 401) and error == "invalid_grant":
            raise GrantInvalid(cause)
        raise SignInFailed("unreachable", cause)


def _tokens(
    body: Json, id_token: str | None, provider_session: str | None, refresh_token: str | None
) -> Tokens:
    """Returns the tokens to keep, and when to ask again: as long as the access token is valid."""
    refresh_s = fresh_until_s = None
    if refresh_token:
        lifetime = body.get("expires_in")
        is_number = isinstance(lifetime, int | float) and lifetime == lifetime
        seconds = float(lifetime) if is_number and lifetime is not None else MAX_REFRESH_S
        refresh_s = time.time() + min(max(seconds, MIN_REFRESH_S), MAX_REFRESH_S)
        fresh_until_s = refresh_s + OUTAGE_S
    return Tokens(refresh_s, fresh_until_s, refresh_token, id_token, provider_session)


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARS else None
