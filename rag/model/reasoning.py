"""Removes the reasoning and control tokens that local models write into their text.

`<think>…</think>` and similar tags anywhere, and gpt-oss's channels. Some chat templates open the
tag themselves, so that `</think>` comes alone and all before it was reasoning: that is known too
late the first time, and waited for from then on. The time is linear in the length.
"""

import re

_ENDS = {
    **{f"<{tag}>": f"</{tag}>" for tag in ("think", "thinking", "thought", "reasoning")},
    "[THINK]": "[/THINK]",
    "<|channel|>analysis<|message|>": "<|channel|>final<|message|>",
    "<|channel|>commentary<|message|>": "<|channel|>final<|message|>",
}
_CLOSERS = frozenset(_ENDS.values())
_DROPPED = ("<|start|>assistant", "</s>")
_TOKENS = (*_ENDS, *_CLOSERS, *_DROPPED)
_STRAY = r"<\|(?!channel|start)\w{2,20}\|>"
"""`<|im_end|>`, `<|eot_id|>` and the like, which a server should have removed."""
_TOKEN = re.compile("|".join([*map(re.escape, _TOKENS), _STRAY]))
_TOKEN_PREFIX = re.compile(r"<\|?\w{0,20}\|?")
_LONGEST = max(map(len, _TOKENS))


class ReasoningFilter:
    """Pass it the text as it comes; it returns the part of the answer that is certain."""

    def __init__(self, *, is_unopened: bool = False) -> None:
        """`is_unopened`: does the model begin with reasoning that no tag opens?"""
        self._awaits_close, self._withheld = is_unopened, ""
        self._buffer = ""
        self._closer: str | None = None
        self._has_output = False
        self.leaked = False
        """Has reasoning been let out, since no tag opened it?"""

    def feed(self, text: str) -> str:
        """Returns the answer text that is certain now."""
        self._buffer += text
        answer = ""
        while True:
            if self._closer and not self._skip_reasoning(self._closer):
                return self._release(answer)
            token = _TOKEN.search(self._buffer)
            if token is None:
                break
            before, self._buffer = (
                answer + self._buffer[: token.start()],
                self._buffer[token.end() :],
            )
            answer = self._handle(token.group(), before)
        end = len(self._buffer) - _partial_token_length(self._buffer)
        answer, self._buffer = answer + self._buffer[:end], self._buffer[end:]
        return self._release(answer)

    def finish(self) -> str:
        """Returns the rest; nothing if the reasoning never ended."""
        self._awaits_close = False
        answer = "" if self._closer else self._withheld + self._buffer
        self._buffer = self._withheld = ""
        return self._release(answer)

    def _skip_reasoning(self, closer: str) -> bool:
        """Drops reasoning up to its closing token; False if that has not come yet."""
        _, closed, after = self._buffer.partition(closer)
        self._buffer = after if closed else self._buffer[1 - len(closer) :]
        if closed:
            self._closer, self._awaits_close, self._withheld = None, False, ""
        return bool(closed)

    def _handle(self, token: str, before: str) -> str:
        """Returns what of the text before the token is answer."""
        if token in _ENDS:
            self._closer = _ENDS[token]
        elif token in _CLOSERS:  # nothing opened it
            self.leaked = self.leaked or self._has_output
            self._awaits_close, self._withheld = False, ""
            return ""
        return before

    def _release(self, answer: str) -> str:
        if self._awaits_close:
            self._withheld += answer
            return ""
        answer = answer if self._has_output else answer.lstrip()
        self._has_output = self._has_output or bool(answer)
        return answer


def _partial_token_length(text: str) -> int:
    """Returns how many characters at the end may be the beginning of a token."""
    for at in range(max(0, len(text) - _LONGEST), len(text)):
        if text[at] in "<[":
            rest = text[at:]
            if _TOKEN_PREFIX.fullmatch(rest) or any(token.startswith(rest) for token in _TOKENS):
                return len(rest)
    return 0
