"""Attacks on the steps of signing in, and on who is signed in: none succeeds.

After RFC 9700 (OAuth 2.0 Security Best Current Practice), RFC 7636 (PKCE) and RFC 9207 (mix-up);
the attacker's provider is a real HTTP server on loopback.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from api.sign_in.pending import safe_next
from tests.support.extras import needs
from tests.support.fake_openid import FakeOpenId, encode
from tests.support.processes import LocalClient
from tests.support.sign_in_steps import assert_nobody, callback, come_back, serving

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


def test_a_refreshed_token_of_another_person_ends_the_session(
    client: LocalClient, provider: FakeOpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.token_reply.update(refresh_token="again", expires_in=0)
    monkeypatch.setattr("api.sign_in.client.MIN_REFRESH_S", -1.0)
    come_back(client, provider)
    provider.claims["sub"] = "root"
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
