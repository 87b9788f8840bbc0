"""Question sets in other shapes → cases, with their sources where the set brings them.

SQuAD (Rajpurkar et al. 2016, 2018), BEIR (Thakur et al. 2021), CLAP NQ (Rosenthal et al. 2024), the
service's own feedback, and CSV. Each reader yields objects that `cases.case_of` then checks.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from .cases import Case, case_of
from .errors import CasesMalformed
from .metrics.match import unmarked

Json = dict[str, Any]  # Any: JSON in somebody else's shape
_UNSAFE = re.compile(r"[^\w.,()&'-]+")


@dataclass(slots=True)
class Imported:
    """Cases, the sources by path, and a word on each entry that could not be used."""

    cases: list[Case] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read(kind: str, path: Path) -> Imported:
    """Returns what a set holds; raises CasesMalformed where it is not of that kind at all."""
    made = Imported()
    try:
        _take(READERS[kind](path, made.sources), made)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"is no {kind} set ({type(error).__name__}: {str(error)[:120]})"
        raise CasesMalformed(path.name, [(0, said)]) from error
    if not made.cases:
        raise CasesMalformed(path.name, [(0, f"there is no usable {kind} question in it")])
    return made


def from_feedback(given: Iterable[Json]) -> Imported:
    """Returns the cases in the service's own feedback; of two on one answer, the first."""
    made = Imported()
    _take(map(_feedback_line, given, count(1)), made)
    return made


def _take(lines: Iterable[Json], made: Imported) -> None:
    seen: set[str] = set()
    for line in lines:
        try:
            case = case_of(line)
        except ValueError as error:
            made.left_out.append(f"{line.get('id') or line.get('question')}: {error}")
            continue
        if case.id in seen:
            made.left_out.append(f"{case.id}: there is a case of this id already")
            continue
        seen.add(case.id)
        made.cases.append(case)


def squad(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields SQuAD's questions; a source is an article with a paragraph a line."""
    for article in json.loads(path.read_text("utf-8-sig"))["data"]:
        source = f"{_safe(article['title'])}.txt"
        contexts = [paragraph["context"] for paragraph in article["paragraphs"]]
        sources[source] = sources.get(source, "") + "".join(f"{text}\n" for text in contexts)
        for paragraph in article["paragraphs"]:
            for asked in paragraph["qas"]:
                impossible = asked.get("is_impossible", False)
                answers = [] if impossible else [a["text"] for a in asked["answers"]]
                quote = {"source": source, "quote": paragraph["context"]}
                yield {
                    "id": asked["id"],
                    "question": asked["question"],
                    "answers": list(dict.fromkeys(answers)),
                    "evidence": [] if impossible else [quote],
                    "answerable": not impossible,
                    "group": article["title"],
                }


def beir(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields a BEIR folder's queries with their relevant documents whole as evidence."""
    texts: dict[str, str] = {}
    for held in _lines(path / "corpus.jsonl"):
        source = f"{_safe(held['_id'])}.md"
        title = " ".join(held.get("title", "").split())
        texts[held["_id"]] = held["text"]
        sources[source] = (f"# {title}\n\n" if title else "") + held["text"] + "\n"
    relevant: dict[str, list[str]] = {}
    folder = path / "qrels"
    qrels = next(p for name in ("test", "dev", "train") if (p := folder / f"{name}.tsv").exists())
    with qrels.open(encoding="utf-8", newline="") as file:
        for query, document, grade in list(csv.reader(file, delimiter="\t"))[1:]:
            if int(grade) > 0:
                relevant.setdefault(query, []).append(document)
    for asked in _lines(path / "queries.jsonl"):
        if asked["_id"] in relevant:
            yield {
                "id": asked["_id"],
                "question": asked["text"],
                "answers": [],
                "evidence": [
                    {"source": f"{_safe(i)}.md", "quote": texts[i]} for i in relevant[asked["_id"]]
                ],
                "answerable": True,
                "group": asked["_id"],
            }


def clapnq(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields CLAP NQ's annotated questions; evidence is the sentences its annotators chose."""
    for asked in _lines(path):
        passage, output = asked["passages"][0], asked["output"][0]
        source = f"{_safe(passage['title'])}.txt"
        if passage["text"] not in sources.get(source, ""):
            sources[source] = sources.get(source, "") + passage["text"] + "\n"
        chosen = output.get("selected_sentences") or []
        quotes = [s for s in chosen if s.strip() and s in passage["text"]]
        yield {
            "id": asked["id"],
            "question": asked["input"],
            "answers": [output["answer"]] if output["answer"].strip() else [],
            "evidence": [{"source": source, "quote": quote} for quote in quotes],
            "answerable": bool(output["answer"].strip()),
        }


def feedback(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields answers that people corrected, or praised: what was praised is to stay."""
    yield from map(_feedback_line, _lines(path), count(1))


def _feedback_line(given: Json, number: int) -> Json:
    from ..asked import REFUSALS

    praised = given.get("rating") == "up"
    corrected = given.get("correct_answer")
    kept = unmarked(given.get("answer") or "") if praised else None
    refused = not corrected and kept in REFUSALS.values()
    quoted = given.get("citations") or [] if praised else []
    return {
        "id": given.get("id") or given.get("answer_id") or f"feedback-{number}",
        "question": given.get("question"),
        "answers": [] if refused else [text for text in (corrected or kept,) if text],
        "evidence": [{"source": c["source"], "quote": c["quote"]} for c in quoted],
        "answerable": not refused,
        "tags": ["praised" if praised else "corrected"],
    }


def table(path: Path, sources: dict[str, str]) -> Iterator[Json]:
    """Yields a CSV's rows.

    Columns are question, answers (`|` between), and where they exist id, source, quote, answerable
    (true or false), tags (`|` between) and group.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            cells = {(key or "").strip().lower(): (row[key] or "").strip() for key in row if key}
            answers = _split(cells.get("answers") or cells.get("answer") or "")
            said = cells.get("answerable", "").lower()
            quoted = {"source": cells.get("source"), "quote": cells.get("quote")}
            yield {
                "id": cells.get("id") or f"row-{number}",
                "question": cells["question"],
                "answers": answers,
                "evidence": [quoted] if cells.get("quote") else [],
                "answerable": bool(answers) if not said else said in ("true", "yes", "1"),
                "tags": _split(cells.get("tags", "")),
                **({"group": cells["group"]} if cells.get("group") else {}),
            }


READERS: dict[str, Callable[[Path, dict[str, str]], Iterator[Json]]] = {
    "squad": squad,
    "beir": beir,
    "clapnq": clapnq,
    "feedback": feedback,
    "csv": table,
}
"""The shapes that can be imported."""


def write_sources(folder: Path, sources: dict[str, str]) -> None:
    """Writes the sources as files of a folder that must be empty or new; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    for name, text in sources.items():
        (folder / name).write_text(text, "utf-8", newline="")


def _lines(path: Path) -> Iterator[Json]:
    for line in path.read_text("utf-8-sig").split("\n"):
        if line.strip():
            yield json.loads(line)


def _safe(title: str) -> str:
    """Returns a title as a file's name: no folders, no dots in front, not too long."""
    return _UNSAFE.sub("_", title).strip("._")[:120] or "untitled"


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]
