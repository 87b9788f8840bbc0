"""By which names and from which pages the service may be called: exact lists, and nothing near."""

from pathlib import Path

import pytest

from api.app import create_app
from api.errors import SettingRefused
from api.origins import OriginPolicy
from api.security.keys import KeyStore
from api.security.middleware import PROBES
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from tests.support.processes import LocalClient

SITE = "https://docs.example.org"
HOSTILE_HOSTS = [
    "evil.example",
    "",
    " ",
    "null",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "localhost.",
    ".localhost",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "[::1",
    "::1",
    "[::2]",
    "[::ffff:127.0.0.1]",
    "localhost:",
    "localhost:http",
    "localhost:80:80",
    "localhost:-1",
    "localhost:99999",
    "localhost@evil.example",
    "evil.example@localhost",
    "localhost/evil",
    "localhost#",
    "localhost?",
    "localhost\\evil",
    "localhost evil",
    "localhost,evil.example",
    "http://localhost",
    "docs.example.org.evil.example",
    "evil.docs.example.org",
    "docs.example.orgs",
    "xdocs.example.org",
    "d\u043ecs.example.org",
    "xn--dcs-tdd.example.org",
    "docs\u3002example.org",
    "*",
    "*.example.org",
]
HOSTILE_ORIGINS = [
    "null",
    "",
    "*",
    "https://evil.example",
    "http://docs.example.org",
    "https://docs.example.org:8443",
    "https://docs.example.org:443",
    "https://docs.example.org:",
    "https://docs.example.org/",
    "https://docs.example.org/path",
    "https://docs.example.org.evil.example",
    "https://docs.example.orgs",
    "https://evil.docs.example.org",
    "https://xdocs.example.org",
    "https://docs-example.org",
    "https://docs.example.org.",
    "https://DOCS.example.org",
    "HTTPS://docs.example.org",
    "https://docs.example.org@evil.example",
    "https://user@docs.example.org",
    "https://evil.example#https://docs.example.org",
    "https://evil.example/https://docs.example.org",
    "https://docs.example.org https://evil.example",
    "https://evil.example, https://docs.example.org",
    "https://docs.example.org,https://docs.example.org",
    "https://d\u043ecs.example.org",
    "https://xn--dcs-tdd.example.org",
    "https://docs\u3002example.org",
    "//docs.example.org",
    "docs.example.org",
    "file://",
    "file://docs.example.org",
    "data:",
    "blob:https://docs.example.org",
    "chrome-extension://docs.example.org",
    "app://docs.example.org",
    "http://localhost:8000",
    "http://127.0.0.1:8000",
    "https://127.0.0.1",
    "http://127.0.0.1.evil.example",
    "http://[::1]",
    "wss://docs.example.org",
]


@pytest.fixture
def client(tmp_path: Path) -> LocalClient:
    """A service that one site may ask, by two names beside loopback; nothing is indexed."""
    flags = {
        "data_dir": tmp_path,
        "widget_origins": (SITE,),
        "allowed_hosts": ("docs.example.org",),
        "public_url": "https://ask.example.org/docs",
    }
    return LocalClient(create_app(load_settings(flags)))


def test_at_least_forty_hostile_names_and_pages_are_tried() -> None:
    assert len(set(HOSTILE_HOSTS)) >= 40
    assert len(set(HOSTILE_ORIGINS)) >= 40


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_a_name_that_is_not_ours_is_refused_but_by_probes(host: str, client: LocalClient) -> None:
    headers = {"Host": host.encode("utf-8")}
    refused = client.get("/v1/sources", headers=headers)  # type: ignore[arg-type]  # bytes are fine
    assert (refused.status_code, refused.json()["code"]) == (421, "host_unknown")
    assert client.get("/", headers=headers).status_code == 421  # type: ignore[arg-type]
    assert client.get("/livez", headers=headers).status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_under_a_name_that_is_not_ours_probes_say_their_status_alone(
    host: str, client: LocalClient
) -> None:
    details = client.get("/readyz").json()
    assert details.keys() > {"status", "generation", "version"}
    for path in sorted(PROBES):
        for name in ("Host", "host"):
            told = client.get(path, headers={name: host.encode("utf-8")})  # type: ignore[arg-type]
            assert told.json().keys() == {"status"}
            assert told.status_code == client.get(path).status_code


def test_other_headers_do_not_make_a_name_ours(tmp_path: Path) -> None:
    flags = {"data_dir": tmp_path, "trusted_proxies": ("testclient",), "widget_origins": (SITE,)}
    client = LocalClient(create_app(load_settings(flags)))
    key = KeyStore(SqliteFile(tmp_path / "state.sqlite3")).create(scopes=["read"])
    for headers in (
        {"X-Forwarded-Host": "127.0.0.1", "X-Host": "127.0.0.1"},
        {"Forwarded": "host=127.0.0.1", "X-Original-Host": "127.0.0.1"},
        {"Origin": SITE},
        {"Origin": "http://evil.example"},
        {"Authorization": f"Bearer {key}"},
    ):
        told = client.get("/readyz", headers={"Host": "evil.example", **headers})
        assert told.json().keys() == {"status"}
    twice = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    assert client.get("/readyz", headers=twice).json().keys() == {"status"}  # type: ignore[arg-type]
    allowed = client.get("/readyz", headers={"X-Forwarded-Host": "evil.example"})
    assert "generation" in allowed.json(), "only Host says by which name it was called"


@pytest.mark.parametrize(
    "host",
    "localhost LocalHost:8000 127.0.0.1:1 [::1]:65535 docs.example.org:443 ask.example.org".split(),
)
def test_a_name_of_ours_is_taken_with_any_port(host: str, client: LocalClient) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_two_names_at_once_are_none(client: LocalClient) -> None:
    headers = [("Host", "localhost"), ("Host", "localhost")]
    assert client.get("/", headers=headers).status_code == 421  # type: ignore[arg-type]  # httpx takes it


def test_bound_to_every_address_any_written_in_digits_is_allowed_host() -> None:
    here = OriginPolicy.create(
        listen_host="0.0.0.0", hosts=(), origins=(), public_url=None, public_page=False
    )
    assert here.is_allowed_host(["192.168.1.5:8000"])
    assert here.is_allowed_host(["[fe80::1]:8000"])
    assert not here.is_allowed_host(["evil.example"])
    assert not here.is_allowed_host(["192.168.1.5.evil.example"])
    assert OriginPolicy.create(
        listen_host="10.1.2.3", hosts=(), origins=(), public_url=None, public_page=False
    ).is_allowed_host(["10.1.2.3"])


@pytest.mark.parametrize("origin", HOSTILE_ORIGINS)
def test_a_page_that_is_not_named_may_neither_ask_nor_read(
    origin: str, client: LocalClient
) -> None:
    headers = {"Origin": origin.encode("utf-8")}
    preflight = {**headers, "Access-Control-Request-Method": b"POST"}
    tried = [
        client.options("/v1/answers", headers=preflight),  # type: ignore[arg-type]  # bytes are fine
        client.post("/v1/search", json={"query": "x"}, headers=headers),  # type: ignore[arg-type]
        client.post("/v1/widget/token", json={}, headers=headers),  # type: ignore[arg-type]
        client.get("/v1/sources", headers=headers),  # type: ignore[arg-type]
    ]
    assert [response.status_code for response in tried] == [403] * 4
    tried.append(client.get("/openapi.json", headers=headers))  # type: ignore[arg-type]
    assert not any("access-control-allow-origin" in response.headers for response in tried)


def test_a_named_page_may_ask_and_read_whatever_the_answer_is(client: LocalClient) -> None:
    preflight = client.options(
        "/v1/answers", headers={"Origin": SITE, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
    for response in (
        preflight,
        client.post("/v1/search", json={"query": "x"}, headers={"Origin": SITE}),
        client.post("/v1/search", content="x", headers={"Origin": SITE}),
    ):
        assert response.headers["access-control-allow-origin"] == SITE
        assert response.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/v1/sync", "/mcp", "/v1/files/a"])
def test_what_widgets_do_not_need_is_closed_to_named_pages_too(
    path: str, client: LocalClient
) -> None:
    assert client.get(path, headers={"Origin": SITE}).status_code == 403
    assert client.options(path, headers={"Origin": SITE}).status_code == 403


def test_our_own_pages_may_ask(client: LocalClient) -> None:
    for origin in ("http://127.0.0.1", "https://ask.example.org"):
        asked = client.post("/v1/search", json={"query": "x"}, headers={"Origin": origin})
        assert asked.json()["code"].startswith("index_"), "it came as far as the index"
    asked = client.get(
        "/v1/sources", headers={"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    )
    assert asked.status_code == 503


def test_only_named_pages_may_frame_ours(client: LocalClient, tmp_path: Path) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert f"frame-ancestors {SITE}" in policy
    alone = LocalClient(create_app(load_settings({"data_dir": tmp_path})))
    assert "frame-ancestors 'none'" in alone.get("/").headers["content-security-policy"]


def test_answers_are_kept_by_no_cache(client: LocalClient) -> None:
    assert client.get("/v1/sources").headers["cache-control"] == "no-store"
    assert client.get("/openapi.json").headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("widget_origins", "*"),
        ("widget_origins", "null"),
        ("widget_origins", "docs.example.org"),
        ("widget_origins", "https://*.example.org"),
        ("widget_origins", "https://docs.example.org/path"),
        ("widget_origins", "https://d\u043ecs.example.org"),
        ("allowed_hosts", "*"),
        ("allowed_hosts", "docs.example.org:80"),
        ("allowed_hosts", "http://docs.example.org"),
    ],
)
def test_a_setting_that_is_no_exact_name_is_refused(setting: str, value: str) -> None:
    with pytest.raises(SettingRefused, match=setting):
        load_settings({setting: value})


def test_origins_are_read_as_browsers_write_them() -> None:
    given = "HTTPS://Docs.Example.org:443/, http://localhost:3000"
    settings = load_settings({"widget_origins": given})
    assert settings.widget_origins == (SITE, "http://localhost:3000")


def test_with_a_key_a_page_that_is_not_named_is_refused_before_it_is_looked_at(
    tmp_path: Path,
) -> None:
    key = KeyStore(SqliteFile(tmp_path / "state.sqlite3")).create(scopes=["read"])
    client = LocalClient(create_app(load_settings({"data_dir": tmp_path})))
    headers = {"Authorization": f"Bearer {key}", "Origin": SITE}
    assert client.get("/v1/sources", headers=headers).status_code == 403
