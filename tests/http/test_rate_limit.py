"""How often one caller may ask: counted by key or by address, and told in headers."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from limits.aio.storage import MemoryStorage

from api.app import create_app
from api.errors import RateLimitExceeded, SettingRefused
from api.security.keys import KeyStore
from api.security.rate_limit import MAX_COUNTERS, SHARED_COUNTERS, RateLimiter, client_network
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from tests.support.processes import LocalClient, avoid_minute_end

POLICY = re.compile(r'"default";q=(\d+);w=60')
STANDING = re.compile(r'"default";r=(\d+);t=(\d+)')
PATH = "/v1/sources"
"""503 where it came as far as the index, of which there is none."""


def serving(folder: Path, **flags: Any) -> LocalClient:
    told = {"data_dir": folder, "rate_limit_per_minute": 3, **flags}
    return LocalClient(create_app(load_settings(told)))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(autouse=True)
def _within_a_minute() -> None:
    avoid_minute_end(spare_s=10)


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(SqliteFile(tmp_path / "state.sqlite3"))


def test_a_key_may_ask_so_often_and_is_told_how_it_stands(tmp_path: Path, keys: KeyStore) -> None:
    first, second = (bearer(keys.create(scopes=["read"])) for _ in range(2))
    client = serving(tmp_path)
    asked = [client.get(PATH, headers=first) for _ in range(4)]
    assert [response.status_code for response in asked] == [503, 503, 503, 429]
    for response, left in zip(asked, (2, 1, 0, 0), strict=True):
        policy = POLICY.fullmatch(response.headers["ratelimit-policy"])
        standing = STANDING.fullmatch(response.headers["ratelimit"])
        assert policy is not None
        assert standing is not None
        assert (int(policy[1]), int(standing[1])) == (3, left)
        assert 1 <= int(standing[2]) <= 60
    assert asked[-1].json()["code"] == "rate_limited"
    assert 1 <= int(asked[-1].headers["retry-after"]) <= 60
    assert client.get(PATH, headers=second).status_code == 503, "another key is counted apart"


def test_who_is_refused_or_needs_no_key_is_not_counted(tmp_path: Path, keys: KeyStore) -> None:
    key = bearer(keys.create(scopes=["read"]))
    client = serving(tmp_path)
    for path in [PATH, "/livez", "/", "/openapi.json"] * 3:
        response = client.get(path)
        assert response.status_code != 429
        assert "ratelimit" not in response.headers
    assert client.get(PATH, headers=key).headers["ratelimit"].startswith('"default";r=2')


def test_without_keys_its_owner_on_loopback_is_spared_but_not_others(tmp_path: Path) -> None:
    assert [serving(tmp_path).get(PATH).status_code for _ in range(5)] == [503] * 5
    exposed = serving(tmp_path, host="0.0.0.0", insecure=True)
    assert [exposed.get(PATH).status_code for _ in range(5)] == [503] * 3 + [429] * 2


def test_head_is_counted_like_get(tmp_path: Path, keys: KeyStore) -> None:
    key = bearer(keys.create(scopes=["read"]))
    client = serving(tmp_path)
    assert [client.head(PATH, headers=key).status_code for _ in range(4)] == [503] * 3 + [429]


def test_zero_is_no_limit(tmp_path: Path, keys: KeyStore) -> None:
    key = bearer(keys.create(scopes=["read"]))
    client = serving(tmp_path, rate_limit_per_minute=0)
    assert {client.get(PATH, headers=key).status_code for _ in range(9)} == {503}


@pytest.mark.parametrize("trusted", [True, False])
def test_addresses_behind_a_proxy_are_told_apart_only_where_it_is_trusted(
    trusted: bool, tmp_path: Path
) -> None:
    proxies = ("127.0.0.1",) if trusted else ("10.9.9.9",)
    flags = {"host": "0.0.0.0", "insecure": True, "trusted_proxies": proxies}
    client = serving(tmp_path, **flags)
    client._transport.client = ("127.0.0.1", 50_000)  # type: ignore[attr-defined]  # starlette's
    statuses = [
        client.get(PATH, headers={"X-Forwarded-For": f"9.9.9.9, 1.2.3.{number}"}).status_code
        for number in range(5)
    ]
    assert statuses == ([503] * 5 if trusted else [503] * 3 + [429] * 2)
    forged = [
        client.get(PATH, headers={"X-Forwarded-For": f"9.9.9.{number}, 7.7.7.7"}).status_code
        for number in range(5)
    ]
    assert 429 in forged, "what a client writes before the proxy's own entry does not count"


def test_all_addresses_of_an_ipv6_network_are_one_caller() -> None:
    def counted(host: str) -> str:
        return client_network({"client": (host, 50_000)})

    assert counted("2001:db8::1") == counted("2001:db8::ffff:1") != counted("2001:db8:0:1::1")
    assert counted("::ffff:192.0.2.1") == counted("192.0.2.1") != counted("192.0.2.2")
    assert counted("fe80::1%eth0") == counted("fe80::2%eth0")
    assert client_network({"client": None}) == counted("unknown")


def test_where_the_counters_cannot_be_reached_requests_pass(
    tmp_path: Path, keys: KeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    key = bearer(keys.create(scopes=["read"]))
    client = serving(tmp_path, rate_limit_storage="redis://:secret@127.0.0.1:9/0")
    assert {client.get(PATH, headers=key).status_code for _ in range(5)} == {503}
    assert "rate limit storage is unreachable" in caplog.text
    assert "secret" not in caplog.text


def test_counters_that_are_neither_here_nor_in_redis_are_refused() -> None:
    with pytest.raises(SettingRefused) as refused:
        load_settings({"rate_limit_storage": "ftp://user:secret@example.org"})
    assert "secret" not in str(refused.value)


def test_addresses_without_end_do_not_take_counters_without_end() -> None:
    """Each request looks at every counter, so without a bound the work would be quadratic."""
    limiter = RateLimiter("memory://", per_minute=3)

    async def count() -> None:
        for n in range(MAX_COUNTERS + 5 * SHARED_COUNTERS):
            with suppress(RateLimitExceeded):  # a shared counter may be used up
                await limiter.count_request(f"address:{n}")
        for _ in range(3):
            await limiter.count_request("key:one")

    asyncio.run(count())
    storage = limiter._limiter.storage
    assert isinstance(storage, MemoryStorage)
    assert MAX_COUNTERS < len(storage.storage) <= MAX_COUNTERS + SHARED_COUNTERS + 1
