"""Connections that say too little, or too slowly, end in time; clients have one name each."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import RequestError
from api.http.middleware import MIN_BYTES_PER_S, BodyLimitMiddleware
from api.server.protocol import LimitedProtocol
from api.wire.problem_details import error_response


class Hasty(LimitedProtocol):
    """As ours, with less patience."""

    headers_timeout_s = 0.2


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[int]:
    """The port of a server that runs meanwhile."""
    config = uvicorn.Config(app, http=Hasty, log_config=None, timeout_keep_alive=60)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve([listener]))
    while not server.started:
        await asyncio.sleep(0)
    yield listener.getsockname()[1]
    server.should_exit = True
    await running


async def ended(port: int, said: bytes) -> bytes:
    """What a connection is told until it is closed by the other side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    told = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return told


def test_a_connection_without_a_whole_head_is_closed_in_time() -> None:
    async def scenario() -> tuple[list[bytes], bytes, list[int]]:
        listener = socket.create_server(("127.0.0.1", 0))
        async with serving(PlainTextResponse("fine"), listener) as port:
            return await said_to(port)

    async def said_to(port: int) -> tuple[list[bytes], bytes, list[int]]:
        late = await asyncio.gather(ended(port, b""), ended(port, b"GET / HTTP/1.1\r\nHost: a\r\n"))
        second = await ended(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            statuses = [(await client.get("/")).status_code]
            await ended(port, b"")  # so long it says nothing between two requests
            statuses.append((await client.get("/")).status_code)
            (kept,) = client._transport._pool.connections  # type: ignore[attr-defined]  # httpx's
            assert kept.info().endswith("Request Count: 2")
        return late, second, statuses

    late, second, statuses = asyncio.run(scenario())
    assert late == [b"", b""]
    assert second.endswith(b"fine")
    assert statuses == [200, 200]


async def asked(port: int, method: str, pieces: list[bytes], pause: float) -> bytes:
    """What is answered to a body that comes piece by piece, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    size = sum(len(piece) for piece in pieces)
    kind = "Content-Type: application/json\r\nConnection: close"
    writer.write(f"{method} / HTTP/1.1\r\nHost: a\r\n{kind}\r\n".encode())
    writer.write(f"Content-Length: {size}\r\n\r\n".encode())
    told = asyncio.ensure_future(asyncio.wait_for(reader.read(), 30))
    for piece in pieces:
        if not told.done():
            writer.write(piece)
            await asyncio.wait([told], timeout=pause)
    answer = await told
    writer.close()
    return answer


async def tell_size(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body's size, after more time than a body has."""
    if scope["type"] == "http":
        try:
            body = await Request(scope, receive).body()
        except RequestError as error:
            await error_response(error, scope)(scope, receive, send)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(receive(), 0.5)
        await PlainTextResponse(str(len(body)))(scope, receive, send)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_comes_too_slowly_is_408_and_the_connection_ends(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BodyLimitMiddleware, "body_timeout_s", 0.3)

    async def scenario() -> list[bytes]:
        listener = socket.create_server(("127.0.0.1", 0))
        async with serving(
            BodyLimitMiddleware(tell_size, max_bytes=10 * MIN_BYTES_PER_S), listener
        ) as port:
            return await asyncio.gather(
                asked(port, method, [b"x", b"x"], 30),
                asked(
                    port, method, [b"x" * MIN_BYTES_PER_S, b"x"], 0.9
                ),  # its size gives it a second more
                asked(port, method, [b"x"], 0.9),
            )

    slow, large, small = asyncio.run(scenario())
    assert slow.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"body_too_slow"' in slow
    assert b"connection: close" in slow
    assert large.endswith(b"\r\n\r\n%d" % (MIN_BYTES_PER_S + 1))
    assert small.endswith(b"\r\n\r\n1")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs a socket for both kinds")
def test_on_a_socket_for_both_kinds_an_ipv4_client_is_called_as_elsewhere() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse(scope["client"][0])(scope, receive, send)

    async def scenario() -> list[str]:
        listener = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        async with serving(app, listener) as port, httpx.AsyncClient() as client:
            hosts = ("127.0.0.1", "[::1]")
            return [(await client.get(f"http://{host}:{port}")).text for host in hosts]

    assert asyncio.run(scenario()) == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET /a HTTP/1.1\r\nHost: ours\r\n", [b"ours"]),
        (b"GET http://evil.example/a HTTP/1.1\r\nHost: ours\r\n", [b"evil.example"]),
        (b"GET HTTP://Evil.example:80/a?q HTTP/1.1\r\nHost: ours\r\n", [b"Evil.example:80"]),
        (b"GET http://ours/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n", [b"ours"]),
        (b"GET /a HTTP/1.0\r\n", []),
    ],
)
def test_the_host_of_an_absolute_target_is_the_one_that_counts(
    head: bytes, host: list[bytes]
) -> None:
    hosts: list[list[bytes]] = []

    async def note_host(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            hosts.append([value for name, value in scope["headers"] if name == b"host"])
        await PlainTextResponse("fine")(scope, receive, send)

    async def scenario() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        async with serving(note_host, listener) as port:
            await ended(port, head + b"Connection: close\r\n\r\n")

    asyncio.run(scenario())
    assert hosts == [host]
