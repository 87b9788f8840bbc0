"""What the chunks of a model's stream amount to: its text, why it ended, the tokens it counted.

The client does not validate what it parsed, so every field is looked at before it is believed.
"""

from typing import Literal

from .types import Usage

_THINK = "<think>"


class Reading:
    """What the chunks of one answer amount to; whatever has another shape than expected is air."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.has_text = False
        self._thoughts = Thoughts()
        self.usage: Usage | None = None

    def take(self, chunk: object) -> str:
        """Returns the chunk's share of the text; may be empty."""
        self.usage = _usage(getattr(chunk, "usage", None)) or self.usage
        choices = getattr(chunk, "choices", None)
        if self.finish_reason or not isinstance(choices, list) or not choices:
            return ""
        reason = getattr(choices[0], "finish_reason", None)
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        content = getattr(getattr(choices[0], "delta", None), "content", None)
        return self._said(self._thoughts.feed(content)) if isinstance(content, str) else ""

    def rest(self) -> str:
        """Returns text held back to the end."""
        return self._said(self._thoughts.finish())

    def _said(self, text: str) -> str:
        self.has_text = self.has_text or bool(text.strip())
        return text


class Thoughts:
    """Leaves out the `<think>…</think>` that local reasoning models put before their answer."""

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "thinking", "thought", "answering"] = "start"

    def feed(self, text: str) -> str:
        """Returns the piece of the answer that is certain now."""
        self._held += text
        seen = self._held.lstrip()
        if self._state == "start" and seen.startswith(_THINK):
            self._state = "thinking"
        if self._state == "thinking":
            thoughts, closed, answer = self._held.partition("</think>")
            self._held = answer if closed else thoughts[-7:]  # the tag may come in two pieces
            self._state = "thought" if closed else "thinking"
        if self._state == "thought":
            self._held = self._held.lstrip()
        if self._state == "thinking" or not self._held:
            return ""
        if self._state == "start" and _THINK.startswith(seen):
            return ""
        return self.finish()

    def finish(self) -> str:
        """Returns what was held back; nothing when the thinking never ended."""
        text = "" if self._state == "thinking" else self._held
        self._state, self._held = "answering", ""
        return text


def _usage(value: object) -> Usage | None:
    prompt, completion = (
        getattr(value, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(prompt, completion)
