"""Checks what answers depend on: the installation, the data folder, the index and the model."""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index.errors import CorpusMissing, GenerationMissing, IndexingError
from index.redact import redact
from rag.errors import AnswerError

from ...errors import SettingRefused, StateUnreadable
from ...wire.escape import pluralize
from .data_folder import check_data_dir, find_exposure
from .descriptions import describe
from .local_index import open_index

if TYPE_CHECKING:
    from index.store.opened import OpenGeneration

    from ...service.collection import Components
    from ...settings import Settings

    Opened = tuple[Components, OpenGeneration | None] | None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; `ok` is None if it does not apply."""

    check: str
    ok: bool | None
    detail: str


def run_checks(
    settings: "Settings",
    *,
    online: bool = False,
    open_service: "tuple[Components, OpenGeneration | None] | None" = None,
) -> Iterator[CheckResult]:
    """Yields the results; with `online` the chat model is called.

    Of a running service, `open_service` is what it has open, so that nothing is opened again.
    """
    checks: dict[str, Callable[[], str | None]] = {
        "python": lambda: f"{sys.version.split()[0]} at {sys.executable}",
        "weights": lambda: _check_weights(settings, open_service),
        "data": lambda: _check_data(settings),
        "state": lambda: _check_state(settings),
        "corpus": lambda: _check_corpus(settings),
        "shared": lambda: _check_shared(settings),
        "index": lambda: _check_index(settings, open_service),
        "model": lambda: _check_model(settings, online=online),
    }
    if settings.auth.is_set:
        checks["sign-in"] = lambda: _check_sign_in(settings, online=online)
    for name, check in checks.items():
        try:
            detail = check()
        except (IndexingError, AnswerError, SettingRefused, StateUnreadable, OSError) as error:
            yield CheckResult(name, False, redact(str(error)))
        else:
            yield CheckResult(name, None if detail is None else True, detail or "none set")


def _check_weights(settings: "Settings", open_service: "Opened") -> str:
    if settings.embed.model:
        return f"embedding model {settings.embed.model}"
    if open_service:
        return f"{open_service[0].embedder.fingerprint}, loaded"
    from index.embed.factory import open_embedder

    from ...bootstrap import embed_spec

    with closing(open_embedder(embed_spec(settings))) as embedder:
        checked = "from embed.path" if settings.embed.path else "hashes verified"
        return f"{embedder.fingerprint}, {checked}"


def _check_data(settings: "Settings") -> str:
    check_data_dir(settings)
    exposure, is_anybody = find_exposure(settings)
    if is_anybody:
        raise SettingRefused("data_dir", exposure)
    folder = settings.data_dir.absolute()
    free = f"{folder} is writable, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"
    return f"{free}; {exposure}" if exposure else free


def _check_state(settings: "Settings") -> str:
    from ...bootstrap import open_state

    return open_state(settings).main.check()


def _check_sign_in(settings: "Settings", *, online: bool) -> str:
    from ...bootstrap import link_signer, open_sign_in
    from ...sign_in.failure import SignInFailed

    sign_in = open_sign_in(settings, link_signer(settings))
    assert sign_in is not None
    if not sign_in.has_provider:
        return f"people are named by {settings.auth.trusted_header}"
    if not online:
        return f"at {settings.auth.issuer}, which is asked only with --online"
    try:
        n_keys = asyncio.run(sign_in.check_provider())
    except SignInFailed as error:
        raise SettingRefused("auth.issuer", error.cause) from error
    return f"{settings.auth.issuer} answers, with {pluralize(n_keys, 'usable key')}"


def _check_shared(settings: "Settings") -> str | None:
    if settings.shared is None:
        return None
    from index.object_store import ObjectStore
    from index.shared.collection import SharedCollection
    from index.shared.probe import probe

    return probe(SharedCollection(ObjectStore(settings.shared), settings.collection))


def _check_corpus(settings: "Settings") -> str | None:
    if settings.role == "replica":
        return None
    if not settings.corpus.is_dir():
        raise CorpusMissing(settings.corpus)
    return str(settings.corpus.absolute())


def _check_index(settings: "Settings", open_service: "Opened") -> str:
    if open_service is None:
        with open_index(settings) as (components, generation):
            return _check_generation(components, generation)
    components, generation_ = open_service
    if generation_ is None:
        raise GenerationMissing(settings.collection)
    return _check_generation(components, generation_)


def _check_generation(components: "Components", generation: "OpenGeneration") -> str:
    from index.engine import verify
    from rag.retrieval.fusion import smoke_test
    from rag.retrieval.weights import fitted_weights

    verify(generation)  # type: ignore[arg-type]  # a lease gives it as it is stored
    smoke_test(generation, components.embedder, weights=fitted_weights())
    info = generation.info
    return f"{info.collection}: {describe(info)}; verified"


def _check_model(settings: "Settings", *, online: bool) -> str | None:
    from rag.model.protocol import Message

    from ...bootstrap import open_chat

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


def hide_paths(detail: str, settings: "Settings") -> str:
    """Returns a detail without the machine's own paths, as it may be sent to a client."""
    names = {
        str(settings.data_dir.absolute()): "the data folder",
        str(settings.corpus.absolute()): "the corpus folder",
        str(settings.corpus): "the corpus folder",
        f" at {sys.executable}": "",
        sys.prefix: "the installation",
    }
    for path in sorted(names, key=len, reverse=True):
        detail = detail.replace(path, names[path])
    return detail
