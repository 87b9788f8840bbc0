"""Connections that say too little: closed in time, while those that ask are not."""

import asyncio

import httpx
import uvicorn
from starlette.responses import PlainTextResponse

from api.protocol import Protocol


class Hasty(Protocol):
    """As ours, with less patience."""

    head_s = 0.2


async def ended(port: int, said: bytes) -> bytes:
    """What a connection is told until it is closed by the other side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    told = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return told


def test_a_connection_without_a_whole_head_is_closed_in_time() -> None:
    async def scenario() -> tuple[list[bytes], bytes, list[int]]:
        config = uvicorn.Config(
            PlainTextResponse("fine"), http=Hasty, port=0, log_config=None, timeout_keep_alive=60
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        late = await asyncio.gather(ended(port, b""), ended(port, b"GET / HTTP/1.1\r\nHost: a\r\n"))
        second = await ended(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            statuses = [(await client.get("/")).status_code]
            await ended(port, b"")  # so long it says nothing between two requests
            statuses.append((await client.get("/")).status_code)
            (kept,) = client._transport._pool.connections  # type: ignore[attr-defined]  # httpx's
            assert kept.info().endswith("Request Count: 2")
        server.should_exit = True
        await running
        return late, second, statuses

    late, second, statuses = asyncio.run(scenario())
    assert late == [b"", b""]
    assert second.endswith(b"fine")
    assert statuses == [200, 200]
