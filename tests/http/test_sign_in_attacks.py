"""Attacks on signing in: none of them gives a session, and none does something for a person.

After RFC 9700 (OAuth 2.0 Security Best Current Practice), RFC 8725 (JWT), RFC 9207 and OpenID
Connect Core 1.0, section 3.1.3.7; the attacker's provider is a real HTTP server on loopback.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.app import create_app
from api.settings import load_settings
from api.sign_in.failure import SignInFailed
from api.sign_in.pending import safe_next
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

pytestmark = [needs("authlib"), needs("joserfc")]

URL = "http://127.0.0.1"
COOKIE, BEGUN = "footnote-session", "footnote-sign-in"
Change = Callable[[FakeOpenId], None]


@pytest.fixture
def provider() -> Iterator[FakeOpenId]:
    with FakeOpenId() as running:
        yield running


@pytest.fixture
def client(provider: FakeOpenId, tmp_path: Path) -> LocalClient:
    return serving(provider, tmp_path)


def serving(provider: FakeOpenId, data: Path, **more: Any) -> LocalClient:
    flags = {"auth.issuer": provider.issuer, "auth.client_id": CLIENT_ID, "data_dir": data, **more}
    client = LocalClient(create_app(load_settings(flags)))
    client.follow_redirects = False
    return client


def come_back(client: LocalClient, provider: FakeOpenId, **changed: str | None) -> Any:
    """Signs in, with parameters of the redirect back changed or, where None, left out."""
    code, state = provider.authorize(client.get("/sign-in").headers["location"])
    query = {"code": code, "state": state} | changed
    return client.get(callback({name: value for name, value in query.items() if value is not None}))


def callback(query: Json) -> str:
    return "/sign-in/callback?" + "&".join(f"{name}={quote(str(query[name]))}" for name in query)


def assert_nobody(client: LocalClient, refused: Any) -> None:
    assert refused.status_code >= 400, refused.text
    assert "footnote-session" not in str(refused.headers.get_list("set-cookie"))
    assert client.get("/v1/me").status_code == 401


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
REPLIES: dict[str, Change] = {
    "no ID token": lambda provider: provider.token_reply.update(id_token=None),
    "no access token": lambda provider: provider.token_reply.update(access_token=None),
    "an ID token that is an object": lambda provider: provider.token_reply.update(id_token={}),
    "another type of token": lambda provider: provider.token_reply.update(token_type="mac"),
    "a redirect": lambda provider: provider.redirects.update({"/token": "/elsewhere"}),
    "another provider": lambda provider: provider.metadata.update(issuer="https://evil.example"),
    "no PKCE": lambda provider: provider.metadata.update(
        code_challenge_methods_supported=["plain"]
    ),
    "a plain address": lambda one: one.metadata.update(token_endpoint="http://evil.example/token"),
    "a script's address": lambda one: one.metadata.update(authorization_endpoint="javascript:1"),
    "no keys": lambda provider: provider.keys.clear(),
    "an endless document": lambda provider: provider.metadata.update(more="x" * 600_000),
    "another person's user info": lambda provider: (
        provider.metadata.update(userinfo_endpoint=f"{provider.issuer}/userinfo"),
        provider.claims.update(groups=None),
        provider.userinfo.update(sub="root", groups=["admins"]),
    )[0],
}


def test_without_an_attack_the_same_steps_sign_in(
    client: LocalClient, provider: FakeOpenId
) -> None:
    assert come_back(client, provider).status_code == 303
    assert client.get("/v1/me").json()["groups"] == ["staff"]
    bearer = {"Authorization": f"Bearer {provider.token()}"}
    client.cookies.clear()
    assert client.get("/v1/me", headers=bearer).status_code == 200


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


@pytest.mark.parametrize("attack", REPLIES)
def test_a_provider_that_answers_wrongly_signs_nobody_in(
    attack: str, client: LocalClient, provider: FakeOpenId
) -> None:
    REPLIES[attack](provider)
    begun = client.get("/sign-in")
    if begun.status_code == 303:
        code, state = provider.authorize(begun.headers["location"])
        begun = client.get(callback({"code": code, "state": state}))
    assert_nobody(client, begun)
    assert "/elsewhere" not in provider.requests


REDIRECTS: dict[str, dict[str, str | None]] = {
    "no state": {"state": None},
    "an empty state": {"state": ""},
    "another state": {"state": "A" * 43},
    "no code": {"code": None},
    "a code that was not given": {"code": "guessed"},
    "another provider's name (mix-up)": {"iss": "https://evil.example"},
    "an error and a code": {"error": "access_denied"},
    "an ID token of the implicit flow": {"id_token": "ey.ey.ey"},
    "an access token of the implicit flow": {"access_token": "x"},
    "a response in a JWT": {"response": "ey.ey.ey"},
    "a code without end": {"code": "x" * 5_000},
}


@pytest.mark.parametrize("attack", REDIRECTS)
def test_a_redirect_back_that_is_wrong_signs_nobody_in(
    attack: str, client: LocalClient, provider: FakeOpenId
) -> None:
    assert_nobody(client, come_back(client, provider, **REDIRECTS[attack]))


def test_a_provider_that_names_itself_must_do_so_each_time(
    client: LocalClient, provider: FakeOpenId
) -> None:
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert_nobody(client, come_back(client, provider))
    assert come_back(client, provider, iss=provider.issuer).status_code == 303


@pytest.mark.parametrize("name", ["code", "state", "iss"])
def test_a_parameter_that_is_there_twice_is_refused(
    name: str, client: LocalClient, provider: FakeOpenId
) -> None:
    code, state = provider.authorize(client.get("/sign-in").headers["location"])
    query = {"code": code, "state": state, "iss": provider.issuer}
    for url in (
        f"{callback(query)}&{name}=evil",
        f"{callback({name: 'evil'})}&{callback(query)[18:]}",
    ):
        assert_nobody(client, client.get(url))


def test_form_post_is_no_way_in(client: LocalClient, provider: FakeOpenId) -> None:
    code, state = provider.authorize(client.get("/sign-in").headers["location"])
    refused = client.post("/sign-in/callback", data={"code": code, "state": state})
    assert_nobody(client, refused)
    assert "/token" not in provider.requests


def test_another_browsers_redirect_signs_nobody_in(
    client: LocalClient, provider: FakeOpenId, tmp_path: Path
) -> None:
    """Login CSRF: the attacker's code and state in the victim's browser, and the code alone."""
    attacker, victim = client, serving(provider, tmp_path)
    code, state = provider.authorize(attacker.get("/sign-in").headers["location"])
    assert_nobody(victim, victim.get(callback({"code": code, "state": state})))
    own_state = provider.authorize(victim.get("/sign-in").headers["location"])[1]
    assert_nobody(victim, victim.get(callback({"code": code, "state": state})))
    injected = victim.get(callback({"code": code, "state": own_state}))
    assert_nobody(victim, injected)  # PKCE: the code is of another verifier


def test_a_redirect_works_once(client: LocalClient, provider: FakeOpenId) -> None:
    code, state = provider.authorize(client.get("/sign-in").headers["location"])
    begun = client.cookies[BEGUN]
    assert client.get(callback({"code": code, "state": state})).status_code == 303
    client.cookies.clear()
    assert_nobody(client, client.get(callback({"code": code, "state": state})))
    client.cookies.set(BEGUN, begun)
    replayed = client.get(callback({"code": code, "state": state}))
    assert_nobody(client, replayed)
    assert provider.requests.count("/token") == 1, "the provider is not even asked"


@pytest.mark.parametrize("change", ["next", "expiry", "id", "signature", "expired"])
def test_an_altered_or_old_cookie_completes_nothing(
    change: str, client: LocalClient, provider: FakeOpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    if change == "expired":
        monkeypatch.setattr("api.sign_in.pending.SIGN_IN_S", -1.0)
    code, state = provider.authorize(client.get("/sign-in").headers["location"])
    parts = client.cookies[BEGUN].split(".")
    if change != "expired":
        place = ["id", "expiry", "next", "signature"].index(change)
        parts[place] = {"next": encode(b"//evil.example"), "expiry": "999999999999"}.get(
            change, "A" * 43
        )
    client.cookies.clear()
    client.cookies.set(BEGUN, ".".join(parts))
    assert_nobody(client, client.get(callback({"code": code, "state": state})))


ELSEWHERE = [
    *("//evil.example", "///evil.example", "https://evil.example", "http:evil.example"),
    *(
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "evil.example",
    ),
    *("javascript:alert(1)", "data:text/html,x", "/..//evil.example", "/.//evil.example", ""),
    *("/\u2044evil.example", "/%0d%0aSet-Cookie:x=1\r\nx", "@evil.example", "?next=x", "/ /x"),
    *(
        "/sign-in",
        "/sign-in/callback?code=x",
        "/sign-out",
        "/" + "a" * 1_001,
        "https:/evil.example",
    ),
]


def test_signing_in_leads_nowhere_else(client: LocalClient, provider: FakeOpenId) -> None:
    for path in ELSEWHERE:
        begun = client.get(f"/sign-in?next={quote(path, safe='')}")
        code, state = provider.authorize(begun.headers["location"])
        done = client.get(callback({"code": code, "state": state}))
        assert (done.status_code, done.headers["location"]) == (303, "/"), path


def test_a_path_of_the_service_is_kept() -> None:
    assert safe_next("/?q=a%20b&x=//y", root_path="") == "/?q=a%20b&x=//y"
    assert safe_next("/docs/x", root_path="/docs") == "/docs/x"
    assert safe_next("/other", root_path="/docs") == safe_next(None, root_path="/docs") == "/docs/"


FOREIGN: dict[str, dict[str, str]] = {
    "no origin": {},
    "another origin": {"Origin": "https://evil.example"},
    "no origin that could be named": {"Origin": "null"},
    "another port": {"Origin": f"{URL}:8001"},
    "another scheme": {"Origin": "https://127.0.0.1"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "another host of the site": {"Sec-Fetch-Site": "same-site"},
    "an address that was typed": {"Sec-Fetch-Site": "none"},
    "our origin, from another site": {"Origin": URL, "Sec-Fetch-Site": "cross-site"},
    "a form of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
}


@pytest.mark.parametrize("attack", FOREIGN)
def test_another_page_does_nothing_for_a_signed_in_person(
    attack: str, client: LocalClient, provider: FakeOpenId
) -> None:
    come_back(client, provider)
    headers = FOREIGN[attack]
    for path in ("/v1/answers", "/v1/search", "/v1/widget/token", "/sign-out", "/v1/sync"):
        refused = client.post(path, json={"question": "x", "query": "x"}, headers=headers)
        assert refused.status_code == 403, path
        assert "set-cookie" not in refused.headers
    assert client.put("/v1/files/a.md", content=b"x", headers=headers).status_code == 403
    assert client.get("/v1/me").status_code == 200, "still signed in"
    assert (
        client.post("/v1/search", json={"query": "x"}, headers={"Origin": URL}).status_code == 503
    )
    same = {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/v1/search", json={"query": "x"}, headers=same).status_code == 503


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_reads_nothing_in_the_background(
    site: str, client: LocalClient, provider: FakeOpenId
) -> None:
    come_back(client, provider)
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/v1/me", headers=headers).status_code == 401
    followed = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
    assert client.get("/v1/me", headers=followed).status_code == 200, "a link that is followed"


def test_a_cookie_that_was_planted_before_is_not_the_session(
    client: LocalClient, provider: FakeOpenId, tmp_path: Path
) -> None:
    """Session fixation: the attacker knows the cookie that the victim's browser had before."""
    come_back(client, provider)
    planted = client.cookies[COOKIE]
    come_back(client, provider)
    assert client.cookies[COOKIE] != planted
    attacker = serving(provider, tmp_path)
    attacker.cookies.set(COOKIE, planted)
    assert attacker.get("/v1/me").status_code == 401
    invented = "A" * 43
    victim = serving(provider, tmp_path)
    victim.cookies.set(COOKIE, invented)
    come_back(victim, provider)
    attacker.cookies.clear()
    attacker.cookies.set(COOKIE, invented)
    assert attacker.get("/v1/me").status_code == 401


def test_two_cookies_of_one_name_are_none(client: LocalClient, provider: FakeOpenId) -> None:
    """Cookie tossing: another host of the domain plants a second one."""
    come_back(client, provider)
    own = client.cookies[COOKIE]
    client.cookies.clear()
    for line in (f"{COOKIE}={own}; {COOKIE}={'A' * 43}", f"{COOKIE}={'A' * 43}; {COOKIE}={own}"):
        assert client.get("/v1/me", headers={"Cookie": line}).status_code == 401
    assert client.get("/v1/me", headers={"Cookie": f"{COOKIE}={own}"}).status_code == 200


def test_on_https_only_a_cookie_of_this_host_counts(provider: FakeOpenId, tmp_path: Path) -> None:
    client = serving(provider, tmp_path, public_url="https://ask.example.org")
    plain = serving(provider, tmp_path)
    come_back(plain, provider)
    own = plain.cookies[COOKIE]
    assert client.get("/v1/me", headers={"Cookie": f"{COOKIE}={own}"}).status_code == 401
    assert client.get("/v1/me", headers={"Cookie": f"__Host-{COOKIE}={own}"}).status_code == 200


def test_over_plain_http_nobody_signs_in_from_elsewhere(
    provider: FakeOpenId, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path, allowed_hosts=("ask.example.org",))
    refused = client.get("/sign-in", headers={"Host": "ask.example.org"})
    assert refused.status_code == 403
    assert "https" in refused.text
    assert "set-cookie" not in refused.headers


def test_a_session_cookie_is_no_key_and_no_token_is_a_cookie(
    client: LocalClient, provider: FakeOpenId
) -> None:
    come_back(client, provider)
    cookie = client.cookies[COOKIE]
    client.cookies.clear()
    assert client.get("/v1/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401
    token = provider.token()
    assert client.get("/v1/me", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401


def test_a_wrong_bearer_token_is_not_made_good_by_a_cookie(
    client: LocalClient, provider: FakeOpenId
) -> None:
    come_back(client, provider)
    assert client.get("/v1/me", headers={"Authorization": "Bearer ey.ey.ey"}).status_code == 401


def test_while_the_provider_is_gone_tokens_are_refused_and_probes_answered(
    client: LocalClient, provider: FakeOpenId
) -> None:
    provider.metadata["issuer"] = "https://evil.example"
    bearer = {"Authorization": f"Bearer {provider.token()}"}
    refused = client.get("/v1/me", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (503, "sign_in_unavailable")
    assert client.get("/livez", headers=bearer).status_code == 200


def test_unknown_keys_make_the_provider_no_work(client: LocalClient, provider: FakeOpenId) -> None:
    evil(kid="evil")(provider)
    for _ in range(20):
        bearer = {"Authorization": f"Bearer {provider.token()}"}
        assert client.get("/v1/me", headers=bearer).status_code == 401
    assert provider.requests.count("/jwks") <= 2


def test_a_refreshed_token_of_another_person_ends_the_session(
    client: LocalClient, provider: FakeOpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.token_reply.update(refresh_token="again", expires_in=0)
    monkeypatch.setattr("api.sign_in.client.MIN_REFRESH_S", -1.0)
    come_back(client, provider)
    provider.claims["sub"] = "root"
    assert client.get("/v1/me").status_code == 401


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


def test_beginning_again_and_again_is_limited_and_stores_nothing(
    client: LocalClient, provider: FakeOpenId, tmp_path: Path
) -> None:
    statuses = [client.get("/sign-in").status_code for _ in range(70)]
    assert 429 in statuses
    assert b"sign_ins" not in (tmp_path / "state.sqlite3").read_bytes()


def test_nothing_personal_is_on_a_failures_page_or_in_the_log(
    client: LocalClient, provider: FakeOpenId, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    provider.claims.update(email="ada@people.example", name="<script>Ada</script>")
    assert come_back(client, provider).status_code == 303
    refused = come_back(client, provider, error="<script>alert(1)</script>")
    assert "<script>" not in refused.text
    assert "script-src" not in refused.headers["content-security-policy"]
    assert client.get("/v1/me").json()["name"] == "<script>Ada</script>", "as JSON"
    assert "people.example" not in caplog.text
    assert "Ada" not in caplog.text


def test_where_people_go_is_never_said_to_the_provider(
    client: LocalClient, provider: FakeOpenId
) -> None:
    location = client.get("/sign-in?next=/%3Fq=secret").headers["location"]
    assert "secret" not in location
    assert urlsplit(location).path == "/auth"
