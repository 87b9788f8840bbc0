"""In what share of the answerable questions the evidence stands in what a model is shown.

python -m tests.benchmarks.measure.shown a b [--budgets 8000 16000 32000] [--list]

The questions of ../shared/data/handbook, by budget (characters), beside the five best passages. No
model is asked: a follow-up is rewritten by the rules. A question counts where a passage overlaps an
evidence quote, as in score.py, and as whole where one holds all of it. --list names the others.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.bootstrap import open_components, sync_request
from api.settings import Settings
from index.sync.process import run_sync
from rag.retrieval.condense_rules import condense_by_rules
from rag.retrieval.sections import CANDIDATES, sections
from rag.types import Hit, Turn
from tests.benchmarks.measure.handbook import FOLDER, load_score

FIVE = 5
BUDGETS = (8_000, 16_000, 32_000)
Place = tuple[str, int, int]
"""(source, start, end)"""


@dataclass
class Tally:
    """What one way to choose passages shows: of each question whether its evidence is there."""

    overlapping: list[bool] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    passages: list[int] = field(default_factory=list)
    chars: list[int] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, question: str, shown: Sequence[Place], evidence: Sequence[Place]) -> None:
        pairs = [(one, other) for one in shown for other in evidence if one[0] == other[0]]
        self.overlapping.append(any(a < end and start < b for (_, a, b), (_, start, end) in pairs))
        self.whole.append(any(a <= start and end <= b for (_, a, b), (_, start, end) in pairs))
        self.passages.append(len(shown))
        self.chars.append(sum(end - start for _, start, end in shown))
        if not self.overlapping[-1]:
            self.missed.append(question)

    def __str__(self) -> str:
        count = len(self.overlapping)
        return (
            f"evidence {sum(self.overlapping) / count:.3f}  whole {sum(self.whole) / count:.3f}  "
            f"passages {sum(self.passages) / count:4.1f}  characters {sum(self.chars) / count:6.0f}"
        )


def place_of(hits: Sequence[Hit]) -> Place:
    """Returns where a run of hits of one source stands."""
    return hits[0].source.path, hits[0].chunk.start, hits[-1].chunk.end


def answerable(part: str, score: Any) -> Iterator[tuple[dict[str, Any], list[Place]]]:
    """Yields each question that can be answered, with the places of its evidence."""
    articles = score.Articles(FOLDER / part / "articles")
    for line in (FOLDER / part / "questions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["answerable"] and row["evidence"]:
            spans = [(one["source"], one["quote"]) for one in row["evidence"]]
            yield row, [(source, *articles.span(source, quote)) for source, quote in spans]


def measure(part: str, budgets: Sequence[int], score: Any) -> dict[str, Tally]:
    """Returns the tally of the five passages, and of each budget."""
    tallies = {name: Tally() for name in ("5 passages", *(f"{n:,}" for n in budgets))}
    with tempfile.TemporaryDirectory() as folder:
        corpus = FOLDER / part / "articles"
        settings = Settings(corpus=corpus, data_dir=Path(folder), collection="handbook")
        run_sync(sync_request(settings), lambda event: None)
        components = open_components(settings)
        components.serving.refresh()
        with components.serving.lease() as generation:
            for row, evidence in answerable(part, score):
                question, turns = row["question"], [Turn(**one) for one in row["history"]]
                asked = condense_by_rules(question, turns) if turns else question
                hits = components.pipeline.search(generation, asked, top_k=CANDIDATES)
                five = [place_of([hit]) for hit in hits[:FIVE]]
                tallies["5 passages"].add(question, five, evidence)
                for chars in budgets:
                    shown = [place_of(one.hits) for one in sections(generation, hits, chars=chars)]
                    tallies[f"{chars:,}"].add(question, shown, evidence)
        components.serving.close()
    return tallies


def main() -> None:
    """Prints the shares of each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    score = load_score()
    for part in options.parts:
        for name, tally in measure(part, options.budgets, score).items():
            print(f"{part} {name:>10}  {tally}", flush=True)
            for question in tally.missed if options.list else ():
                print(f"    {question}")


if __name__ == "__main__":
    main()
