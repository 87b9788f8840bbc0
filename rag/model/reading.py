"""What the chunks of a model's stream amount to: its text, why it ended, the tokens it counted.

The client does not validate what it parsed, so every field is looked at before it is believed.
"""

from ..types import Usage
from .reasoning import ReasoningFilter


class Reading:
    """What the chunks of one answer amount to; whatever has another shape than expected is air."""

    def __init__(self, thoughts: ReasoningFilter) -> None:
        self.finish_reason: str | None = None
        self.has_text = False
        self._thoughts = thoughts
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


def _usage(value: object) -> Usage | None:
    prompt, completion = (
        getattr(value, name, None) for name in ("prompt_tokens", "completion_tokens")
    )
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return Usage(prompt, completion)
