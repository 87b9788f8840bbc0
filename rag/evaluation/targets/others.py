"""What else can be measured: a llama-index retriever or query engine, a model without any source.

A rival is measured by the same ruler: its passages are placed in the corpus's own text, where the
gold evidence is. A retriever alone answers nothing, so only its ranking counts. Nothing here
imports llama-index: an object that retrieves or queries as its objects do will do.
"""

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import AnswerError
from ...model.openai_chat import ChatModel, Message, ModelEnd, ModelText
from ...types import Usage
from ..cases import Case
from ..errors import CaseFailed, TargetUnavailable
from ..results import Cited, Passage, Response

CLOSED_BOOK = (
    "Answer the question in a few words from what you know. Say NO_ANSWER and nothing else if you "
    "do not know the answer."
)
CLOSED_BOOK_VERSION = "closed-book-1"
_DECLINED = "NO_ANSWER"
_NAMES = ("source", "file_path", "file_name")


class FolderTexts:
    """The texts of a corpus folder, as the index reads `.txt` and `.md` files."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder no source is known."""
        self.folder = folder
        self.text = lru_cache(256)(self._text)

    def _text(self, source: str) -> str | None:
        if self.folder is None:
            return None
        path = self.folder / source
        if not path.resolve().is_relative_to(self.folder.resolve()):
            return None
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return file.read()
        except (OSError, UnicodeDecodeError, ValueError):
            return None

    def name(self, given: str) -> str:
        """Returns a path below the folder for what a node says of its file."""
        path = Path(given)
        if self.folder is not None and path.is_absolute():
            try:
                return path.resolve().relative_to(self.folder.resolve()).as_posix()
            except ValueError:
                return path.name
        return path.as_posix()


class AttributeTarget:
    """A retriever, a query engine or a target of one's own, found as `module:attribute`."""

    def __init__(self, spec: str, *, texts: FolderTexts, top_k: int) -> None:
        """Imports the module; raises TargetUnavailable where it has no such thing."""
        self._spec, self._texts, self._top_k = spec, texts, top_k
        self._found = _attribute(spec)

    def described(self) -> Mapping[str, object]:
        """Returns the attribute's name; what lies behind it is its author's to keep the same."""
        own = getattr(self._found, "described", None)
        return {
            **(own() if callable(own) else {}),
            "target": "attribute",
            "attribute": self._spec,
            "top_k": self._top_k,
        }

    async def ask(self, case: Case) -> Response:
        """Returns the engine's answer, or what the retriever found."""
        try:
            if hasattr(self._found, "ask"):
                made = await self._found.ask(case)
                assert isinstance(made, Response)
                return made
            if hasattr(self._found, "retrieve"):
                nodes = await asyncio.to_thread(self._found.retrieve, case.question)
                return Response("", True, answerer="none", citations=None, passages=self._of(nodes))
            said = await asyncio.to_thread(self._found.query, case.question)
        except CaseFailed:
            raise
        except Exception as error:  # whatever somebody else's code raises fails this case
            raise CaseFailed(f"{type(error).__name__}: {error}") from error
        return self._answered(str(said), self._of(getattr(said, "source_nodes", ())))

    def _answered(self, text: str, passages: tuple[Passage, ...]) -> Response:
        """What an engine used counts as cited, since it says no more than that."""
        answered = bool(text.strip()) and text.strip() != "Empty Response"
        cited = tuple(
            Cited(p.rank, p.source, p.start, p.end, p.text)
            for p in passages
            if p.source is not None
        )
        return Response(text, answered, citations=cited if answered else (), passages=passages)

    def _of(self, nodes: Sequence[Any]) -> tuple[Passage, ...]:  # Any: llama-index's nodes
        found = []
        for rank, scored in enumerate(nodes[: self._top_k], start=1):
            node = scored.node
            named = next((node.metadata[n] for n in _NAMES if n in node.metadata), None)
            source = None if named is None else self._texts.name(str(named))
            text = node.get_content(metadata_mode="none")
            start = self._place(source, text, getattr(node, "start_char_idx", None))
            score = float(scored.score) if scored.score is not None else 0.0
            found.append(Passage(rank, source, start, start + len(text), text, score))
        return tuple(found)

    def _place(self, source: str | None, text: str, said: int | None) -> int:
        """Where the node's text stands: at the offset it says if true, else where it is found."""
        whole = self._texts.text(source) if source is not None else None
        if whole is None:
            return said or 0
        if said is not None and whole.startswith(text, said):
            return said
        return max(whole.find(text), 0)

    async def text(self, source: str) -> str | None:
        """Returns the text of the corpus's file."""
        own = getattr(self._found, "text", None)
        if callable(own):
            found = await own(source)
            return None if found is None else str(found)
        return self._texts.text(source)

    async def close(self) -> None:
        """Closes a target of one's own; llama-index's objects have nothing to close."""
        own = getattr(self._found, "close", None)
        if callable(own) and hasattr(self._found, "ask"):
            await own()


def _attribute(spec: str) -> Any:  # Any: somebody else's object
    module, _, name = spec.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
        if not _measurable(found) and callable(found):
            found = found()  # a function that builds it
    except Exception as error:  # whatever importing somebody else's module raises
        said = f"{type(error).__name__}: {error}"
        raise TargetUnavailable(f"{spec} cannot be loaded ({said})") from error
    if not _measurable(found):
        raise TargetUnavailable(f"{spec} has none of ask, retrieve and query")
    return found


def _measurable(found: object) -> bool:
    return not isinstance(found, type) and any(
        hasattr(found, name) for name in ("ask", "retrieve", "query")
    )


class ClosedBookTarget:
    """A model that answers from memory: what it knows of the set already (contamination)."""

    def __init__(self, model: ChatModel, *, texts: FolderTexts) -> None:
        """`texts` only serve to say which evidence there is."""
        self._model, self._texts = model, texts

    def described(self) -> Mapping[str, object]:
        """Returns the model and the version of the prompt."""
        return {
            "target": "closed book",
            "model": self._model.name,
            "prompt": CLOSED_BOOK_VERSION,
        }

    async def ask(self, case: Case) -> Response:
        """Returns the model's own answer."""
        turns = [Message(turn.role, turn.content) for turn in case.history]
        messages = [Message("system", CLOSED_BOOK), *turns, Message("user", case.question)]
        text, usage = "", None
        try:
            async for item in self._model.stream(messages):
                if isinstance(item, ModelText):
                    text += item.text
                elif isinstance(item, ModelEnd):
                    usage = _counted(item.usage)
        except AnswerError as error:
            raise CaseFailed(str(error)) from error
        declined = _DECLINED in text
        return Response(
            answer=text.strip(),
            answered=not declined,
            reason="model_declined" if declined else None,
            model=self._model.name,
            citations=None,
            passages=None,
            usage=usage,
        )

    async def text(self, source: str) -> str | None:
        """Returns the text of the corpus's file."""
        return self._texts.text(source)

    async def close(self) -> None:
        """Gives up the model's connections."""
        await self._model.close()


def _counted(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }
