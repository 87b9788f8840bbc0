"""An answer as text: itself, its warnings, its citations and, of a refusal, what comes nearest."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from ...wire.escape import escape
from .terminal import PLAIN, Style

NEAREST_PASSAGES = 3
"""How many passages are shown with a refusal."""
NEAREST_CHARS = 160
HIT_CHARS = 300
INDENT = "    "
_HEADING = re.compile(r"\A#{1,6} [^\n]*\Z|\n[-|: ]+\Z")
"""A markdown heading, or the header row of a table and its separator (as in the widget)."""
_LEADING_HEADING = re.compile(r"\A#{1,6} [^\n]*\n+")
_MARKER = re.compile(r"\[([0-9]{1,6})\]")
_STATUS_TEXT = {"unsupported": "not supported", "uncited": "no source given"}


def format_answer(answer: dict[str, Any], *, width: int | None = None, style: Style = PLAIN) -> str:
    """Returns an answer as text: the answer, its warnings, its citations and its verdict.

    Prose is wrapped between words at `width` columns, if one is given.
    """
    blocks = [_format_text(answer, width, style)]
    warnings = "\n".join(_wrap(line, width, "  ") for line in _warnings(answer))
    blocks.append(style.paint(warnings, "yellow"))
    if listed := answer.get("sources"):
        paths = [
            style.link(_wrap(f"{INDENT}{one['source']}", width, INDENT), one) for one in listed
        ]
        blocks.append("\n".join(["Files:", *paths]))
    blocks += [
        _format_reference(f"[{one['n']}]", one, _location(one), one["quote"], width, style)
        for one in answer["citations"]
    ]
    if not answer["answered"]:
        blocks += _format_refusal(answer, width, style)
    elif {sentence["status"] for sentence in _statements(answer)} - {"remark"} == {"supported"}:
        verdict = _wrap("Every sentence is supported by its citations.", width, "")
        blocks.append(style.paint(verdict, "green"))
    return "\n\n".join(block for block in blocks if block)


def _format_text(answer: dict[str, Any], width: int | None, style: Style) -> str:
    """Returns the answer's own text, its markers as links."""
    answer_width = width if answer["format"] == "text" else None  # markdown keeps its lines
    cited = {str(citation["n"]): citation for citation in answer["citations"]}

    def link_marker(match: re.Match[str]) -> str:
        citation = cited.get(match[1])
        return style.link(style.paint(match[0], "cyan"), citation) if citation else match[0]

    return _MARKER.sub(link_marker, _wrap(answer["answer"], answer_width, ""))


def _format_refusal(answer: dict[str, Any], width: int | None, style: Style) -> Iterator[str]:
    suffix = " Nearest passages:" if answer["passages"] else ""
    reason = _wrap(f"Not answered: {answer['reason']}.{suffix}", width, "")
    yield style.paint(reason, "yellow", bold=True)
    for passage in answer["passages"][:NEAREST_PASSAGES]:
        yield format_passage(passage, NEAREST_CHARS, width, style)
    if suggested := answer.get("suggestions"):
        lines = [_wrap(f"{INDENT}{one}", width, INDENT) for one in suggested]
        yield "\n".join(["The articles answer:", *lines])


def _warnings(answer: dict[str, Any]) -> Iterator[str]:
    for conflict in answer.get("conflicts", ()):
        numbers = "".join(f"[{n}]" for n in conflict["citations"])
        yield f"! The sources disagree: {numbers}"
    if answer["degraded"]:
        yield "! The language model failed; the answer quotes the sources instead."
    if answer.get("tentative"):
        yield "! It is not certain that this answers the question."
    for sentence in _statements(answer):
        if sentence["status"] in _STATUS_TEXT:
            reason = f": {sentence['why']}" if sentence["why"] else ""
            status = _STATUS_TEXT[sentence["status"]]
            yield f"! {status}{reason} — {' '.join(sentence['text'].split())}"


def _statements(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the sentences of the answer without headings and table headers."""
    return [
        sentence
        for sentence in answer["sentences"]
        if sentence["status"] != "uncited" or not _HEADING.search(sentence["text"].strip())
    ]


def _location(citation: dict[str, Any]) -> str:
    source, page = citation["source"], citation["page"]
    return f"{source}, page {page}" if page else f"{source}:{citation['line']}"


def format_passage(
    passage: dict[str, Any], max_chars: int, width: int | None, style: Style = PLAIN
) -> str:
    """Returns a passage with its rank, title, path and score, and at most `max_chars` of it."""
    location = f"{passage['source']}, score {passage['score']:.2f}"
    excerpt = textwrap.shorten(
        _LEADING_HEADING.sub("", passage["text"]), max_chars, placeholder=" …"
    )
    return _format_reference(f"{passage['rank']}.", passage, location, excerpt, width, style)


def _format_reference(
    label: str, passage: dict[str, Any], location: str, quote: str, width: int | None, style: Style
) -> str:
    """Returns `[1] Title · Heading`, the location and the quote, each on its own line."""
    has_title = passage["title"] != PurePosixPath(passage["source"]).stem  # else the path says it
    names = [passage["title"]] * has_title + [passage["heading"] or ""]
    names.append(passage.get("date") or "")
    title = " ".join(" · ".join(name for name in names if name).split())
    lines = [*([title] if title else []), location.replace("\n", " "), f"“{quote}”"]
    lines = [f"{label} {lines[0]}", *(INDENT + line for line in lines[1:])]
    *titles, place, quoted = [_wrap(line, width, INDENT) for line in lines]
    titles = [style.paint(one, bold=True) for one in titles]
    return "\n".join([*titles, style.link(style.paint(place, "cyan"), passage), quoted])


def _wrap(text: str, width: int | None, indent: str) -> str:
    """Returns `text`, safe to print, with every line but the first indented."""
    first, *rest = escape(text).split("\n")
    lines = [first, *(indent + line for line in rest)]
    if width is None:
        return "\n".join(lines)
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(wrapper.fill(line) for line in lines)
