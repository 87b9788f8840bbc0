"""The service in a thread of the test's process, behind a real uvicorn server on loopback."""

import asyncio
import json
import socket
import threading
from typing import Self

import httpx
import uvicorn

from api.app import create_app
from api.cli.serve import bind
from api.server.protocol import LimitedProtocol
from api.settings import Settings
from tests.support.processes import wait_until


class Serving:
    """The service in a thread of this process, so that its tasks and sockets can be counted."""

    def __init__(
        self, settings: Settings, *, protocol: type[LimitedProtocol] = LimitedProtocol
    ) -> None:
        self._listener = bind("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.app = create_app(settings)
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            lifespan="on",
            http=protocol,
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._listener])

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: httpx.get(f"{self.url}/readyz").json()["status"] == "ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    def tasks(self) -> int:
        """How many tasks its loop has."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self._loop).result(10)

    def connections(self) -> int:
        """How many connections are open."""
        return len(self._server.server_state.connections)

    def post(self, path: str, body: object, *, receive_buffer: int = 0) -> socket.socket:
        """Sends a JSON body; returns the connection, of which nothing has been read."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        encoded = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: {len(encoded)}\r\n\r\n".encode() + encoded)
        return client
