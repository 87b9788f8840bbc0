"""The report as JUnit XML: a test case for each case, so that any CI shows what broke."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from ..metrics.score import FAILURES, Scored
from ..summary import Results

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Results) -> str:
    """Returns the XML; its name is the configuration's, its time the sum of the cases'."""
    scored = results.scored
    errors = sum(s.failure == "error" for s in scored)
    suite = ElementTree.Element(
        "testsuite",
        name=f"footnote eval {results.summary['config_sha256'][:12]}",
        tests=str(len(scored)),
        failures=str(sum(s.failure is not None for s in scored) - errors),
        errors=str(errors),
        time=_seconds(scored),
    )
    for s in scored:
        _case(suite, s)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ElementTree.Element, s: Scored) -> None:
    case = s.sample.case
    made = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_clean(case.tags[0] if case.tags else "case"),
        name=_clean(f"{case.id}: {case.question}"),
        time=_seconds([s]),
    )
    if s.failure is None:
        return
    kind = "error" if s.failure == "error" else "failure"
    response = s.sample.response
    said = s.sample.error if response is None else response.answer
    fault = ElementTree.SubElement(made, kind, type=s.failure, message=FAILURES[s.failure])
    wanted = " | ".join(case.answers) if case.answerable else "a refusal"
    fault.text = _clean(f"expected: {wanted}\nanswered: {said}")


def _seconds(scored: Sequence[Scored]) -> str:
    return f"{sum(s.sample.wall_ms for s in scored) / 1000:.3f}"


def _clean(text: str) -> str:
    """Returns the text without the characters that XML cannot hold."""
    return _FORBIDDEN.sub("�", text)
