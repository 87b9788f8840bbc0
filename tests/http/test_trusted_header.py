"""A proxy that signs people in: its header counts, and nobody else's."""

from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.errors import SettingRefused
from api.settings import load_settings
from api.settings_auth import AccessGroup
from api.sign_in.people import Grants, Person
from tests.support.processes import LocalClient

PROXY, OTHER = "10.0.0.7", "10.9.9.9"
OWN = {"Origin": "http://127.0.0.1"}
ADA = {"X-Forwarded-User": "ada@people.example", "X-Forwarded-Groups": "staff, admins"}


class ClientFrom:
    """Makes every connection come from one address."""

    def __init__(self, app: Any, address: str) -> None:
        self.app, self.address = app, address

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "client": (self.address, 1)}, receive, send)


def serving(data: Path, address: str, **more: Any) -> LocalClient:
    flags = {
        "data_dir": data,
        "trusted_proxies": (PROXY, "10.1.0.0/16"),
        "auth.trusted_header": "X-Forwarded-User",
        "auth.trusted_groups_header": "X-Forwarded-Groups",
        "auth.groups": {"staff": {"scopes": ["read"]}},
        **more,
    }
    app: Any = ClientFrom(create_app(load_settings(flags)), address)
    return LocalClient(app)


@pytest.mark.parametrize("address", [PROXY, "10.1.2.3"])
def test_the_proxys_header_names_the_person(address: str, tmp_path: Path) -> None:
    client = serving(tmp_path, address)
    said = client.get("/v1/me", headers=ADA).json()
    assert (said["name"], said["groups"]) == ("ada@people.example", ["admins", "staff"])
    assert said["subject"].startswith("person_")
    assert said["scopes"] == ["read"]
    assert client.post("/v1/search", json={"query": "x"}, headers=ADA | OWN).status_code == 503
    assert client.get("/v1/me").status_code == 401, "the proxy signed nobody in"
    outsider = ADA | {"X-Forwarded-Groups": "visitors"}
    assert client.get("/v1/sources", headers=outsider).status_code == 403


FORGED: dict[str, dict[str, str]] = {
    "the header": {},
    "by way of the proxy": {"X-Forwarded-For": PROXY},
    "by way of loopback": {"X-Forwarded-For": "127.0.0.1"},
    "the real address": {"X-Real-IP": PROXY, "Forwarded": f"for={PROXY}"},
    "a list of proxies": {"X-Forwarded-For": f"{PROXY}, {PROXY}"},
}


@pytest.mark.parametrize("attack", FORGED)
@pytest.mark.parametrize("address", [OTHER, "127.0.0.1", "testclient", ""])
def test_nobody_elses_header_counts(attack: str, address: str, tmp_path: Path) -> None:
    client = serving(tmp_path, address)
    assert client.get("/v1/me", headers=ADA | FORGED[attack]).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "root")],
        [("X-Forwarded-User", "ada"), *[("X-Forwarded-Groups", "staff")] * 2],
        [("X-Forwarded-User", "")],
        [("X-Forwarded-User", "a" * 256)],
        [("X_Forwarded_User", "root")],
        [("X-Forwarded-Groups", "staff")],
    ],
    ids=[
        "two people",
        "groups twice",
        "nobody",
        "endless",
        "underscores",
        "groups alone",
    ],
)
def test_a_header_that_is_there_twice_or_odd_is_none(headers: Any, tmp_path: Path) -> None:
    assert serving(tmp_path, PROXY).get("/v1/me", headers=headers).status_code == 401


def test_a_browser_behind_the_proxy_is_protected_from_other_pages(tmp_path: Path) -> None:
    client = serving(tmp_path, PROXY)
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        refused = client.post("/v1/search", json={"query": "x"}, headers=ADA | headers)
        assert refused.status_code == 403
    assert client.get("/sign-in", headers=ADA).status_code == 404, "people sign in at the proxy"
    refused = client.post("/v1/widget/token", json={}, headers=ADA | OWN)
    assert refused.status_code == 403, "a token would outlive the proxy's session"


def test_a_group_called_everybody_is_not_everybodys(tmp_path: Path) -> None:
    client = serving(tmp_path, PROXY, **{"auth.groups": {"staff": {"scopes": ["admin"]}}})
    said = client.get("/v1/me", headers=ADA | {"X-Forwarded-Groups": "*"}).json()
    assert said["scopes"] == []
    open_to_all = {"*": {"scopes": ["read"]}, "staff": {"scopes": ["admin"]}}
    client = serving(tmp_path, PROXY, **{"auth.groups": open_to_all})
    said = client.get("/v1/me", headers=ADA | {"X-Forwarded-Groups": "visitors"}).json()
    assert said["scopes"] == ["read"]


@pytest.mark.parametrize("proxies", [(), ("*",), ("0.0.0.0/0",), ("::/0",), ("proxy",)])
def test_a_header_without_a_named_proxy_is_refused(proxies: tuple[str, ...]) -> None:
    flags = {"trusted_proxies": proxies, "auth.trusted_header": "X-Forwarded-User"}
    with pytest.raises(SettingRefused, match="trusted_proxies"):
        load_settings(flags)


@pytest.mark.parametrize(
    "name", ["Authorization", "Cookie", "Host", "X User", "", "X-Forwarded-For"]
)
def test_not_every_header_can_name_people(name: str) -> None:
    with pytest.raises(SettingRefused, match="trusted_header"):
        load_settings({"trusted_proxies": (PROXY,), "auth.trusted_header": name})


def test_a_group_may_read_the_articles_of_all_groups() -> None:
    person = Person("person_1", "Ada", frozenset({"operators", "hr"}))
    some = {"operators": AccessGroup(), "hr": AccessGroup()}
    assert Grants(some).caller(person).groups == {"operators", "hr"}
    every = some | {"operators": AccessGroup(all_articles=True)}
    assert Grants(every).caller(person).groups is None
