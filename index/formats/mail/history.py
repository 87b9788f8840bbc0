"""Which paragraphs of a mail quote an earlier one: `> …`, “On … wrote:”, Outlook's header block.

A quotation is left out where most of its sentences stand in another message of the same file, or
in a quotation that was kept; sentences are compared by their words, since quoting wraps lines.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_LINE_CHARS = 500
"""Of a line that may begin a quotation; a longer one is text."""
_MAX_ATTRIBUTION_LINES = 3
_MAX_HEADER_LINES = 8
_SEEN_SHARE = 0.6
"""Of a quotation's characters, in sentences that stand elsewhere."""

_MARKS = re.compile(r"[ \t]?>(?:[ \t]?>)*[ \t]?")
_ATTRIBUTION = re.compile(
    r"(?:On\b.* wrote|Am\b.* schrieb\b.*|Le\b.* a écrit|El\b.* escribió|Il\b.* ha scritto"
    r"|Op\b.* schreef\b.*|Em\b.* escreveu|在.*写道"
    r"|.{1,200}@.{1,200} (?:wrote|schrieb|a écrit|escribió))"
    r"[ \u00a0]?[:：]$",
    re.IGNORECASE,
)
_ATTRIBUTION_START = re.compile(r"(?:On|Am|Le|El|Il|Op|Em)\b.*\d|在.*\d", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"[-_]{2,}[ ]?(?:Original[ -]?(?:Message|Nachricht|bericht)|Ursprüngliche Nachricht"
    r"|Message d['’]origine|Mensaje original|Messaggio originale|Mensagem original|原始邮件"
    r"|Forwarded message|Weitergeleitete Nachricht|Message transféré|Mensaje reenviado)"
    r"[ ]?[-_]{2,}$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\*?(?:From|Von|De|Da|Van|发件人)\*?[ \u00a0]?\*?[:：]\*?[ \u00a0]?\S", re.IGNORECASE
)
_SENT = re.compile(
    r"\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado(?: el)?|Fecha|Inviato|Verzonden|Data"
    r"|发送时间|日期)(?: le| el)?\*?[ \u00a0]?\*?[:：]",
    re.IGNORECASE,
)
_HEADER_LINE = re.compile(r"\*?[^\W\d_][\w' -]{1,20}\*?[ \u00a0]?\*?[:：]")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|(?<=[。！？])|\n[ \t]*\n")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph's text without quotation marks; `introduces` says that what follows is quoted."""

    text: str
    is_quoted: bool = False
    introduces: bool = False


def mark_quotations(lines: Sequence[str], *, join: bool) -> list[Paragraph]:
    """Returns the paragraphs of a mail's lines; `join`: up to a blank line, else of a line each."""
    paragraphs: list[Paragraph] = []
    open_lines: list[str] = []
    was_quoted = False
    for line, is_quoted, introduces in _classify(lines):
        ends = introduces or not line.strip() or not join or is_quoted != was_quoted
        if ends and open_lines:
            paragraphs.append(Paragraph("\n".join(open_lines).strip(), was_quoted))
            open_lines = []
        was_quoted = is_quoted
        if introduces:
            paragraphs.append(Paragraph(line.strip(), is_quoted, introduces=True))
        elif line.strip():
            open_lines.append(line.rstrip())
    if open_lines:
        paragraphs.append(Paragraph("\n".join(open_lines).strip(), was_quoted))
    return paragraphs


def is_introduction(block: str) -> bool:
    """Whether a paragraph of HTML introduces a quotation; its lines may have become one."""
    if len(block) > MAX_LINE_CHARS:
        return False
    is_header = bool(_FROM.match(block) and re.search(rf"\s{_SENT.pattern}", block, re.IGNORECASE))
    return is_header or _introduction(block.splitlines(), 0, block.partition("\n")[0]) > 0


def _classify(lines: Sequence[str]) -> Iterator[tuple[str, bool, bool]]:
    """Yields each line without its marks, is it quoted, and does it introduce a quotation."""
    is_history = False
    index = 0
    while index < len(lines):
        line = lines[index]
        marks = _MARKS.match(line)
        text = line[marks.end() :] if marks else line
        is_quoted = is_history or marks is not None
        count = _introduction(lines, index, text)
        if count:
            joined = " ".join(_unmarked(part).strip() for part in lines[index : index + count])
            yield joined, is_quoted, True
            index += count
            while index < len(lines) and not lines[index].strip():
                index += 1
            following = lines[index] if index < len(lines) else ""
            is_history = is_history or not (marks or _MARKS.match(following))
        else:
            yield text, is_quoted, False
            index += 1


def _unmarked(line: str) -> str:
    marks = _MARKS.match(line)
    return line[marks.end() :] if marks else line


def _introduction(lines: Sequence[str], index: int, text: str) -> int:
    """Returns of how many lines, from one on, the words that introduce a quotation are; or 0."""
    text = text.strip()
    if not text or len(text) > MAX_LINE_CHARS:
        return 0
    if _SEPARATOR.match(text) or _ATTRIBUTION.match(text):
        return 1
    if _FROM.match(text):
        return _header_lines(lines, index)
    if not _ATTRIBUTION_START.match(text):
        return 0
    for count in range(2, _MAX_ATTRIBUTION_LINES + 1):
        text += " " + " ".join(_short_lines(lines, index + count - 1, 1))
        if len(text) <= MAX_LINE_CHARS and _ATTRIBUTION.match(text):
            return count
    return 0


def _header_lines(lines: Sequence[str], index: int) -> int:
    """Returns the number of lines of a header block; 0 where it has no date."""
    block = _short_lines(lines, index, _MAX_HEADER_LINES)
    count = next((n for n, line in enumerate(block) if not _HEADER_LINE.match(line)), len(block))
    return count if any(map(_SENT.match, block[1:count])) else 0


def _short_lines(lines: Sequence[str], index: int, count: int) -> list[str]:
    """Returns lines without marks and blanks, each cut where it is too long for an introduction."""
    return [_unmarked(line[:MAX_LINE_CHARS]).strip() for line in lines[index : index + count]]


@dataclass(slots=True)
class History:
    """The sentences that stand in the messages of a file, by their words."""

    seen: set[int] = field(default_factory=set)

    def add(self, text: str) -> None:
        """Remembers the sentences of a text."""
        self.seen.update(key for key, _ in _sentences(text))

    def keep(self, paragraphs: Sequence[Paragraph]) -> list[bool]:
        """Returns which paragraphs are to be kept: all but quotations of what was seen before.

        What introduces a quotation stays where the quotation does.
        """
        kept: list[bool] = []
        for paragraph in paragraphs:
            kept.append(not (paragraph.is_quoted and self._is_seen(paragraph.text)))
            if kept[-1] and paragraph.is_quoted and not paragraph.introduces:
                self.add(paragraph.text)
        follows = False
        for index in range(len(paragraphs) - 1, -1, -1):
            if paragraphs[index].introduces:
                kept[index] = follows
            elif paragraphs[index].is_quoted:
                follows = kept[index]
            else:
                follows = False
        return kept

    def _is_seen(self, text: str) -> bool:
        seen = total = 0
        for key, length in _sentences(text):
            total += length
            seen += length if key in self.seen else 0
        return seen >= _SEEN_SHARE * total


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yields a key of each sentence's words, and their length."""
    for sentence in _SENTENCE_END.split(text):
        words = " ".join(_WORD.findall(sentence.lower()))
        if words:
            yield hash(words), len(words)
