"""The official MCP client, unmodified, over HTTP and stdio."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client

from api.wire.schemas import AnswerBody, HitsBody
from tests.support.processes import (
    COMMAND,
    RunningService,
    clean_environment,
    link_index,
    run_footnote,
)

QUESTION = "How many people bought an SU7 in a single year?"

Step = Callable[[Client], Awaitable[Any]]


@pytest.fixture(params=["http", "stdio"])
def run(request: pytest.FixtureRequest) -> Callable[[Step], Any]:
    """Runs a step with a client, over either way in."""
    way: str = request.param
    service: RunningService = request.getfixturevalue("service")
    data: Path = request.getfixturevalue("seeds_data")

    @asynccontextmanager
    async def connected() -> AsyncIterator[Client]:
        server: Any = f"{service.url}/mcp"
        if way == "stdio":
            arguments = [*COMMAND[1:], "mcp", "--stdio", "--data-dir", str(data)]
            server = stdio_client(
                StdioServerParameters(
                    command=sys.executable, args=arguments, env=clean_environment()
                )
            )
        async with Client(server) as client:
            yield client

    def runs(step: Step) -> Any:
        async def whole() -> Any:
            async with connected() as client:
                return await step(client)

        return anyio.run(whole)

    return runs


def test_an_agent_lists_the_tools_searches_asks_and_reads(run: Callable[[Step], Any]) -> None:
    async def step(client: Client) -> tuple[Any, ...]:
        asked = await client.call_tool("ask", {"question": QUESTION})
        cited = (asked.structured_content or {})["citations"][0]
        return (
            await client.list_tools(),
            await client.list_resource_templates(),
            await client.call_tool("search", {"query": "battery suppliers", "top_k": 2}),
            asked,
            await client.read_resource(f"source://{cited['source_id']}"),
        )

    listed, templates, searched, asked, read = run(step)
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {"search", "ask"}
    for tool in tools.values():
        assert tool.annotations.read_only_hint is True
        assert tool.annotations.open_world_hint is False
    assert set(tools["ask"].output_schema["properties"]) == set(AnswerBody.model_fields)
    assert set(tools["search"].output_schema["properties"]) == set(HitsBody.model_fields)
    assert len(templates.resource_templates) == 1

    hits = HitsBody.model_validate(searched.structured_content).hits
    assert [hit.rank for hit in hits] == [1, 2]
    answer = AnswerBody.model_validate(asked.structured_content)
    assert "215,000" in answer.answer
    assert json.loads(asked.content[0].text)["answer"] == answer.answer
    (text,) = [content.text for content in read.contents]
    cited = answer.citations[0]
    assert text[cited.start : cited.end] == cited.quote


def test_what_cannot_be_done_is_said_without_a_trace(run: Callable[[Step], Any]) -> None:
    async def step(client: Client) -> tuple[Any, ...]:
        blank = await client.call_tool("ask", {"question": "  "})
        endless = await client.call_tool("search", {"query": "x", "top_k": 51})
        foreign = await client.call_tool("ask", {"question": "x", "collection": "other"})
        with pytest.raises(MCPError) as missing:
            await client.read_resource("source://0000000000000000")
        return blank, endless, foreign, missing.value

    blank, endless, foreign, missing = run(step)
    assert blank.is_error is endless.is_error is foreign.is_error is True
    assert blank.content[0].text.endswith("invalid_request: question: must not be empty")
    assert foreign.content[0].text.endswith("collection_not_found: no collection 'other'")
    assert "no source" in str(missing)


def test_over_http_the_links_are_absolute_and_open(service: RunningService) -> None:
    async def step() -> Any:
        async with Client(f"{service.url}/mcp") as client:
            return await client.call_tool("ask", {"question": QUESTION})

    (first, *_) = (anyio.run(step).structured_content or {})["citations"]
    assert first["url"].startswith(f"{service.url}/v1/sources/")
    assert "<mark" in httpx.get(first["url"]).text


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_neither_path_is_a_redirect(path: str, service: RunningService) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(service.url + path, json=body, headers=headers).status_code == 200
    assert httpx.get(service.url + path, headers=headers).status_code == 405


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_foreign_name_or_page_reaches_no_tool(
    header: dict[str, str], status: int, service: RunningService
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"} | header
    refused = httpx.post(f"{service.url}/mcp", json=body, headers=headers)
    assert refused.status_code == status
    assert "inputSchema" not in refused.text


def test_a_key_is_wanted_and_bounds_the_collections(seeds_data: Path, tmp_path: Path) -> None:
    data = link_index(seeds_data, tmp_path / "data")
    made = run_footnote("keys", "create", "--collection", "other", "--data-dir", data, cwd=tmp_path)
    key = made.stdout.strip()

    async def step(url: str) -> Any:
        import httpx2  # what the client's transport is made with
        from mcp.client.streamable_http import streamable_http_client

        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            return await client.call_tool("ask", {"question": QUESTION})

    with RunningService("--no-sync", "--data-dir", data, cwd=tmp_path) as running:
        refused = httpx.post(f"{running.url}/mcp", json={})
        asked = anyio.run(step, f"{running.url}/mcp")
        log = running.stop()
    assert '"route": "/mcp"' in log
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert asked.is_error is True
    assert "collection_not_found" in asked.content[0].text


def test_without_an_index_or_the_flag_the_terminal_says_so(tmp_path: Path) -> None:
    assert run_footnote("mcp", cwd=tmp_path).returncode == 2
    started = run_footnote("mcp", "--stdio", cwd=tmp_path)
    assert started.returncode == 4
    assert started.stdout == ""
