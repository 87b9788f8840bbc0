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
        self._awaits_close, self._withheld = is_unopened, list[str]()
        self._buffer = ""
        self._closer: str | None = None
        self._has_output = False
        self.leaked = False
        """Has reasoning been let out, since no tag opened it?"""

    def feed(self, text: str) -> str:
        """Returns the answer text that is certain now."""
        self._buffer += text
        at, answer = 0, list[str]()
        while True:
            if self._closer:
                closed = self._buffer.find(self._closer, at)
                if closed < 0:
                    self._buffer = self._buffer[
                        max(at, len(self._buffer) + 1 - len(self._closer)) :
                    ]
                    return self._release(answer)
                at = closed + len(self._closer)
                self._stop_waiting()
                self._closer = None
            token = _TOKEN.search(self._buffer, at)
            if token is None:
                break
            answer.append(self._buffer[at : token.start()])
            at = token.end()
            if token.group() in _ENDS:
                self._closer = _ENDS[token.group()]
            elif token.group() in _CLOSERS:  # nothing opened it
                self.leaked = self.leaked or self._has_output
                self._stop_waiting()
                answer.clear()
        end = max(at, len(self._buffer) - _partial_token_length(self._buffer))
        answer.append(self._buffer[at:end])
        self._buffer = self._buffer[end:]
        return self._release(answer)

    def finish(self) -> str:
        """Returns the rest; nothing if the reasoning never ended."""
        self._awaits_close = False
        answer = [] if self._closer else [*self._withheld, self._buffer]
        self._buffer = ""
        self._withheld.clear()
        return self._release(answer)

    def _stop_waiting(self) -> None:
        self._awaits_close = False
        self._withheld.clear()

    def _release(self, answer: list[str]) -> str:
        if self._awaits_close:
            self._withheld += answer
            return ""
        text = "".join(answer)
        text = text if self._has_output else text.lstrip()
        self._has_output = self._has_output or bool(text)
        return text


def _partial_token_length(text: str) -> int:
    """Returns how many characters at the end may be the beginning of a token."""
    for at in range(max(0, len(text) - _LONGEST), len(text)):
        if text[at] in "<[":
            rest = text[at:]
            if _TOKEN_PREFIX.fullmatch(rest) or any(token.startswith(rest) for token in _TOKENS):
                return len(rest)
    return 0
