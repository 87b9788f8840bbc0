"""Answers to what colleagues type over real handbooks, by tag, without a model.

python -m tests.benchmarks.measure.handbook a b [--units] [--json OUT]

Asks the questions of ../shared/data/handbook, judged by its own score.py. With --units no passage
is searched or chosen: the unit at the first character of each evidence quote is quoted, and it is
measured how often the evidence is quoted whole, and the answer right.
"""

import argparse
import asyncio
import importlib.util
import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.store.generation import Generation
from index.sync.process import run_sync
from rag.answering.quotes import Place, Quoter
from rag.types import Answer, Ask, Hit, ScoredUnit, Scores, Turn
from tests.benchmarks.gold import SHARED

FOLDER = SHARED / "data/handbook"
TAGS = ("table", "list", "steps", "how-to")


def load_score() -> Any:  # a module that is no part of this repository
    spec = importlib.util.spec_from_file_location("handbook_score", FOLDER / "score.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reply_of(answer: Answer) -> dict[str, Any]:
    """Returns the answer as score.py reads it from HTTP."""
    passages = [
        {"source": hit.source.path, "start": hit.chunk.start, "end": hit.chunk.end}
        for hit in answer.passages
    ]
    citations = [asdict(one) for one in answer.citations]
    return {
        "answered": answer.answered,
        "reason": answer.reason,
        "confidence": answer.confidence,
        "answer": answer.answer,
        "citations": citations,
        "passages": passages,
    }


def places_at(generation: Generation, path: str, offset: int) -> Iterator[Place]:
    """Yields the unit of a source at an offset, with its chunk as a hit."""
    source = generation.all_sources()[path][0]
    text = generation.text(source.id)
    for chunk in generation.source_chunks(source.id):
        for unit in chunk.units:
            if unit.start <= offset < unit.end:
                context = tuple(text[a:b] for a, b in unit.under)
                span = (unit.start, unit.end, text[unit.start : unit.end])
                scored = ScoredUnit(*span, 1.0, 1.0, 1.0, unit.kind, unit.under, context)
                chunk_text = text[chunk.start : chunk.end]
                yield Hit(1, chunk, source, chunk_text, 1.0, Scores(1, 1, 1), (scored,)), scored


def quote_units(generation: Generation, row: dict[str, Any], articles: Any) -> dict[str, Any]:
    """Returns a reply that quotes the unit at the first character of each evidence quote."""
    picks: list[tuple[Place, list[Place]]] = []
    for evidence in row["evidence"]:
        start, _ = articles.span(evidence["source"], evidence["quote"])
        picks += [(place, []) for place in places_at(generation, evidence["source"], start)]
    lines = Quoter(generation, row["question"], [place[0] for place, _ in picks]).lines(picks)
    citations = [
        {"source": hit.source.path, "start": unit.start, "end": unit.end, "quote": unit.text}
        for line in lines
        for hit, unit in line.cited
    ]
    answer = "".join(f"{line.gap}{line.text}" for line in lines)
    return {"answered": bool(lines), "answer": answer, "citations": citations, "passages": []}


def is_whole(evidence: dict[str, str], citations: list[dict[str, Any]], articles: Any) -> bool:
    """Returns whether the citations cover every visible character of an evidence quote."""
    start, end = articles.span(evidence["source"], evidence["quote"])
    covered = {
        offset
        for one in citations
        if one["source"] == evidence["source"]
        for offset in range(max(one["start"], start), min(one["end"], end))
    }
    quote = evidence["quote"]
    return all(start + n in covered for n, c in enumerate(quote) if c.isalnum())


def measure(part: str, score: Any, *, units: bool) -> list[dict[str, Any]]:
    """Returns a judged row for each question of a part."""
    articles = score.Articles(FOLDER / part / "articles")
    with (FOLDER / part / "questions.jsonl").open(encoding="utf-8") as file:
        questions = [json.loads(line) for line in file if line.strip()]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        corpus = FOLDER / part / "articles"
        settings = Settings(corpus=corpus, data_dir=Path(folder), collection="handbook")
        run_sync(sync_request(settings), lambda event: None)
        components = open_components(settings)
        components.serving.refresh()
        with components.serving.lease() as generation:
            for row in questions:
                if units and not (row["answerable"] and set(TAGS) & set(row["tags"])):
                    continue
                if units:
                    reply = quote_units(generation, row, articles)
                    whole = [is_whole(one, reply["citations"], articles) for one in row["evidence"]]
                    judged = {**score.judge(row, reply, articles), "whole": all(whole)}
                else:
                    turns = tuple(Turn(one["role"], one["content"]) for one in row["history"])
                    ask = Ask(row["question"], history=turns)
                    reply = reply_of(asyncio.run(components.pipeline.answer(generation, ask)))
                    judged = score.judge(row, reply, articles)
                rows.append({**row, **judged, "seconds": None, "answer": reply["answer"]})
        components.serving.close()
    return rows


def main() -> None:
    """Prints score.py's report of each part, or how often units are quoted whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--units", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    score = load_score()
    every: list[dict[str, Any]] = []
    for part in options.parts:
        rows = measure(part, score, units=options.units)
        every += rows
        if not options.units:
            score.report(rows, part)
            continue
        for name in ("whole", "right"):
            print(f"{part} {name:6} {score.shown(score.share(rows, name))}")
        for row in rows:
            if not (row["whole"] and row["right"]):
                print(f"  {row['id']} whole {row['whole']} right {row['right']}: {row['question']}")
    for tag in TAGS:
        some = [row for row in every if tag in row["tags"] and row["answerable"]]
        print(f"{tag:8} right and cited {score.shown(score.share(some, 'right'))}")
    if options.json:
        options.json.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in every))


if __name__ == "__main__":
    main()
