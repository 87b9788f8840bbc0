"""Fits the weights of the retrieval signals for statements: claims, titles, sentences.

python -m tests.benchmarks.fit.statements [--data-dir DIR] [--write]

No public set of claims has a licence to fit on, so queries come from the articles (inverse cloze
task, Lee et al. 2019): a title or a sentence is removed from an article and used as the query for
the rest of it. 700 titles and 700 sentences of SciFact's abstracts, none of them an abstract
that a test claim is about, and a sentence of two paragraphs of each SQuAD article count a third
each; the search is that of `fit.retrieval`. No claim is read. Needs ../shared and ten minutes.
"""

import argparse
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rag.retrieval.weights import fitted_weights as shipped
from rag.types import Hit
from tests.benchmarks.fit.retrieval import (
    NAMES,
    WEIGHTS,
    Question,
    concatenate,
    fit_weights,
    print_row,
    to_question,
)
from tests.benchmarks.gold import ARTICLES
from tests.benchmarks.harness import candidate_pool, open_index, write_corpus
from tests.benchmarks.measure import scifact

STATEMENTS_PER_KIND = 700
PARAGRAPHS_PER_ARTICLE = 2
MIN_PARAGRAPH_CHARS = 400
"""Minimum characters of a paragraph to remove a sentence from."""
_END = re.compile(r"(?<=[a-z)0-9]{2}\.) (?=[A-Z])")
_EDGE = 60
"""Characters at the ends of a remaining paragraph that identify its passages."""


@dataclass(frozen=True)
class ClozeStatement:
    """A statement removed from a file, and the rest of its paragraph; "" for the whole file."""

    text: str
    source: str
    rest: str = ""

    def is_in(self, hit: Hit) -> bool:
        """Returns whether the hit is where the statement was removed."""
        if hit.source.path != self.source:
            return False
        edges = self.rest[:_EDGE], self.rest[-_EDGE:]
        return any(edge in hit.text for edge in edges) or hit.text.strip() in self.rest


def pick_sentence(sentences: Sequence[str], rng: random.Random) -> int | None:
    """Returns the index of a sentence to remove; None if there is none."""
    middling = [n for n, sentence in enumerate(sentences) if 8 <= len(sentence.split()) <= 40]
    return rng.choice(middling) if len(sentences) > 3 and middling else None


def cloze_abstracts(
    rng: random.Random,
) -> tuple[dict[str, str], list[ClozeStatement], list[ClozeStatement]]:
    """Returns SciFact's files, the removed titles and the removed sentences."""
    entries = scifact.read("corpus.jsonl")
    files = {f"{entry['_id']}.md": scifact.abstract(entry).text for entry in entries}
    asked = set[str]().union(*scifact.qrels().values())
    free = [entry for entry in entries if f"{entry['_id']}.md" not in asked]
    rng.shuffle(free)
    titles, sentences = [], []
    for entry in free:
        name, own = f"{entry['_id']}.md", entry["metadata"]["sentences"]
        if len(titles) < STATEMENTS_PER_KIND:
            files[name] = files[name].partition("\n\n")[2]
            titles.append(ClozeStatement(" ".join(entry["title"].split()), name))
        elif (
            len(sentences) < STATEMENTS_PER_KIND and (place := pick_sentence(own, rng)) is not None
        ):
            left = {"sentences": own[:place] + own[place + 1 :]}
            files[name] = scifact.abstract({**entry, "metadata": left}).text
            sentences.append(ClozeStatement(" ".join(own[place].split()), name))
    return files, titles, sentences


def cloze_articles(rng: random.Random) -> tuple[dict[str, str], list[ClozeStatement]]:
    """Returns the SQuAD articles and the removed sentences."""
    files, taken = {}, []
    for file in sorted(ARTICLES.glob("*.txt")):
        lines = file.read_text("utf-8").split("\n")
        long = [
            n for n, line in enumerate(lines) if len(line) > MIN_PARAGRAPH_CHARS and line[0] != "#"
        ]
        for number in rng.sample(long, min(PARAGRAPHS_PER_ARTICLE, len(long))):
            own = _END.split(lines[number])
            if (place := pick_sentence(own, rng)) is not None:
                lines[number] = " ".join(own[:place] + own[place + 1 :])
                taken.append(ClozeStatement(own[place], file.name, lines[number]))
        files[file.name] = "\n".join(lines)
    return files, taken


def retrieve_statements(
    name: str, data_dir: Path, files: dict[str, str], *lists: Sequence[ClozeStatement]
) -> list[list[Question]]:
    """Returns the candidates of each statement."""
    corpus = data_dir / "corpora" / name
    write_corpus(corpus, files)
    with open_index(corpus, data_dir, name) as (components, generation):
        return [
            [
                to_question("", candidate_pool(components, generation, one.text).hits, one.is_in)
                for one in taken
            ]
            for taken in lists
        ]


def main() -> None:
    """Fits, prints, and writes the weights with --write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rng = random.Random(7)
    files, titles, sentences = cloze_abstracts(rng)
    on_abstracts = retrieve_statements("scifact-cloze", options.data_dir, files, titles, sentences)
    files, taken = cloze_articles(rng)
    on_articles = retrieve_statements("squad-cloze", options.data_dir, files, taken)
    names = ("titles of abstracts", "sentences of abstracts", "sentences of articles")
    sets = dict(zip(names, map(concatenate, on_abstracts + on_articles), strict=True))
    weights = fit_weights([(1 / len(sets), asked) for asked in sets.values()])
    before = np.array([getattr(shipped().question, name) for name in NAMES])
    for label, shares in (("as questions", before), ("as fitted", weights)):
        print(label)
        for name, asked in sets.items():
            print_row(name, asked, shares)
    if options.write:
        data = json.loads(WEIGHTS.read_text("utf-8"))
        shares = zip(NAMES, weights.tolist(), strict=True)
        data["statement"] = {name: round(share, 2) for name, share in shares}
        data["fitted"] = datetime.now(UTC).date().isoformat()
        WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
