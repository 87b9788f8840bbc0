"""A model's text without the reasoning that local models write into it, and without their tokens.

`<think>…</think>` and its kin, wherever they stand, and the channels of gpt-oss. Some templates
open the tag themselves, so that `</think>` comes alone: all before it was reasoning, which is known
too late the first time, and waited for from then on. The time is linear in the length.
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
"""`<|im_end|>`, `<|eot_id|>` and the like, which a server should have kept to itself."""
_TOKEN = re.compile("|".join([*map(re.escape, _TOKENS), _STRAY]))
_BEGUN = re.compile(r"<\|?\w{0,20}\|?")
_LONGEST = max(map(len, _TOKENS))


class Thoughts:
    """Feed it the text as it comes; it returns what is answer, as soon as that is certain."""

    def __init__(self, *, is_unopened: bool = False) -> None:
        """`is_unopened`: is the model known to begin with reasoning that no tag opens?"""
        self._waits, self._kept = is_unopened, ""
        self._held = ""
        self._closer: str | None = None
        self._has_said = False
        self.leaked = False
        """Has reasoning been let out, since no tag opened it?"""

    def feed(self, text: str) -> str:
        """Returns the piece of the answer that is certain now."""
        self._held += text
        said = ""
        while True:
            if self._closer and not self._skip(self._closer):
                return self._let_out(said)
            token = _TOKEN.search(self._held)
            if token is None:
                break
            before, self._held = said + self._held[: token.start()], self._held[token.end() :]
            said = self._past(token.group(), before)
        whole = len(self._held) - _pending(self._held)
        said, self._held = said + self._held[:whole], self._held[whole:]
        return self._let_out(said)

    def finish(self) -> str:
        """Returns what was held back; nothing when the thinking never ended."""
        self._waits = False
        said = "" if self._closer else self._kept + self._held
        self._held = self._kept = ""
        return self._let_out(said)

    def _skip(self, closer: str) -> bool:
        """Drops reasoning up to its end; False where that has not come."""
        _, closed, after = self._held.partition(closer)
        self._held = after if closed else self._held[1 - len(closer) :]
        if closed:
            self._closer, self._waits, self._kept = None, False, ""
        return bool(closed)

    def _past(self, token: str, before: str) -> str:
        """Returns what of the text before a token is answer."""
        if token in _ENDS:
            self._closer = _ENDS[token]
        elif token in _CLOSERS:  # nothing opened it
            self.leaked = self.leaked or self._has_said
            self._waits, self._kept = False, ""
            return ""
        return before

    def _let_out(self, said: str) -> str:
        if self._waits:
            self._kept += said
            return ""
        said = said if self._has_said else said.lstrip()
        self._has_said = self._has_said or bool(said)
        return said


def _pending(text: str) -> int:
    """How many characters at the end may be the beginning of a token."""
    for at in range(max(0, len(text) - _LONGEST), len(text)):
        if text[at] in "<[":
            rest = text[at:]
            if _BEGUN.fullmatch(rest) or any(token.startswith(rest) for token in _TOKENS):
                return len(rest)
    return 0
