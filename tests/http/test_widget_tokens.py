"""Widget tokens: ten minutes of reading for the pages of one origin, and for nothing else."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.security.keys import KeyStore
from api.security.rate_limit import TOKENS_PER_MINUTE
from api.security.widget_tokens import TTL_S, WidgetTokens
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from api.wire.signed_links import LinkSigner
from tests.support.processes import LocalClient, avoid_minute_end

SITE, OTHER = "https://docs.example.org", "https://other.example.org"


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    made = KeyStore(SqliteFile(tmp_path / "state.sqlite3"))
    made.create(scopes=["read"])
    return made


def serving(folder: Path, **flags: Any) -> LocalClient:
    told = {"data_dir": folder, "widget_origins": (SITE, OTHER), **flags}
    return LocalClient(create_app(load_settings(told)))


def asking(
    client: LocalClient, token: str, *, collection: str | None = None, **headers: str
) -> int:
    """503 where it came as far as the index, of which there is none."""
    sent = {"Authorization": f"Bearer {token}", **headers}
    asked = {"query": "x", "collection": collection}
    return client.post("/v1/search", json=asked, headers=sent).status_code


def test_a_named_page_gets_a_token_and_may_ask_with_it(tmp_path: Path, keys: KeyStore) -> None:
    client = serving(tmp_path)
    made = client.post("/v1/widget/token", json={}, headers={"Origin": SITE})
    assert made.status_code == 200
    assert made.headers["access-control-allow-origin"] == SITE
    assert made.headers["cache-control"] == "no-store"
    assert made.json()["expires_in_s"] == TTL_S
    token = made.json()["token"]
    assert asking(client, token, Origin=SITE) == 503
    assert asking(client, token, Origin=OTHER) == 401, "another page's, though it is named too"
    assert asking(client, token) == 401
    assert asking(client, token + "A", Origin=SITE) == 401


def test_a_token_reads_what_a_widget_needs_and_no_more(tmp_path: Path, keys: KeyStore) -> None:
    client = serving(tmp_path, public_url=SITE)  # so that the origin is our own, and comes through
    headers = {"Origin": SITE}
    token = client.post("/v1/widget/token", json={}, headers=headers).json()["token"]
    headers["Authorization"] = f"Bearer {token}"
    assert client.get("/v1/sources", headers=headers).status_code == 503
    for path in ("/v1/models", "/metrics", "/v1/jobs/x"):
        assert client.get(path, headers=headers).status_code == 403
    assert client.post("/mcp", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({}, 403),
        ({"widget_origins": ()}, 403),
        ({"public_page": True}, 200),
        ({"public_page": True, "widget_origins": ()}, 200),
    ],
    ids=["sites are named", "nothing is", "page public", "the page alone"],
)
def test_our_own_page_gets_one_only_where_it_is_public(
    flags: dict[str, Any], status: int, tmp_path: Path, keys: KeyStore
) -> None:
    own, client = {"Origin": "http://127.0.0.1"}, serving(tmp_path, **flags)
    made = client.post("/v1/widget/token", json={}, headers=own)
    assert made.status_code == status
    if status == 403:
        assert made.json()["code"] == "origin_refused"
    else:
        assert asking(client, made.json()["token"], **own) == 503
    assert client.post("/v1/widget/token", json={}).status_code == 403, "nobody is named"


def test_a_key_makes_one_for_our_own_page(tmp_path: Path, keys: KeyStore) -> None:
    key, own = keys.create(scopes=["read"]), {"Origin": "http://127.0.0.1"}
    client = serving(tmp_path, widget_origins=())
    headers = {**own, "Authorization": f"Bearer {key}"}
    made = client.post("/v1/widget/token", json={}, headers=headers)
    assert asking(client, made.json()["token"], **own) == 503


def test_a_sites_back_end_makes_one_for_its_page_with_its_key(
    tmp_path: Path, keys: KeyStore
) -> None:
    key = keys.create(scopes=["read"], collections=["default", "news"])
    groups = {"collections": {"news": {"corpus": "news"}}, "corpus": "articles"}
    client = serving(tmp_path, **groups)
    headers = {"Authorization": f"Bearer {key}"}
    wanted = {"origin": SITE, "collections": ["news"]}
    made = client.post("/v1/widget/token", json=wanted, headers=headers)
    token = made.json()["token"]
    assert asking(client, token, Origin=SITE) == 503
    assert asking(client, token, collection="default", Origin=SITE) == 404
    assert asking(client, token, Origin=OTHER) == 401
    keys.revoke(key[3:11])
    fresh = serving(tmp_path)
    assert asking(fresh, token, Origin=SITE) == 401, "it ends with the key it was made with"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
        ({"origin": SITE, "collections": ["secret"]}, 404),
        ({"origin": 5}, 422),
    ],
)
def test_a_key_makes_none_for_pages_or_collections_that_are_not_its_own(
    body: dict[str, Any], status: int, tmp_path: Path, keys: KeyStore
) -> None:
    key = keys.create(scopes=["read"], collections=["default"])
    headers = {"Authorization": f"Bearer {key}"}
    made = serving(tmp_path).post("/v1/widget/token", json=body, headers=headers)
    assert made.status_code == status


def test_a_key_for_every_collection_makes_none_for_one_that_is_not_there(
    tmp_path: Path, keys: KeyStore
) -> None:
    headers = {"Authorization": f"Bearer {keys.create(scopes=['read'])}"}
    wanted = {"origin": SITE, "collections": ["nowhere"]}
    made = serving(tmp_path).post("/v1/widget/token", json=wanted, headers=headers)
    assert (made.status_code, made.json()["code"]) == (404, "collection_not_found")


def test_a_page_gets_none_for_another_origin_or_collection(tmp_path: Path, keys: KeyStore) -> None:
    client = serving(tmp_path)
    headers = {"Origin": SITE}
    other = client.post("/v1/widget/token", json={"origin": OTHER}, headers=headers)
    assert asking(client, other.json()["token"], Origin=OTHER) == 401
    news = client.post("/v1/widget/token", json={"collections": ["news"]}, headers=headers)
    assert (news.status_code, news.json()["code"]) == (404, "collection_not_found")


def test_a_key_without_reading_makes_none(tmp_path: Path, keys: KeyStore) -> None:
    key = keys.create(scopes=["write"])
    headers = {"Authorization": f"Bearer {key}"}
    made = serving(tmp_path).post("/v1/widget/token", json={"origin": SITE}, headers=headers)
    assert made.status_code == 403


def test_one_address_gets_only_so_many_in_a_minute(tmp_path: Path, keys: KeyStore) -> None:
    client = serving(tmp_path)
    headers = {"Origin": SITE}
    avoid_minute_end(spare_s=10)
    made = [
        client.post("/v1/widget/token", json={}, headers=headers)
        for _ in range(TOKENS_PER_MINUTE + 1)
    ]
    assert [response.status_code for response in made] == [200] * TOKENS_PER_MINUTE + [429]
    assert made[-1].json()["code"] == "rate_limited"
    assert 1 <= int(made[-1].headers["retry-after"]) <= 60


def test_a_token_ends_and_is_good_for_its_service_alone(tmp_path: Path) -> None:
    ours = WidgetTokens(LinkSigner(SqliteFile(tmp_path / "state.sqlite3"), base="", ttl_s=60))
    theirs = WidgetTokens(LinkSigner(SqliteFile(tmp_path / "other.sqlite3"), base="", ttl_s=60))
    token = ours.issue(SITE, ["default"])
    said = ours.verify(token, origin=SITE)
    assert said is not None
    assert said.collections == {"default"}
    assert theirs.verify(token, origin=SITE) is None
    for wrong in ("", "fw_", "fw_.", token[3:], token.replace(".", ""), "fw_" + "A" * 9_999):
        assert ours.verify(wrong, origin=SITE) is None
    assert ours.verify(token, origin=None) is None
    assert ours.verify(ours.issue(SITE, [], ttl_s=0), origin=SITE) is None


def test_a_token_of_another_version_is_none_of_ours(tmp_path: Path) -> None:
    links = LinkSigner(SqliteFile(tmp_path / "state.sqlite3"), base="")
    claims = json.dumps([SITE, ["default"], int(time.time()) + 60, None]).encode()
    payload = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    token = f"fw_{payload}.{links.sign('widget', payload)}"
    assert WidgetTokens(links).verify(token, origin=SITE) is None
