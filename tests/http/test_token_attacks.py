"""Tokens that an attacker makes: none signs anybody in, opens anything or ends a session.

After RFC 8725 (JWT Best Current Practices) and OpenID Connect Core 1.0, section 3.1.3.7; the
provider is a real HTTP server on loopback that signs what a test wants.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.sign_in.failure import SignInFailed
from api.sign_in.people import person_of_claims
from api.sign_in.provider import Provider
from api.sign_in.tokens import verify_bearer
from tests.support.extras import needs
from tests.support.fake_openid import (
    CLIENT_ID,
    FakeOpenId,
    Json,
    encode,
    make_jwt,
    number,
    public_jwk,
    rs256,
    rsa_key,
)
from tests.support.processes import LocalClient
from tests.support.sign_in_steps import assert_nobody, come_back, serving

pytestmark = [needs("authlib"), needs("joserfc")]

Change = Callable[[FakeOpenId], None]


@pytest.fixture
def provider() -> Iterator[FakeOpenId]:
    with FakeOpenId() as running:
        yield running


@pytest.fixture
def client(provider: FakeOpenId, tmp_path: Path) -> LocalClient:
    return serving(provider, tmp_path)


def with_claims(**claims: Any) -> Change:
    return lambda provider: provider.claims.update(claims)


def with_header(**header: Any) -> Change:
    return lambda provider: provider.header.update(header)


def made_by(make: Callable[[FakeOpenId, Json, Json], str]) -> Change:
    def change(provider: FakeOpenId) -> None:
        provider.make_token = lambda header, claims: make(provider, header, claims)

    return change


def unsigned(algorithm: str) -> Change:
    return made_by(lambda _, header, claims: make_jwt(header | {"alg": algorithm}, claims, no_one))


def no_one(signed: bytes) -> bytes:
    return b""


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda signed: hmac.digest(secret, signed, hashlib.sha256)


def confused(secret: Callable[[FakeOpenId], bytes]) -> Change:
    """Signs with HS256, and something that everybody knows as the secret."""
    return made_by(
        lambda provider, header, claims: make_jwt(
            header | {"alg": "HS256"}, claims, hs256(secret(provider))
        )
    )


def pem(provider: FakeOpenId) -> bytes:
    key = provider.key.public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def evil(**header: Any) -> Change:
    """Signs with the attacker's key; the header says where to find it."""
    return made_by(
        lambda provider, usual, claims: make_jwt(
            {
                name: fill(value, provider)
                for name, value in (usual | header).items()
                if value is not None
            },
            claims,
            rs256(rsa_key("evil")),
        )
    )


def fill(value: Any, provider: FakeOpenId) -> Any:
    return value.replace("ISSUER", provider.issuer) if isinstance(value, str) else value


def altered(_: FakeOpenId, header: Json, claims: Json) -> str:
    real = make_jwt(header, claims, rs256(rsa_key("good")))
    head, _payload, signature = real.split(".")
    return f"{head}.{encode(json.dumps(claims | {'sub': 'root'}).encode())}.{signature}"


def with_keys(
    kid: str, *keys: Json, sign: Callable[[bytes], bytes], algorithm: str = "RS256"
) -> Change:
    """Publishes further keys, and signs with one of them."""

    def change(provider: FakeOpenId) -> None:
        provider.keys += keys
        provider.make_token = lambda _, claims: make_jwt(
            {"alg": algorithm, "kid": kid}, claims, sign
        )

    return change


def private_jwk() -> Json:
    private = rsa_key("evil").private_numbers()
    return public_jwk(rsa_key("evil"), "leaked", d=number(private.d))


NOW = int(time.time())
DAY_S = 86_400
TOKENS: dict[str, Change] = {
    "another issuer": with_claims(iss="https://evil.example"),
    "an issuer with a slash more": made_by(
        lambda provider, header, claims: make_jwt(
            header, claims | {"iss": claims["iss"] + "/"}, rs256(provider.key)
        )
    ),
    "no issuer": with_claims(iss=None),
    "an issuer that is a list": with_claims(iss=["https://evil.example"]),
    "another audience": with_claims(aud="another"),
    "no audience": with_claims(aud=None),
    "an empty audience": with_claims(aud=[]),
    "two audiences and no authorized party": with_claims(aud=[CLIENT_ID, "another"]),
    "another authorized party": with_claims(azp="another"),
    "expired": with_claims(exp=NOW - 61, iat=NOW - 400),
    "no expiry": with_claims(exp=None),
    "an expiry that is no number": with_claims(exp="tomorrow"),
    "an expiry that is not a number": with_claims(exp=float("nan")),
    "an infinite expiry": with_claims(exp=float("inf")),
    "an expiry that is true": with_claims(exp=True),
    "issued tomorrow": with_claims(iat=NOW + DAY_S, exp=NOW + 2 * DAY_S),
    "not issued": with_claims(iat=None),
    "not valid yet": with_claims(nbf=NOW + DAY_S),
    "nobody": with_claims(sub=None),
    "an empty name": with_claims(sub=""),
    "a list of people": with_claims(sub=["ada"]),
    "a name without end": with_claims(sub="a" * 256),
    "algorithm none": unsigned("none"),
    "algorithm nOnE": unsigned("nOnE"),
    "no algorithm": made_by(lambda _, header, claims: make_jwt({"kid": "good"}, claims, no_one)),
    "a list of algorithms": with_header(alg=["RS256"]),
    "key confusion, with the key as PEM": confused(pem),
    "key confusion, with the key as JWK": confused(lambda one: json.dumps(one.keys[0]).encode()),
    "key confusion, with the modulus": confused(lambda one: one.keys[0]["n"].encode()),
    "signed with the client's id": confused(lambda _: CLIENT_ID.encode()),
    "signed with nothing": confused(lambda _: b""),
    "an unknown key": evil(kid="evil"),
    "the provider's key id, and another key": evil(),
    "no key id, and another key": evil(kid=None),
    "a key id that is a path": evil(kid="../../../../dev/null"),
    "a key id that is a list": evil(kid=["good"]),
    "a key in the header": evil(jwk=public_jwk(rsa_key("evil"), "evil"), kid="evil"),
    "the address of a key set": evil(jku="ISSUER/evil.json", kid="evil"),
    "the address of a certificate": evil(x5u="ISSUER/evil.pem", kid="evil"),
    "a certificate": evil(x5c=["MIIB"], kid="evil"),
    "a header that must be understood": with_header(crit=["exp"]),
    "an unencoded payload": with_header(b64=False, crit=["b64"]),
    "a header that is a list": made_by(lambda one, _, claims: make_jwt([], claims, rs256(one.key))),
    "claims that are a list": made_by(lambda one, head, _: make_jwt(head, [1], rs256(one.key))),
    "changed after it was signed": made_by(altered),
    "without its signature": made_by(
        lambda one, head, claims: make_jwt(head, claims, rs256(one.key)).rpartition(".")[0] + "."
    ),
    "encrypted": made_by(lambda one, head, claims: "ey.ey.ey.ey.ey"),
    "huge": with_claims(more="x" * 20_000),
    "a logout token": with_header(typ="logout+jwt"),
    "an event": with_claims(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    "groups that are a number": with_claims(groups=5),
    "groups without end": with_claims(groups=[str(number) for number in range(1_001)]),
    "a symmetric key in the key set": with_keys(
        "oct",
        {"kty": "oct", "kid": "oct", "k": encode(b"known"), "alg": "HS256"},
        sign=hs256(b"known"),
        algorithm="HS256",
    ),
    "a private key in the key set": with_keys("leaked", private_jwk(), sign=rs256(rsa_key("evil"))),
    "a short key": with_keys(
        "short", public_jwk(rsa_key("short", 1024), "short"), sign=rs256(rsa_key("short", 1024))
    ),
    "a key for encryption": with_keys(
        "enc", public_jwk(rsa_key("evil"), "enc", use="enc"), sign=rs256(rsa_key("evil"))
    ),
    "a key of another algorithm": with_keys(
        "ps", public_jwk(rsa_key("evil"), "ps", alg="PS256"), sign=rs256(rsa_key("evil"))
    ),
    "two keys of one name": with_keys(
        "good", public_jwk(rsa_key("evil"), "good"), sign=rs256(rsa_key("evil"))
    ),
}
ID_TOKENS: dict[str, Change] = {
    "another nonce": with_claims(nonce="of another sign-in"),
    "no nonce": with_claims(nonce=None),
    "the hash of another access token": with_claims(at_hash=encode(bytes(16))),
    "an access token in its place": with_header(typ="at+jwt"),
}


@pytest.mark.parametrize("attack", [*TOKENS, *ID_TOKENS])
def test_an_id_token_that_is_wrong_signs_nobody_in(
    attack: str, client: LocalClient, provider: FakeOpenId
) -> None:
    (TOKENS | ID_TOKENS)[attack](provider)
    assert_nobody(client, come_back(client, provider))
    assert not {"/evil.json", "/evil.pem"} & set(provider.requests), (
        "a header's address is not asked"
    )


@pytest.mark.parametrize("attack", TOKENS)
def test_a_programs_token_that_is_wrong_is_refused(attack: str, provider: FakeOpenId) -> None:
    TOKENS[attack](provider)

    async def verify() -> None:
        token = provider.token()
        issuer = Provider(provider.issuer)
        claims = await verify_bearer(issuer, token, client_id=CLIENT_ID, audience=None)
        person_of_claims(claims, groups_claim="groups")

    with pytest.raises(SignInFailed) as refused:
        asyncio.run(verify())
    assert refused.value.kind == "invalid"


@pytest.mark.parametrize("attack", ["another audience", "expired", "algorithm none"])
def test_a_bearer_token_that_is_wrong_opens_nothing(
    attack: str, client: LocalClient, provider: FakeOpenId
) -> None:
    TOKENS[attack](provider)
    bearer = {"Authorization": f"Bearer {provider.token()}"}
    assert client.get("/v1/me", headers=bearer).status_code == 401


def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(
    client: LocalClient, provider: FakeOpenId
) -> None:
    provider.claims["cnf"] = {"jkt": "of a key that its thief has not"}
    bearer = {"Authorization": f"Bearer {provider.token()}"}
    assert client.get("/v1/me", headers=bearer).status_code == 401


def test_unknown_keys_make_the_provider_no_work(client: LocalClient, provider: FakeOpenId) -> None:
    evil(kid="evil")(provider)
    for _ in range(20):
        bearer = {"Authorization": f"Bearer {provider.token()}"}
        assert client.get("/v1/me", headers=bearer).status_code == 401
    assert provider.requests.count("/jwks") <= 2


LOGOUT = {"http://schemas.openid.net/event/backchannel-logout": {}}
LOGOUT_TOKENS: dict[str, dict[str, Any]] = {
    "no event": {"sub": "ada"},
    "another event": {"sub": "ada", "events": {"https://evil.example": {}}},
    "an ID token": {"sub": "ada", "nonce": "x", "events": LOGOUT},
    "nobody's": {"sub": None, "events": LOGOUT},
    "another audience": {"sub": "ada", "events": LOGOUT, "aud": "another"},
    "old": {"sub": "ada", "events": LOGOUT, "iat": NOW - 900, "exp": None},
    "another issuer": {"sub": "ada", "events": LOGOUT, "iss": "https://evil.example"},
    "an issue time that is no number": {"sub": "ada", "events": LOGOUT, "iat": "x", "exp": None},
}


@pytest.mark.parametrize("attack", ["unsigned", "missing", "twice", "endless", *LOGOUT_TOKENS])
def test_a_logout_token_that_is_wrong_ends_no_session(
    attack: str, client: LocalClient, provider: FakeOpenId, tmp_path: Path
) -> None:
    assert come_back(client, provider).status_code == 303
    provider.claims.update(LOGOUT_TOKENS.get(attack, {"events": LOGOUT}))
    if attack == "unsigned":
        unsigned("none")(provider)
    token = provider.token()
    data: Any = {"logout_token": [token, token] if attack == "twice" else token}
    form = {"missing": {"x": "y"}, "endless": {"logout_token": "x" * 30_000}}.get(attack, data)
    refused = serving(provider, tmp_path).post("/sign-out/back-channel", data=form)
    assert refused.status_code in (400, 413)
    time.sleep(1.1)  # until what the process remembers is old
    assert client.get("/v1/me").status_code == 200


def test_a_logout_token_ends_a_persons_sessions(
    client: LocalClient, provider: FakeOpenId, tmp_path: Path
) -> None:
    come_back(client, provider)
    provider.claims["events"] = LOGOUT
    token = {"logout_token": provider.token()}
    assert client.post("/sign-out/back-channel", data=token).status_code == 403, "not by a browser"
    ended = serving(provider, tmp_path).post("/sign-out/back-channel", data=token)
    assert ended.status_code == 200
    time.sleep(1.1)
    assert client.get("/v1/me").status_code == 401
