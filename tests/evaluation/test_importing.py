"""Other question sets become cases whose evidence is in the sources of the set."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest

from rag.evaluation.cases import Case
from rag.evaluation.errors import CasesMalformed
from rag.evaluation.importing import (
    Imported,
    SourceSentence,
    draft_cloze,
    draft_with_model,
    import_cases,
    import_feedback,
    select_sentences,
    write_sources,
)
from rag.model.protocol import Message, ModelEnd, ModelText

PARAGRAPH = "The lake is 12 metres deep. It freezes in January."


def quotes_are_in_sources(imported: Imported) -> bool:
    """Whether every quote is in its source."""
    return all(
        e.quote in imported.sources[e.source] for case in imported.cases for e in case.evidence
    )


def test_squad(tmp_path: Path) -> None:
    answerable = {"id": "1", "question": "How deep?", "answers": [{"text": "12 metres"}] * 2}
    impossible = {"id": "2", "question": "Whose?", "answers": [], "is_impossible": True}
    article = {
        "title": "../A/lake",
        "paragraphs": [{"context": PARAGRAPH, "qas": [answerable, impossible, answerable]}],
    }
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "2.0", "data": [article]}))
    imported = import_cases("squad", path)
    assert [(c.answers, c.answerable) for c in imported.cases] == [
        (("12 metres",), True),
        ((), False),
    ]
    assert imported.skipped == ["1: duplicate id"]
    assert list(imported.sources) == ["A_lake.txt"]
    assert quotes_are_in_sources(imported)
    write_sources(tmp_path / "corpus", imported.sources)
    assert [p.name for p in (tmp_path / "corpus").iterdir()] == ["A_lake.txt"]
    with pytest.raises(FileExistsError):
        write_sources(tmp_path / "corpus", imported.sources)


def test_beir(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        json.dumps({"_id": "d1", "title": "Lake", "text": PARAGRAPH})
        + "\n"
        + json.dumps({"_id": "d2", "title": "", "text": "Nothing."})
    )
    (tmp_path / "queries.jsonl").write_text(
        json.dumps({"_id": "q1", "text": "How deep?"})
        + "\n"
        + json.dumps({"_id": "q2", "text": "x"})
    )
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\nq2\td2\t0\n"
    )
    imported = import_cases("beir", tmp_path)
    (case,) = imported.cases
    assert case.answers == ()
    assert [e.source for e in case.evidence] == ["d1.md"]
    assert imported.sources["d1.md"] == f"# Lake\n\n{PARAGRAPH}\n"
    assert quotes_are_in_sources(imported)


def test_clapnq(tmp_path: Path) -> None:
    passages = [{"title": "Lake", "text": PARAGRAPH, "sentences": []}]
    one = {"answer": "12 metres", "selected_sentences": ["The lake is 12 metres deep."]}
    two = {"answer": "", "selected_sentences": []}
    path = tmp_path / "clapnq.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"id": i, "input": "How deep?", "passages": passages, "output": [output]})
            for i, output in (("1", one), ("2", two))
        )
    )
    imported = import_cases("clapnq", path)
    assert [c.answerable for c in imported.cases] == [True, False]
    assert imported.cases[0].evidence[0].quote == "The lake is 12 metres deep."
    assert imported.sources == {"Lake.txt": f"{PARAGRAPH}\n"}
    assert quotes_are_in_sources(imported)


def test_feedback(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    cited = [{"source": "lake.txt", "quote": PARAGRAPH}]
    entries = [
        {"rating": "up", "question": "How deep?", "answer": "12 metres. [1]", "citations": cited},
        {"rating": "down", "question": "When?", "answer": "May", "correct_answer": "January"},
        {"rating": "down", "question": "Where?", "answer": "Here"},
        {"rating": "up"},
    ]
    path.write_text("\n".join(map(json.dumps, entries)))
    imported = import_cases("feedback", path)
    assert [(c.answers, c.tags) for c in imported.cases] == [
        (("12 metres.",), ("praised", "unverified")),
        (("January",), ("corrected", "unverified")),
    ]
    assert len(imported.skipped) == 2


@pytest.mark.parametrize(
    ("entry", "trust", "tags"),
    [
        ({"words": "service", "by": "widget"}, ("service", "service", "widget"), ["praised"]),
        ({"words": "client"}, ("client", "client", "unknown"), ["praised", "unverified"]),
        (
            {"words": "service", "by": "key:ab12cd34", "rating": "down", "correct_answer": "13"},
            ("service", "client", "key:ab12cd34"),
            ["corrected", "unverified"],
        ),
    ],
    ids=["logged", "sent", "corrected"],
)
def test_a_case_from_feedback_says_whose_words_it_holds(
    entry: dict[str, str], trust: tuple[str, str, str], tags: list[str]
) -> None:
    given = {"rating": "up", "question": "How deep?", "answer": "12 metres.", **entry}
    (case,) = import_feedback([given]).cases
    exported = case.to_json()
    assert exported["trust"] == dict(zip(("question", "gold", "by"), trust, strict=True))
    assert exported["tags"] == tags


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(
        "\ufeffID,Question,Answers,Source,Quote,Answerable,Tags\r\n"
        'a,"How deep, exactly?",12 metres|twelve metres,lake.txt,"It is 12 metres deep.",,x|y\r\n'
        "b,Whose?,,,,no,\r\n"
        ",,,,,,\r\n",
        encoding="utf-8",
    )
    imported = import_cases("csv", path)
    assert imported.cases[0].answers == ("12 metres", "twelve metres")
    assert imported.cases[0].tags == ("x", "y")
    assert not imported.cases[1].answerable
    assert len(imported.skipped) == 1


@pytest.mark.parametrize("start", ["", "sep=;\r\n"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_may_be_separated_by_semicolons_or_tabs(
    tmp_path: Path, start: str, delimiter: str
) -> None:
    path = tmp_path / "cases.csv"
    rows = (("Question", "Answers", "Tags"), ("How deep, in metres?", "1,5|12", "a, b"))
    lines = "".join(delimiter.join(row) + "\r\n" for row in rows)
    path.write_text("\ufeff" + start + lines, encoding="utf-8", newline="")
    (case,) = import_cases("csv", path).cases
    assert (case.question, case.answers) == ("How deep, in metres?", ("1,5", "12"))


@pytest.mark.parametrize("kind", ["squad", "beir", "clapnq", "feedback", "csv"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b"a,b\n1,2\n"])
def test_a_malformed_set_is_refused(tmp_path: Path, kind: str, content: bytes) -> None:
    path = tmp_path / "set"
    path.write_bytes(content)
    with pytest.raises(CasesMalformed):
        import_cases(kind, path)


SENTENCES = [
    SourceSentence("a.txt", "In the winter of 1997 the whole lake was frozen for weeks."),
    SourceSentence("a.txt", "Too short, 5."),
    SourceSentence("a.txt", "It has no figure and not one name in it, which is a great pity."),
    SourceSentence(
        "b.txt", "The plant was opened by the mayor, Jane Newman Smith, after a long delay."
    ),
]


def test_cloze_questions_omit_their_answer() -> None:
    picked = select_sentences(SENTENCES, 10, seed=1)
    cases = [Case.from_json(line) for line in draft_cloze(picked)]
    assert {case.answers[0] for case in cases} == {"1997", "Jane Newman Smith"}
    assert all(case.answers[0] not in case.question for case in cases)
    assert all(case.raw["draft"] is True for case in cases)
    assert select_sentences(SENTENCES, 1, seed=1) == select_sentences(SENTENCES, 1, seed=1)


class Replies:
    """A chat model with fixed replies, in order."""

    name = "fixed"

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)

    async def stream(
        self, messages: Sequence[Message]
    ) -> AsyncGenerator[ModelText | ModelEnd, None]:
        yield ModelText(self.replies.pop(0))
        yield ModelEnd("stop", None)

    async def close(self) -> None:
        pass


def test_a_models_draft_is_used_only_if_its_answer_is_in_the_sentence() -> None:
    model = Replies(
        '```json\n{"question": "When did it freeze?", "answer": "1997"}\n```',
        '{"question": "When?", "answer": "2001"}',
        "I cannot.",
    )

    async def collect() -> list[object]:
        return [line async for line in draft_with_model([SENTENCES[0]] * 3, model)]

    first, *others = asyncio.run(collect())
    assert isinstance(first, dict)
    assert Case.from_json(first).answers == ("1997",)
    assert others == [None, None]
