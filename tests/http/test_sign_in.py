"""Signing in at a real OpenID provider, on loopback in a process of its own."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.app import create_app
from api.errors import SettingRefused
from api.operations.health.doctor import run_checks
from api.security.keys import KeyStore
from api.security.startup import require_keys, require_shared_state
from api.settings import load_settings
from api.sign_in.page import choose_language
from api.state.sessions import SessionStore
from api.state.sqlite import SqliteFile
from tests.support.extras import needs
from tests.support.openid_provider import CLIENT_ID, SECRET, OpenIdProvider
from tests.support.processes import LocalClient, clean_environment, wait_until

pytestmark = [needs("authlib"), needs("joserfc")]

URL = "http://127.0.0.1"
OWN = {"Origin": URL}
GROUPS = {
    "staff": {"scopes": ["read"], "collections": ["default"]},
    "admins": {"scopes": ["read", "admin"]},
    "programs": {"scopes": ["read"]},
}
ACCESS_TOKEN_S = 7


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider([URL, "https://ask.example.org"], accessTokenS=ACCESS_TOKEN_S) as running:
        yield running


def flags(provider: OpenIdProvider, data: Path, **more: Any) -> dict[str, Any]:
    return {
        "data_dir": data,
        "auth.issuer": provider.issuer,
        "auth.client_id": CLIENT_ID,
        "auth.client_secret": SECRET,
        "auth.scopes": "openid profile email groups offline_access",
        "auth.groups": GROUPS,
        **more,
    }


def serving(provider: OpenIdProvider, data: Path, **more: Any) -> LocalClient:
    client = LocalClient(create_app(load_settings(flags(provider, data, **more))))
    client.follow_redirects = False
    return client


def sign_in(
    provider: OpenIdProvider, client: LocalClient, login: str, *, path: str = "/sign-in"
) -> Any:
    """Signs in with one browser, which has cookies of both; returns the callback's response."""
    begun = client.get(path)
    with httpx.Client() as browser:
        back = provider.redirect_back(browser, begun.headers["location"], login)
    return client.get(back.headers["location"])


def change(data: Path, assignment: str, *values: object) -> None:
    """Changes every session, as if time had passed."""
    with closing(sqlite3.connect(data / "state.sqlite3")) as db, db:
        db.execute(f"UPDATE sessions SET {assignment}", values)


def test_a_person_signs_in_and_may_do_what_their_groups_may(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    assert client.get("/v1/me").status_code == 401, "on loopback, too"
    assert client.get("/readyz").json()["sign_in"] == "sign-in"
    done = sign_in(provider, client, "ada,staff", path="/sign-in?next=/%3Fq=ice")
    assert (done.status_code, done.headers["location"]) == (303, "/?q=ice")
    said = client.get("/v1/me").json()
    assert said["name"] == "Person ada"
    assert said["subject"].startswith("person_")
    assert (said["groups"], said["scopes"]) == (["staff"], ["read"])
    assert said["collections"] == ["default"]
    assert client.get("/v1/sources").json()["code"].startswith("index_"), "it came to the index"
    assert client.get("/metrics").status_code == 403
    other = serving(provider, tmp_path)
    sign_in(provider, other, "bob,staff+admins")
    assert other.get("/v1/me").json()["scopes"] == ["admin", "read"]
    assert other.get("/v1/me").json()["collections"] is None
    assert other.get("/v1/me").json()["subject"] != said["subject"]


def test_the_cookie_is_for_this_host_and_no_script(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    begun = client.get("/sign-in")
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [f"{URL}/sign-in/callback"]
    done = sign_in(provider, client, "ada,staff")
    session = next(value for value in done.headers.get_list("set-cookie") if "session" in value)
    name, _, value = session.partition(";")[0].partition("=")
    assert name == "footnote-session", "a plain name on loopback"
    assert len(value) == 43
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(session.split("; "))
    stored = (tmp_path / "state.sqlite3").read_bytes()
    assert value.encode() not in stored, "a hash of it is stored"
    secure = serving(provider, tmp_path, public_url="https://ask.example.org")
    begun = secure.get("/sign-in")
    assert begun.headers["set-cookie"].startswith("__Host-footnote-sign-in=")
    assert begun.headers["set-cookie"].endswith("; Secure")
    assert "redirect_uri=https%3A%2F%2Fask.example.org" in begun.headers["location"]


def test_groups_that_only_the_user_info_has_count_too(tmp_path: Path) -> None:
    with OpenIdProvider([URL], inUserInfo=True) as provider:
        client = serving(provider, tmp_path)
        sign_in(provider, client, "ada,staff")
        assert client.get("/v1/me").json()["groups"] == ["staff"]


def test_who_is_in_no_group_is_told_so(provider: OpenIdProvider, tmp_path: Path) -> None:
    client = serving(provider, tmp_path)
    refused = sign_in(provider, client, "eve,visitors")
    assert refused.status_code == 403
    assert "none of your groups" in refused.text
    assert "sign-in again" not in refused.text
    assert client.get("/v1/me").status_code == 401


def test_a_session_is_refreshed_when_its_token_expires_and_ends_when_that_is_refused(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    tokens = provider.control("counts")["/token"]
    (before,) = SessionStore(SqliteFile(tmp_path / "state.sqlite3")).all()
    client.get("/v1/me")
    assert provider.control("counts")["/token"] == tokens, "not before that"
    change(tmp_path, "refresh_s = ?", time.time() - 1)
    time.sleep(1.1)  # until what the process remembers is old
    assert client.get("/v1/me").status_code == 200
    assert provider.control("counts")["/token"] == tokens + 1
    (after,) = SessionStore(SqliteFile(tmp_path / "state.sqlite3")).all()
    assert after.tokens.refresh_token != before.tokens.refresh_token, "it rotates"
    assert after.tokens.refresh_s == pytest.approx(time.time() + ACCESS_TOKEN_S, abs=5)
    provider.control("revoke")
    change(tmp_path, "refresh_s = ?", time.time() - 1)
    time.sleep(1.1)
    assert client.get("/v1/me").status_code == 401
    assert SessionStore(SqliteFile(tmp_path / "state.sqlite3")).all() == []


def test_an_outage_of_the_provider_is_bridged_for_a_while_alone(tmp_path: Path) -> None:
    with OpenIdProvider([URL]) as gone:
        client = serving(gone, tmp_path)
        sign_in(gone, client, "ada,staff")
    change(tmp_path, "refresh_s = ?", time.time() - 1)
    time.sleep(1.1)
    assert client.get("/v1/me").status_code == 200
    change(tmp_path, "fresh_until_s = ?", time.time() - 1)
    time.sleep(1.1)
    assert client.get("/v1/me").status_code == 401
    refused = serving(gone, tmp_path).get("/sign-in", headers={"Accept-Language": "de-AT,en"})
    assert refused.status_code == 503
    assert "Der Anmeldedienst ist gerade nicht erreichbar" in refused.text


@pytest.mark.parametrize("column", ["expires_s", "used_s"])
def test_a_session_ends_by_itself(column: str, provider: OpenIdProvider, tmp_path: Path) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    change(tmp_path, f"{column} = ?", time.time() - 3 * 3_600)
    time.sleep(1.1)
    assert client.get("/v1/me").status_code == 401
    assert SessionStore(SqliteFile(tmp_path / "state.sqlite3")).all() == []


def test_a_cookie_is_replaced_hourly_and_the_old_one_ends(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    old = client.cookies["footnote-session"]
    assert "set-cookie" not in client.get("/v1/me").headers
    change(tmp_path, "rotated_s = ?", time.time() - 3_601)
    time.sleep(1.1)
    assert "footnote-session=" in client.get("/v1/me").headers["set-cookie"]
    new = client.cookies["footnote-session"]
    assert new != old

    def status(cookie: str) -> int:
        visitor = serving(provider, tmp_path)
        visitor.cookies.set("footnote-session", cookie)
        return visitor.get("/v1/me").status_code

    assert status(old) == 200, "the response with the new one may have been lost"
    assert status(new) == 200
    change(tmp_path, "rotated_s = ?", time.time() - 61)
    assert (status(old), status(new)) == (401, 200)


def test_a_cookie_whose_successor_was_lost_gets_another(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    old = {"Cookie": f"footnote-session={client.cookies['footnote-session']}"}
    change(tmp_path, "rotated_s = ?", time.time() - 3_601)
    for _ in range(2):
        browser = serving(provider, tmp_path)
        browser.cookies.clear()
        assert "set-cookie" in browser.get("/v1/me", headers=old).headers
        browser.cookies.clear()
        assert "set-cookie" not in browser.get("/v1/me", headers=old).headers, "just now"
        change(tmp_path, "rotated_s = ?", time.time() - 61)


def test_keys_that_the_provider_changes_are_fetched_again(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    time.sleep(5.1)  # an unknown key leads to a fetch every five seconds
    provider.control("rotate")
    assert sign_in(provider, serving(provider, tmp_path), "ada,staff").status_code == 303
    fetched = provider.control("counts")["/jwks"]
    assert sign_in(provider, client, "ada,staff").status_code == 303
    assert provider.control("counts")["/jwks"] == fetched + 1


def test_signing_out_ends_the_session_here_and_at_the_provider(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    cookie = client.cookies["footnote-session"]
    out = client.post("/sign-out", json={}, headers=OWN)
    assert out.json()["url"].startswith(f"{provider.issuer}/session/end?")
    asked = parse_qs(urlsplit(out.json()["url"]).query)
    assert asked["post_logout_redirect_uri"] == [f"{URL}/"]
    assert "Max-Age=0" in out.headers["set-cookie"]
    client.cookies.set("footnote-session", cookie)
    assert client.get("/v1/me").status_code == 401
    again = client.post("/sign-out", json={}, headers=OWN)
    assert again.json()["url"] == f"{URL}/"


def test_a_widget_of_the_services_own_page_gets_a_token_that_ends_with_the_session(
    provider: OpenIdProvider, tmp_path: Path
) -> None:
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    made = client.post("/v1/widget/token", json={}, headers=OWN)
    assert made.status_code == 200, made.text
    page = serving(provider, tmp_path)
    headers = OWN | {"Authorization": f"Bearer {made.json()['token']}"}
    assert page.post("/v1/search", json={"query": "x"}, headers=headers).status_code == 503
    foreign = page.post("/v1/search", json={"query": "x", "collection": "b"}, headers=headers)
    assert foreign.status_code == 404
    client.post("/sign-out", json={}, headers=OWN)
    time.sleep(1.1)
    assert page.post("/v1/search", json={"query": "x"}, headers=headers).status_code == 401


def program_token(provider: OpenIdProvider, audience: str) -> str:
    asked = {"grant_type": "client_credentials", "resource": audience, "scope": "read"}
    url = f"{provider.issuer}/token"
    reply = httpx.post(url, data=asked, auth=(CLIENT_ID, SECRET))
    token: str = reply.json()["access_token"]
    return token


def test_a_program_sends_a_jwt_of_the_provider(provider: OpenIdProvider, tmp_path: Path) -> None:
    client = serving(provider, tmp_path, **{"auth.audience": "urn:footnote"})
    token = program_token(provider, "urn:footnote")
    said = client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (said["groups"], said["scopes"], said["session"]) == (["programs"], ["read"], None)
    other = program_token(provider, "urn:other")
    assert client.get("/v1/me", headers={"Authorization": f"Bearer {other}"}).status_code == 401


def test_a_key_works_beside_it(provider: OpenIdProvider, tmp_path: Path) -> None:
    key = KeyStore(SqliteFile(tmp_path / "state.sqlite3")).create(scopes=["read"])
    client = serving(provider, tmp_path)
    said = client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()
    assert (said["subject"], said["scopes"]) == (f"key:{key[3:11]}", ["read"])


def test_without_settings_nobody_can_sign_in_and_nothing_is_loaded(tmp_path: Path) -> None:
    client = LocalClient(create_app(load_settings({"data_dir": tmp_path})))
    assert client.get("/sign-in").status_code == 404
    assert client.get("/readyz").json()["sign_in"] is None
    said = client.get("/v1/me").json()
    assert (said["subject"], said["scopes"]) == (None, ["admin", "read", "write"])


def test_doctor_asks_the_provider(provider: OpenIdProvider, home: Path) -> None:
    settings = load_settings(flags(provider, home))
    (said,) = [one for one in run_checks(settings, online=True) if one.check == "sign-in"]
    assert (said.ok, said.detail) == (True, f"{provider.issuer} answers, with 1 usable key")
    wrong = load_settings(flags(provider, home, **{"auth.issuer": f"{provider.issuer}/"}))
    (said,) = [one for one in run_checks(wrong, online=True) if one.check == "sign-in"]
    assert said.ok is False
    assert "names itself otherwise than auth.issuer" in said.detail


def test_without_settings_its_libraries_are_not_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from api.app import create_app; "
        "from api.settings import load_settings; "
        "create_app(load_settings({'data_dir': Path('data')})); "
        "print(sorted({'authlib', 'joserfc', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_without_the_extra_the_settings_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    auth = {"auth.issuer": "https://login.example.org", "auth.client_id": "footnote"}
    with pytest.raises(SettingRefused, match=re.escape("pip install 'footnote[oidc]'")):
        create_app(load_settings({"data_dir": tmp_path, **auth}))


def test_where_people_sign_in_others_reach_the_service_without_a_key(tmp_path: Path) -> None:
    auth = {"auth.issuer": "https://login.example.org", "auth.client_id": "footnote"}
    flags = {"data_dir": tmp_path, "host": "0.0.0.0"}
    keys = KeyStore(SqliteFile(tmp_path / "state.sqlite3"))
    require_keys(load_settings({**flags, **auth}), keys)
    with pytest.raises(SettingRefused, match="no API key"):
        require_keys(load_settings(flags), keys)
    replica = {**auth, "role": "replica", "shared": "file:///mount"}
    with pytest.raises(SettingRefused, match="share the sessions"):
        require_shared_state(load_settings(replica), keys)
    client = LocalClient(create_app(load_settings({**flags, **auth, "insecure": True})))
    assert client.get("/v1/me").status_code == 401, "`insecure` opens nothing where people sign in"


def test_a_person_has_only_so_many_sessions(provider: OpenIdProvider, tmp_path: Path) -> None:
    store = SessionStore(SqliteFile(tmp_path / "state.sqlite3"))
    client = serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    (session,) = store.all()
    for number in range(25):
        store.create(
            number.to_bytes(32),
            subject=session.subject,
            name="",
            groups=frozenset(),
            expires_s=time.time() + 60,
            tokens=session.tokens,
        )
    assert len(store.all()) == 20


def test_the_page_of_a_failure_is_in_the_readers_language() -> None:
    assert choose_language("pt-BR, zh-CN;q=0.9, en") == "zh"
    assert choose_language("") == choose_language("xx, *") == "en"
    assert choose_language("fr;q=0.1") == "fr"


def test_a_session_that_is_revoked_elsewhere_is_refused_within_seconds(
    provider: OpenIdProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from api.cli import run

    client, worker = serving(provider, tmp_path), serving(provider, tmp_path)
    sign_in(provider, client, "ada,staff")
    worker.cookies.set("footnote-session", client.cookies["footnote-session"])
    assert worker.get("/v1/me").status_code == 200
    capsys.readouterr()
    assert run(["sessions", "list", "--json", "--data-dir", str(tmp_path)]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["sessions"]
    assert listed["name"] == "Person ada"
    assert "@" not in json.dumps(listed)
    assert run(["sessions", "revoke", listed["id"], "--data-dir", str(tmp_path)]) == 0
    wait_until(lambda: worker.get("/v1/me").status_code == 401, timeout_s=5)
    wait_until(lambda: client.get("/v1/me").status_code == 401, timeout_s=5)
    assert run(["sessions", "revoke", "nobody", "--data-dir", str(tmp_path)]) == 2
