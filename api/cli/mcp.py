"""`footnote mcp --stdio`: the index at hand, for an agent that starts us as its child."""

import asyncio
import importlib.util
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import CONFIGURATION, OK, USAGE, ServiceRefused
from . import options

if TYPE_CHECKING:
    from ..settings import Settings

TICK_S = 0.05


def mcp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Speak over stdin and stdout.")] = False,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
) -> int:
    """Answer an agent that speaks the Model Context Protocol."""
    if not stdio:
        raise ServiceRefused("say --stdio; a running service has it at /mcp", USAGE)
    if importlib.util.find_spec("mcp") is None:
        raise ServiceRefused(
            "this needs the extra `mcp`: install it with pip install '.[mcp]'", CONFIGURATION
        )
    from ..telemetry.logs import start_log

    settings = options.settings(collection=collection, data_dir=data_dir, llm__model=model)
    start_log(sys.stderr, log_content=settings.log_content)  # stdout is the agent's
    asyncio.run(_serve(settings))
    return OK


async def _serve(settings: "Settings") -> None:
    from index.errors import GenerationMissing
    from index.store.manifest import read_current

    from ..bootstrap import collection_folder, each, links, open_parts
    from ..mcp import local
    from ..service.service import Service

    served = each(settings)
    if not any(read_current(collection_folder(one)) for one in served):  # before an agent waits
        raise GenerationMissing(settings.collection)
    nothing = {one.collection: None for one in served}  # no sync here: `footnote serve` does it
    service = Service(settings, open_parts, links(settings), nothing)
    async with service.run():
        while service.readiness().status == "starting":
            await asyncio.sleep(TICK_S)
        await local(service).run_stdio_async()
