"""The options of OpenAI's chat requests beside the conversation: refused by name, or ignored.

An option that changes what the client will parse, or whose result it waits for, is refused unless
its value asks for what every answer is: one text. Options that only advise a model are ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import ParameterUnsupported

HONOURED = frozenset("messages model stream stream_options".split())
IGNORED = frozenset(
    "frequency_penalty functions logit_bias max_completion_tokens max_tokens metadata "
    "parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning_effort safety_identifier seed service_tier store temperature "
    "tools top_p user verbosity".split()
)
"""`api/README.md` lists them; fields that OpenAI does not document are ignored, too."""


def _is_free_choice(value: object) -> bool:
    """Whether a choice of tools leaves it to the model to call none."""
    if isinstance(value, Mapping) and value.get("type") == "allowed_tools":
        allowed = value.get("allowed_tools")
        value = allowed.get("mode") if isinstance(allowed, Mapping) else value
    return value in (None, "auto", "none")


@dataclass(frozen=True, slots=True)
class _Option:
    """An option: which of its values ask for nothing special, and why others are refused."""

    is_default: Callable[[object], bool]
    cause: str


def _default(*values: object) -> Callable[[object], bool]:
    return lambda value: value is None or value in values


REFUSED: Mapping[str, _Option] = {
    "audio": _Option(_default(), "answers are text, not audio"),
    "function_call": _Option(_is_free_choice, "functions are never called; omit it or send 'none'"),
    "logprobs": _Option(_default(False), "token probabilities are not known"),
    "modalities": _Option(_default([], ["text"]), "answers are text; send ['text'] or omit it"),
    "moderation": _Option(_default(), "nothing is moderated here"),
    "n": _Option(_default(1), "a question has one answer; send 1 or omit it"),
    "response_format": _Option(
        _default({"type": "text"}), "answers are text; JSON or a schema cannot be requested"
    ),
    "stop": _Option(
        _default("", []), "an answer is never cut; search it for the sequence yourself"
    ),
    "tool_choice": _Option(_is_free_choice, "tools are never called; send 'auto' or 'none'"),
    "top_logprobs": _Option(_default(0), "token probabilities are not known"),
    "web_search_options": _Option(_default(), "only the articles are searched, never the web"),
}

NOT_READ = {"image_url": "images are", "input_audio": "audio is", "file": "files are"}
"""The parts of a message that are not read, by type."""


def check_options(options: Mapping[str, object]) -> None:
    """Raises ParameterUnsupported for the first option that cannot be honoured."""
    for name, option in REFUSED.items():
        if not option.is_default(options.get(name)):
            raise ParameterUnsupported(f"body.{name}", option.cause)


def check_has_text(part_types: Sequence[str]) -> None:
    """Raises ParameterUnsupported for a message without text but with other parts."""
    other = next((part_type for part_type in part_types if part_type != "text"), None)
    if other is not None:
        subject = NOT_READ.get(other, f"parts of type {other[:40]!r} are")
        raise ParameterUnsupported("body.messages", f"{subject} not read; ask in words")
