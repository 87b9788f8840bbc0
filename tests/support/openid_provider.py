"""The real OpenID provider of the tests: `oidc-provider` from npm, in a process of its own.

with OpenIdProvider(callbacks=[f"{url}/sign-in/callback"]) as provider:
    cookies = provider.sign_in(url, "ada,staff")
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.processes import free_port

FOLDER = Path(__file__).parents[1] / "oidc"
CLIENT_ID, SECRET = "footnote", "a-secret-of-the-test"


def install_provider() -> None:
    """Installs the package by its lock; skips the test where that cannot be, fails it in CI."""
    if (FOLDER / "node_modules" / "oidc-provider").is_dir():
        return
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    if not shutil.which("npm") or subprocess.call(command, cwd=FOLDER):
        assert not os.environ.get("CI"), "CI must have npm: .ci/run installs it"
        pytest.skip("SKIPPED: NO NPM, or it could not install: SIGNING IN WAS NOT TRIED")


class OpenIdProvider:
    """The provider, answering once entered; whoever types `ada,staff` is ada of the staff."""

    def __init__(self, services: Sequence[str], **options: Any) -> None:
        """`services` are the addresses of the services that it sends people back to."""
        install_provider()
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._options = {
            "port": self.port,
            "callbacks": [f"{url}/sign-in/callback" for url in services],
            "homes": [f"{url}/" for url in services],
            "client": {
                "backchannel_logout_uri": f"{services[0]}/sign-out/back-channel",
                "backchannel_logout_session_required": True,
            },
            **options,
        }

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", "provider.mjs", json.dumps(self._options)],
            cwd=FOLDER,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        assert any(line == "ready\n" for line in lines), "the provider did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    @property
    def env(self) -> dict[str, str]:
        """The settings of a service that signs people in here."""
        return {
            "FOOTNOTE_AUTH__ISSUER": self.issuer,
            "FOOTNOTE_AUTH__CLIENT_ID": CLIENT_ID,
            "FOOTNOTE_AUTH__CLIENT_SECRET": SECRET,
            "FOOTNOTE_AUTH__SCOPES": "openid profile email groups offline_access",
        }

    def control(self, command: str) -> dict[str, int]:
        """Has the provider `rotate` its keys or `revoke` all grants; returns request counts."""
        counts: dict[str, int] = httpx.post(f"{self.issuer}/test/{command}").json()
        return counts

    def redirect_back(self, client: httpx.Client, url: str, login: str) -> httpx.Response:
        """Signs in at the provider; returns its redirect to the service, which is not followed."""
        response = client.get(url)
        for _ in range(20):
            while response.is_redirect:
                url = urljoin(str(response.url), response.headers["location"])
                if not url.startswith(self.issuer):
                    return response
                response = client.get(url)
            (action,) = re.findall(r'<form[^>]+action="([^"]+)"', response.text) or [""]
            assert action, response.text
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', response.text))
            if fields["prompt"] == "login":
                fields |= {"login": login, "password": "any"}
            response = client.post(unescape(action), data=fields)
        raise AssertionError("the provider does not come to an end")

    def sign_out(self, client: httpx.Client) -> None:
        """Signs out at the provider alone, which tells its clients."""
        asked = client.get(f"{self.issuer}/session/end", params={"client_id": CLIENT_ID})
        (action,) = re.findall(r'<form[^>]+action="([^"]+)"', asked.text)
        (token,) = re.findall(r'name="xsrf" value="(\w+)"', asked.text)
        client.post(unescape(action), data={"xsrf": token, "logout": "yes"})

    def sign_in(
        self, client: httpx.Client, login: str, *, path: str = "/sign-in"
    ) -> httpx.Response:
        """Signs in at a service as a browser does; returns its response to the callback."""
        begun = client.get(path)
        assert begun.status_code == 303, begun.text
        back = self.redirect_back(client, begun.headers["location"], login)
        return client.get(back.headers["location"])
