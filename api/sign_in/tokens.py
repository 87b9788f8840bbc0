"""JWTs of the provider: ID tokens, programs' access tokens, logout tokens.

Signatures are verified by joserfc with the provider's own keys and asymmetric algorithms only,
claims by authlib after OpenID Connect Core 1.0, section 3.1.3.7. What a token's header says of keys
(`jku`, `jwk`, `x5u`, `x5c`) is never followed: such a token is refused (RFC 8725).
"""

import base64
import json
from typing import TYPE_CHECKING, Any

from .failure import SignInFailed
from .provider import Json, Provider

if TYPE_CHECKING:
    from joserfc.jws import JWSRegistry

LEEWAY_S = 60
"""How far the provider's clock may be off."""
MAX_TOKEN_CHARS = 16_000
MAX_LOGOUT_AGE_S = 300
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

KEY_TYPES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
}
"""Algorithm → type and curve of its keys: all are asymmetric, so that no public key signs."""

_FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "enc", "zip"})
_ID_TOKEN_TYPES = frozenset({None, "jwt"})
_BEARER_TYPES = frozenset({None, "jwt", "at+jwt", "application/at+jwt"})
_LOGOUT_TYPES = frozenset({None, "jwt", "logout+jwt"})


def looks_like_jwt(token: str) -> bool:
    """Returns whether a bearer token has the form of a signed JWT."""
    return token.startswith("ey") and token.count(".") == 2


async def verify_id_token(
    provider: Provider,
    token: str,
    *,
    client_id: str,
    nonce: str | None,
    access_token: str | None = None,
) -> Json:
    """Returns the claims of an ID token for this client; raises SignInFailed.

    `nonce` is None for a token that came with a refreshed one, which has none.
    """
    header, claims = await _verify_signature(provider, token, _ID_TOKEN_TYPES)
    _validate(
        provider,
        header,
        claims,
        audience=client_id,
        client_id=client_id,
        nonce=nonce,
        access_token=access_token,
    )
    return claims


async def verify_bearer(
    provider: Provider, token: str, *, client_id: str, audience: str | None
) -> Json:
    """Returns the claims of a JWT that a program sent; raises SignInFailed.

    It must be for `audience`, else for the client. One that is bound to a key (`cnf`) is refused:
    its sender would have to prove that they have it.
    """
    header, claims = await _verify_signature(provider, token, _BEARER_TYPES)
    _validate(
        provider,
        header,
        claims,
        audience=audience or client_id,
        client_id=None if audience else client_id,
    )
    if "cnf" in claims:
        raise SignInFailed("invalid", "the token is bound to a key")
    return claims


async def verify_logout_token(provider: Provider, token: str, *, client_id: str) -> Json:
    """Returns the claims of a logout token (OpenID Back-Channel Logout 1.0, 2.6)."""
    header, claims = await _verify_signature(provider, token, _LOGOUT_TYPES)
    claims.setdefault("exp", _number(claims.get("iat")) + MAX_LOGOUT_AGE_S)
    claims.setdefault("sub", "")
    _validate(provider, header, claims, audience=client_id, client_id=None, is_logout=True)
    events = claims.get("events")
    is_logout = isinstance(events, dict) and isinstance(events.get(LOGOUT_EVENT), dict)
    if not is_logout or "nonce" in claims or not (claims.get("sid") or claims["sub"]):
        raise SignInFailed("invalid", "not a logout token")
    return claims


async def _verify_signature(
    provider: Provider, token: str, types: frozenset[str | None]
) -> tuple[Json, Json]:
    """Returns the header and the claims of a token that the provider signed."""
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError

    if len(token) > MAX_TOKEN_CHARS or not token.isascii() or not looks_like_jwt(token):
        raise SignInFailed("invalid", "not a signed JWT")
    header = _parse_header(token, types)
    key_type, curve = KEY_TYPES[header["alg"]]

    def fits(key: Json) -> bool:
        has_type = key.get("kty") == key_type and curve in (None, key.get("crv"))
        return has_type and key.get("alg", header["alg"]) == header["alg"]

    key = await provider.find_key(header.get("kid"), fits)
    if key is None:
        raise SignInFailed("invalid", "the provider has no such key")
    try:
        public_key = jwk.import_key(key)
        verified = jwt.decode(
            token, public_key, algorithms=[header["alg"]], registry=_registry(header["alg"])
        )
    except (JoseError, ValueError, TypeError) as error:
        raise SignInFailed("invalid", f"the signature: {type(error).__name__}") from None
    return header, dict(verified.claims)


def _registry(algorithm: str) -> "JWSRegistry":
    from joserfc.jws import JWSRegistry

    return JWSRegistry(algorithms=[algorithm], strict_check_header=False)


def _parse_header(token: str, types: frozenset[str | None]) -> Json:
    text = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise SignInFailed("invalid", "the header is not JSON") from None
    if not isinstance(header, dict):
        raise SignInFailed("invalid", "the header is not an object")
    algorithm, kind, kid = header.get("alg"), header.get("typ"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise SignInFailed("invalid", "the algorithm is not allowed")
    if _FORBIDDEN_HEADERS & header.keys():
        raise SignInFailed("invalid", "a header parameter is not allowed")
    if kid is not None and (not isinstance(kid, str) or len(kid) > 500):
        raise SignInFailed("invalid", "the key id is malformed")
    if kind is not None and not isinstance(kind, str):
        raise SignInFailed("invalid", "the type is malformed")
    if (kind.lower() if isinstance(kind, str) else None) not in types:
        raise SignInFailed("invalid", "the type of token is another")
    return header


def _validate(
    provider: Provider,
    header: Json,
    claims: Json,
    *,
    audience: str,
    client_id: str | None,
    nonce: str | None = None,
    access_token: str | None = None,
    is_logout: bool = False,
) -> None:
    """Raises SignInFailed unless the claims are of this issuer, for this audience and of now."""
    from authlib.oidc.core import CodeIDToken
    from joserfc.errors import JoseError

    options: dict[str, Any] = {  # Any: authlib's own type for it
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": audience},
    }
    params = {"client_id": client_id, "nonce": nonce, "access_token": access_token}
    try:
        CodeIDToken(claims, header, options, params).validate(leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        claim = getattr(error, "description", None) or type(error).__name__
        raise SignInFailed("invalid", f"the claims: {str(claim)[:100]}") from None
    subject = claims["sub"]
    if not isinstance(subject, str) or len(subject) > 255 or not (subject or is_logout):
        raise SignInFailed("invalid", "the subject is malformed")
    if "events" in claims and not is_logout:
        raise SignInFailed("invalid", "an event is not a token of a person")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SignInFailed("invalid", "a time is not a number")
    return value
