"""Cases from other question sets, from feedback, and drafted from the corpus.

SQuAD (Rajpurkar et al. 2016, 2018), BEIR (Thakur et al. 2021), CLAP NQ (Rosenthal et al. 2024),
the service's own feedback, and CSV. Drafts are written by a model, or are cloze questions (Taylor
1953): a sentence with its number or name blanked. They say `"draft": true`, and a person reviews
them.
"""

import csv
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from ..language.refusals import is_refusal_text
from ..model.protocol import ChatModel, Message, ModelText
from .cases import Case
from .errors import CasesMalformed
from .metrics.matching import strip_markers

Json = dict[str, Any]  # Any: JSON in a foreign schema
_UNSAFE = re.compile(r"[^\w.,()&'-]+")


@dataclass(slots=True)
class Imported:
    """Cases, source texts by path, and a message for each entry that was skipped."""

    cases: list[Case] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    def add(self, lines: Iterable[Json]) -> None:
        """Adds valid cases; of two with one id, the first."""
        ids: set[str] = set()
        for line in lines:
            try:
                case = Case.from_json(line)
            except ValueError as error:
                self.skipped.append(f"{line.get('id') or line.get('question')}: {error}")
                continue
            if case.id in ids:
                self.skipped.append(f"{case.id}: duplicate id")
                continue
            ids.add(case.id)
            self.cases.append(case)


def import_cases(kind: str, path: Path) -> Imported:
    """Returns a set's cases and sources; raises CasesMalformed if it is not of that kind."""
    imported = Imported()
    try:
        imported.add(READERS[kind](path, imported.sources))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"is not a {kind} set ({type(error).__name__}: {str(error)[:120]})"
        raise CasesMalformed(path.name, [(0, cause)]) from error
    if not imported.cases:
        raise CasesMalformed(path.name, [(0, f"contains no usable {kind} question")])
    return imported


def import_feedback(entries: Iterable[Json]) -> Imported:
    """Returns the cases in the service's own feedback; of two on one answer, the first."""
    imported = Imported()
    imported.add(map(_feedback_case, entries, count(1)))
    return imported


def read_squad(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields SQuAD's questions; a source is an article with one paragraph per line."""
    for article in json.loads(path.read_text("utf-8-sig"))["data"]:
        source = f"{_file_name(article['title'])}.txt"
        contexts = [paragraph["context"] for paragraph in article["paragraphs"]]
        sources[source] = sources.get(source, "") + "".join(f"{text}\n" for text in contexts)
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                answerable = not entry.get("is_impossible", False)
                answers = [a["text"] for a in entry["answers"]] if answerable else []
                evidence = {"source": source, "quote": paragraph["context"]}
                yield {
                    "id": entry["id"],
                    "question": entry["question"],
                    "answers": list(dict.fromkeys(answers)),
                    "evidence": [evidence] if answerable else [],
                    "answerable": answerable,
                    "group": article["title"],
                }


def read_beir(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields a BEIR folder's queries; evidence is the whole text of the relevant documents."""
    texts: dict[str, str] = {}
    for document in _json_lines(path / "corpus.jsonl"):
        title, text = " ".join(document.get("title", "").split()), document["text"]
        texts[document["_id"]] = text
        heading = f"# {title}\n\n" if title else ""
        sources[f"{_file_name(document['_id'])}.md"] = f"{heading}{text}\n"
    relevant: dict[str, list[str]] = {}
    qrels = (path / "qrels" / f"{name}.tsv" for name in ("test", "dev", "train"))
    with next(p for p in qrels if p.exists()).open(encoding="utf-8", newline="") as file:
        for query_id, document_id, grade in list(csv.reader(file, delimiter="\t"))[1:]:
            if int(grade) > 0:
                relevant.setdefault(query_id, []).append(document_id)
    for query in _json_lines(path / "queries.jsonl"):
        if ids := relevant.get(query["_id"]):
            yield {
                "id": query["_id"],
                "question": query["text"],
                "answers": [],
                "evidence": [{"source": f"{_file_name(i)}.md", "quote": texts[i]} for i in ids],
                "answerable": True,
                "group": query["_id"],
            }


def read_clapnq(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields CLAP NQ's questions; evidence is the sentences that its annotators selected."""
    for entry in _json_lines(path):
        passage, output = entry["passages"][0], entry["output"][0]
        source = f"{_file_name(passage['title'])}.txt"
        if passage["text"] not in sources.get(source, ""):
            sources[source] = sources.get(source, "") + passage["text"] + "\n"
        selected = output.get("selected_sentences") or []
        quotes = [s for s in selected if s.strip() and s in passage["text"]]
        answerable = bool(output["answer"].strip())
        yield {
            "id": entry["id"],
            "question": entry["input"],
            "answers": [output["answer"]] if answerable else [],
            "evidence": [{"source": source, "quote": quote} for quote in quotes],
            "answerable": answerable,
        }


def read_feedback(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields answers that people corrected, or praised: those must not change."""
    yield from map(_feedback_case, _json_lines(path), count(1))


UNVERIFIED = "unverified"
"""Tag of a case whose question or gold is a client's words, which may be anything."""


def _feedback_case(entry: Json, number: int) -> Json:
    """Returns a case whose `trust` says whose words its question and gold are, and who rated.

    `service` is the answering service itself, where it logged the answer; `client` anybody.
    """
    is_praised = entry.get("rating") == "up"
    correction = entry.get("correct_answer")
    praised_answer = strip_markers(entry.get("answer") or "") if is_praised else None
    is_refusal = not correction and is_refusal_text(praised_answer or "")
    citations = entry.get("citations") or [] if is_praised else []
    answer = correction or praised_answer
    question_by = "service" if entry.get("words") == "service" else "client"
    trust = {"question": question_by, "gold": "client" if correction else question_by}
    tags = ["praised" if is_praised else "corrected"]
    return {
        "id": entry.get("id") or entry.get("answer_id") or f"feedback-{number}",
        "question": entry.get("question"),
        "answers": [answer] if answer and not is_refusal else [],
        "evidence": [{"source": c["source"], "quote": c["quote"]} for c in citations],
        "answerable": not is_refusal,
        "tags": tags + [UNVERIFIED] * ("client" in trust.values()),
        "trust": trust | {"by": entry.get("by") or "unknown"},
    }


def read_csv(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields a CSV's rows.

    Columns are question, answers (separated by `|`), and optionally id, source, quote, answerable
    (true or false), tags (separated by `|`) and group; they are separated by commas, semicolons or
    tabs.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        if header.lower().startswith("sep="):
            header = file.readline()
        delimiter = max(",;\t", key=header.count)
        names = next(csv.reader([header], delimiter=delimiter), [])
        rows = csv.DictReader(file, names, delimiter=delimiter)
        for number, row in enumerate(rows, start=1):
            cells = {(key or "").strip().lower(): (row[key] or "").strip() for key in row if key}
            answers = _split(cells.get("answers") or cells.get("answer") or "")
            flag = cells.get("answerable", "").lower()
            evidence = {"source": cells.get("source"), "quote": cells.get("quote")}
            yield {
                "id": cells.get("id") or f"row-{number}",
                "question": cells["question"],
                "answers": answers,
                "evidence": [evidence] if cells.get("quote") else [],
                "answerable": flag in ("true", "yes", "1") if flag else bool(answers),
                "tags": _split(cells.get("tags", "")),
                **({"group": cells["group"]} if cells.get("group") else {}),
            }


READERS: dict[str, Callable[[Path, dict[str, str]], Iterator[Json]]] = {
    "squad": read_squad,
    "beir": read_beir,
    "clapnq": read_clapnq,
    "feedback": read_feedback,
    "csv": read_csv,
}
"""The reader of each kind of question set; it adds the set's sources to the mapping."""


def write_sources(folder: Path, sources: dict[str, str]) -> None:
    """Writes the sources as files into an empty or new folder; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    for name, text in sources.items():
        (folder / name).write_text(text, "utf-8", newline="")


def _json_lines(path: Path) -> Iterator[Json]:
    return (json.loads(line) for line in path.read_text("utf-8-sig").split("\n") if line.strip())


def _file_name(title: str) -> str:
    """Returns a title as a file name: no folders, no leading dots, at most 120 characters."""
    return _UNSAFE.sub("_", title).strip("._")[:120] or "untitled"


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


BLANK = "_____"
_MIN_CHARS, _MAX_CHARS = 50, 300
_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*\d(?![\w])|(?<![\w.,])\d(?![\w.,])")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+(?: [A-Z][\w-]+)+")
_DRAFT_PROMPT = (
    "Write one question that a reader may ask and that the sentence below answers by itself. Do "
    "not repeat its wording. Answer with JSON alone: "
    '{"question": "...", "answer": "a few words copied exactly from the sentence"}'
)


@dataclass(frozen=True, slots=True)
class SourceSentence:
    """A sentence of a source, verbatim."""

    source: str
    text: str


def select_sentences(
    sentences: Sequence[SourceSentence], count: int, *, seed: int
) -> list[SourceSentence]:
    """Returns up to `count` random sentences with a number or a name, spread over the sources."""
    rng = random.Random(seed)
    by_source: dict[str, list[SourceSentence]] = {}
    for sentence in sentences:
        if _MIN_CHARS <= len(sentence.text) <= _MAX_CHARS and _cloze_answer(sentence.text):
            by_source.setdefault(sentence.source, []).append(sentence)
    for candidates in by_source.values():
        rng.shuffle(candidates)
    selected: list[SourceSentence] = []
    while len(selected) < count and any(by_source.values()):
        for candidates in by_source.values():
            if candidates and len(selected) < count:
                selected.append(candidates.pop())
    return selected


def draft_cloze(sentences: Sequence[SourceSentence]) -> Iterator[Json]:
    """Yields a case for each sentence with a number or a name: the sentence without it."""
    for sentence in sentences:
        if answer := _cloze_answer(sentence.text):
            question = " ".join(sentence.text.replace(answer, BLANK, 1).split())
            yield _draft(sentence, f"What is missing here? {question}", answer)


async def draft_with_model(
    sentences: Sequence[SourceSentence], model: ChatModel
) -> AsyncIterator[Json | None]:
    """Yields the model's case for each sentence, None if its reply is unusable."""
    for sentence in sentences:
        messages = [Message("system", _DRAFT_PROMPT), Message("user", sentence.text)]
        parts = [i.text async for i in model.stream(messages) if isinstance(i, ModelText)]
        yield _parse_draft(sentence, "".join(parts))


def _parse_draft(sentence: SourceSentence, reply: str) -> Json | None:
    match = re.search(r"\{.*\}", reply, re.DOTALL)
    try:
        draft = json.loads(match[0]) if match else {}
        question, answer = str(draft["question"]).strip(), str(draft["answer"]).strip()
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_usable = question and answer and answer in sentence.text
    return _draft(sentence, question, answer) if is_usable else None


def _cloze_answer(text: str) -> str | None:
    match = _NUMBER.search(text) or _NAME.search(text)
    return match[0] if match else None


def _draft(sentence: SourceSentence, question: str, answer: str) -> Json:
    digest = sha256(f"{sentence.source}\0{sentence.text}\0{question}".encode()).hexdigest()
    return {
        "id": f"draft-{digest[:10]}",
        "question": question,
        "answers": [answer],
        "evidence": [{"source": sentence.source, "quote": sentence.text}],
        "answerable": True,
        "tags": ["draft"],
        "draft": True,
    }
