"""A browser of the tests that signs in at the fake provider, one step at a time."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from api.app import create_app
from api.settings import load_settings
from tests.support.fake_openid import CLIENT_ID, FakeOpenId, Json
from tests.support.processes import LocalClient


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
