"""`footnote doctor`: checks what answers depend on, one line each; exit code 4 on a failure."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import CorpusMissing, IndexingError
from index.redact import redact
from rag.errors import AnswerError

from ..errors import SettingRefused, StateUnreadable
from ..exit_codes import OK, UNAVAILABLE
from ..wire.escape import escape, pluralize
from . import options
from .client import open_index
from .generations import describe

if TYPE_CHECKING:
    from ..settings import Settings


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; `ok` is None if it does not apply."""

    check: str
    ok: bool | None
    detail: str


def doctor(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    online: Annotated[bool, typer.Option("--online", help="Also call the chat model.")] = False,
    origin: Annotated[
        str | None, typer.Option(help="Also check the chat widget on this site.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Check the installation, the index and the model. Connects only with --online."""
    settings = options.load_settings(corpus=corpus, collection=collection, data_dir=data_dir)
    results = list(_run_checks(settings, online=online))
    if origin is not None:
        results.append(_check_widget(settings, origin))
    is_healthy = all(result.ok is not False for result in results)
    if json:
        options.print_json({"ok": is_healthy, "checks": [asdict(result) for result in results]})
    else:
        for result in results:
            mark = {True: "ok  ", False: "FAIL", None: "-   "}[result.ok]
            typer.echo(escape(f"{mark}  {result.check:<8}  {result.detail}"))
    return OK if is_healthy else UNAVAILABLE


def _run_checks(settings: "Settings", *, online: bool) -> Iterator[CheckResult]:
    checks: dict[str, Callable[[], str | None]] = {
        "python": lambda: f"{sys.version.split()[0]} at {sys.executable}",
        "weights": lambda: _check_weights(settings),
        "data": lambda: _check_data(settings),
        "state": lambda: _check_state(settings),
        "corpus": lambda: _check_corpus(settings),
        "index": lambda: _check_index(settings),
        "model": lambda: _check_model(settings, online=online),
    }
    for name, check in checks.items():
        try:
            detail = check()
        except (IndexingError, AnswerError, SettingRefused, StateUnreadable, OSError) as error:
            yield CheckResult(name, False, redact(str(error)))
        else:
            yield CheckResult(name, None if detail is None else True, detail or "none set")


def _check_widget(settings: "Settings", origin: str) -> CheckResult:
    from .widget import blockers, parse_origin, service_url

    reasons = blockers(settings, origin)
    detail = f"pages of {parse_origin(origin)} can use {service_url(settings)}"
    return CheckResult("widget", not reasons, "; ".join(reasons) or detail)


def _check_weights(settings: "Settings") -> str:
    if settings.embed.model:
        return f"embedding model {settings.embed.model}"
    from index.embed.factory import open_embedder

    from ..bootstrap import embed_spec

    with closing(open_embedder(embed_spec(settings))) as embedder:
        checked = "from embed.path" if settings.embed.path else "hashes verified"
        return f"{embedder.fingerprint}, {checked}"


def _check_data(settings: "Settings") -> str:
    options.check_data_dir(settings)
    exposure, is_anybody = options.find_exposure(settings)
    if is_anybody:
        raise SettingRefused("data_dir", exposure)
    folder = settings.data_dir.absolute()
    free = f"{folder} is writable, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"
    return f"{free}; {exposure}" if exposure else free


def _check_state(settings: "Settings") -> str:
    from ..bootstrap import open_state

    return open_state(settings).main.check()


def _check_corpus(settings: "Settings") -> str:
    if not settings.corpus.is_dir():
        raise CorpusMissing(settings.corpus)
    return str(settings.corpus.absolute())


def _check_index(settings: "Settings") -> str:
    from index.engine import verify
    from rag.retrieval.fusion import smoke_test
    from rag.retrieval.weights import fitted_weights

    with open_index(settings) as (components, generation):
        verify(generation)
        smoke_test(generation, components.embedder, weights=fitted_weights())
        info = generation.info
    return f"{info.collection}: {describe(info)}; verified"


def _check_model(settings: "Settings", *, online: bool) -> str | None:
    from rag.model.protocol import Message

    from ..bootstrap import open_chat

    if not settings.llm.model:
        return None
    if not online:
        return f"{settings.llm.model} is set; --online calls it"
    chat = open_chat(settings.llm)
    assert chat is not None  # a model is set

    async def count_deltas() -> int:
        deltas = [delta async for delta in chat.stream([Message("user", "Say: ready.")])]
        await chat.close()
        return len(deltas)

    return (
        f"{settings.llm.model} answers, streaming {pluralize(asyncio.run(count_deltas()), 'delta')}"
    )
