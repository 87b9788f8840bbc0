"""`footnote doctor`: checks what answering needs, one line each; 4 where something is missing."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.errors import IndexingError
from rag.errors import AnswerError

from ..exit_codes import OK, UNAVAILABLE
from ..wire.amount import amount
from ..wire.escape import screen
from . import options

if TYPE_CHECKING:
    from rag.model.openai_chat import ChatModel

    from ..settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `ok` None: nothing to check here."""

    check: str
    ok: bool | None
    detail: str


def doctor(
    corpus: options.Corpus = None,
    collection: options.Collection = None,
    data_dir: options.DataDir = None,
    online: Annotated[bool, typer.Option("--online", help="Call the model, too.")] = False,
    origin: Annotated[
        str | None, typer.Option(help="Say what would block the widget on this site.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Check what answering needs, without a connection unless --online."""
    settings = options.settings(corpus=corpus, collection=collection, data_dir=data_dir)
    findings = list(_findings(settings, online=online))
    if origin is not None:
        findings.append(_widget(settings, origin))
    healthy = all(finding.ok is not False for finding in findings)
    if json:
        options.print_json({"ok": healthy, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            mark = {True: "ok  ", False: "FAIL", None: "-   "}[finding.ok]
            typer.echo(screen(f"{mark}  {finding.check:<8}  {finding.detail}"))
    return OK if healthy else UNAVAILABLE


def _findings(settings: "Settings", *, online: bool) -> Iterator[Finding]:
    checks: dict[str, Callable[[], str | None]] = {
        "python": _python,
        "weights": lambda: _weights(settings),
        "data": lambda: _data(settings),
        "corpus": lambda: _corpus(settings),
        "index": lambda: _index(settings),
        "model": lambda: _model(settings, online=online),
    }
    for name, check in checks.items():
        try:
            detail = check()
        except (IndexingError, AnswerError, OSError) as error:
            yield Finding(name, False, str(error))
        else:
            yield Finding(name, None if detail is None else True, detail or "none is set")


def _widget(settings: "Settings", origin: str) -> Finding:
    from .widget import blockers, service_url, site_of

    blocked = blockers(settings, origin)
    well = f"pages of {site_of(origin)} may ask {service_url(settings)}"
    return Finding("widget", not blocked, "; ".join(blocked) or well)


def _python() -> str:
    return f"{sys.version.split()[0]} at {sys.executable}"


def _weights(settings: "Settings") -> str:
    if settings.embed.model:
        return f"embeddings by {settings.embed.model}"
    from index.embed.factory import open_embedder

    from ..bootstrap import embed_spec

    with closing(open_embedder(embed_spec(settings))) as embedder:
        return f"{embedder.fingerprint}, hashes as published"


def _data(settings: "Settings") -> str:
    folder = settings.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    space = os.statvfs(folder)
    return f"{folder} is writable, {space.f_bavail * space.f_frsize / 1e9:.1f} GB free"


def _corpus(settings: "Settings") -> str:
    from index.errors import CorpusMissing

    if not settings.corpus.is_dir():
        raise CorpusMissing(settings.corpus)
    return str(Path(settings.corpus).absolute())


def _index(settings: "Settings") -> str:
    from index.store.integrity import verify
    from rag.retrieval.fusion import prove
    from rag.retrieval.weights import fitted

    from .local import opened

    with opened(settings) as (parts, generation):
        verify(generation)
        prove(generation, parts.embedder, weights=fitted())
        info = generation.info
    whole = ", vectors compared one by one" if info.exact else ""
    whole = whole if info.complete else ", by words alone so far"
    return (
        f"{info.collection}, generation {info.generation}, {amount(info.sources, 'article')}, "
        f"{amount(info.chunks, 'passage')}{whole}: verified"
    )


def _model(settings: "Settings", *, online: bool) -> str | None:
    from ..bootstrap import open_chat

    if not settings.llm.model:
        return None
    if not online:
        return f"{settings.llm.model} is set; --online calls it"
    chat = open_chat(settings.llm)
    assert chat is not None  # a model is set
    pieces = asyncio.run(_call(chat))
    return f"{settings.llm.model} answers, in {amount(pieces, 'piece')}"


async def _call(chat: "ChatModel") -> int:
    from rag.model.openai_chat import Message

    pieces = [piece async for piece in chat.stream([Message("user", "Say: ready.")])]
    await chat.close()
    return len(pieces)
