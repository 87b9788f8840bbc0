"""What can be measured: this pipeline, a llama-index retriever or query engine, your own target.

A `Target` answers one case at a time and knows its sources' texts, so that gold quotes can be
located and citations checked. Passages of a foreign retriever are located in the corpus's own
text. llama-index is not imported: any object with its `retrieve` or `query` works. A running
service is in `service_target`.
"""

import asyncio
import importlib
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from index.filters import normalize_path

from ..errors import AnswerError
from ..types import Ask
from .cases import Case
from .errors import CaseFailed, TargetUnavailable
from .results import Citation, Passage, Response

if TYPE_CHECKING:
    from index.store.opened import OpenGeneration

    from ..answer import Pipeline

_SOURCE_KEYS = ("source", "file_path", "file_name")
_MEASURABLE = ("ask", "retrieve", "query")


class Target(Protocol):
    """A system that can be measured."""

    def describe(self) -> Mapping[str, object]:
        """Returns its configuration as JSON values; equal means that runs are comparable."""
        ...

    async def ask(self, case: Case) -> Response:
        """Returns its answer; raises CaseFailed for this case, TargetUnavailable for the run."""
        ...

    async def text(self, source: str) -> str | None:
        """Returns a source's text by its path; None if there is no such source."""
        ...

    async def close(self) -> None:
        """Closes its connections."""
        ...


class PipelineTarget:
    """The pipeline in this process, over one open generation."""

    def __init__(
        self,
        pipeline: "Pipeline",
        generation: "OpenGeneration",
        *,
        top_k: int,
        settings: Mapping[str, object],
    ) -> None:
        """`settings` are the other settings that affect answers, for `describe`."""
        self._pipeline, self._generation, self._top_k = pipeline, generation, top_k
        self._settings = dict(settings)
        ids = {path: source.id for path, (source, _) in generation.all_sources().items()}
        self._ids = {normalize_path(path): id_ for path, id_ in ids.items()} | ids

    def describe(self) -> Mapping[str, object]:
        """Returns its settings and a hash of the indexed sources, without the generation's name."""
        manifest = self._generation.manifest
        sources = self._generation.all_sources()
        listing = "\n".join(f"{path} {sources[path][0].sha256}" for path in sorted(sources))
        return {
            **self._settings,
            "target": "pipeline",
            "top_k": self._top_k,
            "sources_sha256": sha256(listing.encode()).hexdigest(),
            "embedder": manifest.embedder if self._generation.info.complete else None,
            "fingerprint": dict(manifest.fingerprint),
        }

    async def ask(self, case: Case) -> Response:
        """Returns the pipeline's answer; an AnswerError fails the case."""
        ask = Ask(case.question, case.history, top_k=self._top_k)
        try:
            return Response.from_answer(await self._pipeline.answer(self._generation, ask))
        except AnswerError as error:
            raise CaseFailed(str(error)) from error

    async def text(self, source: str) -> str | None:
        """Returns the source's text from the generation's catalog."""
        source_id = self._ids.get(source) or self._ids.get(normalize_path(source))
        return None if source_id is None else self._generation.text(source_id)

    async def close(self) -> None:
        """Closes the model's connections; the caller closes the generation."""
        await self._pipeline.close()


class CorpusFolder:
    """The texts of a corpus folder, read as the index reads `.txt` and `.md` files."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder no source is known."""
        self._folder = folder
        self.text = lru_cache(256)(self._read_text)

    def _read_text(self, source: str) -> str | None:
        if self._folder is None:
            return None
        try:
            path = _find_path(self._folder, source)
            if not path.resolve().is_relative_to(self._folder.resolve()):
                return None
            return path.read_bytes().decode("utf-8-sig")
        except (OSError, ValueError):
            return None

    def relative_path(self, name: str) -> str:
        """Returns the path below the folder for a file name in a node's metadata."""
        path = Path(name)
        if self._folder is not None and path.is_absolute():
            try:
                return path.resolve().relative_to(self._folder.resolve()).as_posix()
            except ValueError:
                return path.name
        return path.as_posix()


def _find_path(folder: Path, source: str) -> Path:
    """Returns a source's path, in the Unicode form of the file system where that is another."""
    path = folder / source
    if source.isascii() or path.exists():
        return path
    path = folder
    for name in Path(source).parts:
        names = os.listdir(path) if path.is_dir() else []
        if name not in names:
            expected = normalize_path(name)
            name = next((n for n in names if normalize_path(n) == expected), name)
        path /= name
    return path


class AttributeTarget:
    """A retriever, a query engine or your own target, imported as `module:attribute`.

    A retriever does not answer, so only its ranking is measured.
    """

    def __init__(self, spec: str, *, corpus: CorpusFolder, top_k: int) -> None:
        """Imports the module; raises TargetUnavailable if it has no such attribute."""
        self._spec, self._corpus, self._top_k = spec, corpus, top_k
        self._target = _import_target(spec)

    def describe(self) -> Mapping[str, object]:
        """Returns the attribute's name, and the configuration that your own target describes."""
        describe = getattr(self._target, "describe", None)
        return {
            **(describe() if callable(describe) else {}),
            "target": "attribute",
            "attribute": self._spec,
            "top_k": self._top_k,
        }

    async def ask(self, case: Case) -> Response:
        """Returns the engine's answer, or the retriever's passages."""
        try:
            if hasattr(self._target, "ask"):
                response = await self._target.ask(case)
                assert isinstance(response, Response)
                return response
            if hasattr(self._target, "retrieve"):
                nodes = await asyncio.to_thread(self._target.retrieve, case.question)
                passages = self._passages(nodes)
                return Response("", True, answerer="none", citations=None, passages=passages)
            result = await asyncio.to_thread(self._target.query, case.question)
        except CaseFailed:
            raise
        except Exception as error:  # any exception of foreign code fails this case
            raise CaseFailed(f"{type(error).__name__}: {error}") from error
        return _engine_response(str(result), self._passages(getattr(result, "source_nodes", ())))

    def _passages(self, nodes: Sequence[Any]) -> tuple[Passage, ...]:  # Any: llama-index's nodes
        passages = []
        for rank, scored in enumerate(nodes[: self._top_k], start=1):
            node = scored.node
            name = next((node.metadata[k] for k in _SOURCE_KEYS if k in node.metadata), None)
            source = None if name is None else self._corpus.relative_path(str(name))
            text = node.get_content(metadata_mode="none")
            start = self._locate(source, text, getattr(node, "start_char_idx", None))
            score = float(scored.score) if scored.score is not None else 0.0
            passages.append(Passage(rank, source, start, start + len(text), text, score))
        return tuple(passages)

    def _locate(self, source: str | None, text: str, claimed_start: int | None) -> int:
        """Returns the text's offset: the node's own if correct, else the first occurrence."""
        source_text = self._corpus.text(source) if source is not None else None
        if source_text is None:
            return claimed_start or 0
        if claimed_start is not None and source_text.startswith(text, claimed_start):
            return claimed_start
        return max(source_text.find(text), 0)

    async def text(self, source: str) -> str | None:
        """Returns the text from your own target, else of the corpus's file."""
        own_text = getattr(self._target, "text", None)
        if callable(own_text):
            text = await own_text(source)
            return None if text is None else str(text)
        return self._corpus.text(source)

    async def close(self) -> None:
        """Closes your own target; llama-index's objects need no closing."""
        close = getattr(self._target, "close", None)
        if callable(close) and hasattr(self._target, "ask"):
            await close()


def _engine_response(text: str, passages: tuple[Passage, ...]) -> Response:
    """Counts all passages of a query engine as cited, since it reports nothing finer."""
    answered = bool(text.strip()) and text.strip() != "Empty Response"
    citations = tuple(
        Citation(p.rank, p.source, p.start, p.end, p.text) for p in passages if p.source is not None
    )
    return Response(text, answered, citations=citations if answered else (), passages=passages)


def _import_target(spec: str) -> Any:  # Any: a foreign object
    module, _, name = spec.partition(":")
    try:
        target = getattr(importlib.import_module(module), name)
        if not _is_measurable(target) and callable(target):
            target = target()  # a factory function
    except Exception as error:  # any exception that importing a foreign module raises
        cause = f"{type(error).__name__}: {error}"
        raise TargetUnavailable(f"{spec} cannot be loaded ({cause})") from error
    if not _is_measurable(target):
        raise TargetUnavailable(f"{spec} has no method {', '.join(_MEASURABLE)}")
    return target


def _is_measurable(target: object) -> bool:
    return not isinstance(target, type) and any(hasattr(target, name) for name in _MEASURABLE)
