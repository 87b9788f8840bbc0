"""`footnote mcp --stdio`: the local index for an agent that starts this command itself."""

import asyncio
import importlib.util
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import CONFIGURATION, OK, CliError
from . import options

if TYPE_CHECKING:
    from ..settings import Settings

POLL_INTERVAL_S = 0.05


def mcp(
    stdio: Annotated[bool, typer.Option("--stdio", help="Use stdin and stdout.")] = False,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
) -> int:
    """Serve the index to an agent over the Model Context Protocol."""
    if not stdio:
        raise CliError("add --stdio; for HTTP, a running service has /mcp")
    if importlib.util.find_spec("mcp") is None:
        raise CliError("this command needs the extra `mcp`: pip install '.[mcp]'", CONFIGURATION)
    from ..telemetry.logs import configure_logging

    settings = options.load_settings(collection=collection, data_dir=data_dir, llm__model=model)
    configure_logging(  # stdout belongs to the protocol
        sys.stderr, log_content=settings.log_content, level=settings.log_level
    )
    asyncio.run(_serve(settings))
    return OK


async def _serve(settings: "Settings") -> None:
    from index.errors import GenerationMissing
    from index.store.manifest import read_current

    from ..bootstrap import access_policy, link_signer, open_components
    from ..mcp import stdio_server
    from ..service.service import Service

    served = settings.per_collection()
    if not any(read_current(one.collection_folder) for one in served):  # before the agent waits
        raise GenerationMissing(settings.collection)
    no_sync = {one.collection: None for one in served}  # `footnote serve` syncs
    service = Service(
        settings,
        open_components,
        link_signer(settings),
        no_sync,
        policy=access_policy(settings),
    )
    async with service.run():
        while service.readiness().status == "starting":
            await asyncio.sleep(POLL_INTERVAL_S)
        await stdio_server(service).run_stdio_async()
