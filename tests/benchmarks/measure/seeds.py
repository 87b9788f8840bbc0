"""Answers, citations and refusals on the gold questions of a small corpus, without a model.

python -m tests.benchmarks.measure.seeds [--own]

Asks the 32 questions of ../shared/data/seeds over ../shared/seeds, or with --own those of
tests/data/seeds.jsonl over seeds/. Compares every citation with its file.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.sync.process import run_sync
from rag.types import Answer, Ask, Turn
from tests.benchmarks.gold import SHARED, Case, contains_answer, load_cases
from tests.support.processes import ROOT


def broken_quotes(answer: Answer, corpus: Path) -> list[str]:
    """Returns the quotes that differ from their file at their offsets."""
    wrong = []
    for citation in answer.citations:
        with (corpus / citation.source).open(encoding="utf-8-sig", newline="") as file:
            if file.read()[citation.start : citation.end] != citation.quote:
                wrong.append(citation.quote)
    return wrong


def answer_all(corpus: Path, questions: list[Case]) -> list[Answer]:
    """Returns the answer to each question from a new index of the corpus."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(corpus=corpus, data_dir=Path(folder), collection="seeds")
        run_sync(sync_request(settings), lambda event: None)
        components = open_components(settings)
        components.serving.refresh()
        with components.serving.lease() as generation:
            answers = [
                asyncio.run(components.pipeline.answer(generation, _ask(case)))
                for case in questions
            ]
        components.serving.close()
    return answers


def _ask(case: Case) -> Ask:
    turns = tuple(
        Turn("user" if role == "user" else "assistant", content) for role, content in case.history
    )
    return Ask(case.question, history=turns)


def main() -> None:
    """Prints every wrong answer, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--own", action="store_true")
    own = parser.parse_args().own
    corpus = ROOT / "seeds" if own else SHARED / "seeds"
    gold = ROOT / "tests" / "data" / "seeds.jsonl" if own else SHARED / "data/seeds/questions.jsonl"
    questions = load_cases(gold)
    answers = answer_all(corpus, questions)
    right = refused = cited = followed = bad = 0
    for case, answer in zip(questions, answers, strict=True):
        bad += len(broken_quotes(answer, corpus))
        if not case.answerable:
            refused += not answer.answered
            if answer.answered:
                print(f"answered  {case.question}\n          {answer.answer}")
            continue
        sources = {source for source, _ in case.evidence}
        good = contains_answer(answer.answer, case.answers) and len(answer.answer) <= 600
        right += good
        cited += good and bool(sources & {citation.source for citation in answer.citations})
        if case.history:
            followed += any(
                hit.source.path == source and quote in hit.text
                for hit in answer.passages[:5]
                for source, quote in case.evidence
            )
        if not good:
            print(f"missed    {case.question}\n          {answer.answer}")
    answerable = sum(case.answerable for case in questions)
    follow_ups = sum(bool(case.history) and case.answerable for case in questions)
    print(f"gold answer contained      {right} of {answerable}")
    print(f"… and the right file cited {cited} of {answerable}")
    print(f"unanswerable refused       {refused} of {len(questions) - answerable}")
    print(f"follow-ups found in top 5  {followed} of {follow_ups}")
    print(f"citations that do not slice back to their quote {bad}")


if __name__ == "__main__":
    main()
