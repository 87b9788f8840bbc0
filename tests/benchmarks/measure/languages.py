"""Retrieval of questions in four languages over English articles.

python -m tests.benchmarks.measure.languages --xquad FOLDER [--built-in multilingual]
    [--data-dir DIR]

The 592 questions of xquad.jsonl, and their translations by XQuAD (github.com/google-deepmind/xquad,
CC BY-SA 4.0; FOLDER has its `xquad.LANGUAGE.json`), over the 24 articles that they are about. The
half of the articles that nothing is fitted on is printed apart. Needs ../shared.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from api.settings import Settings
from rag.types import Hit
from tests.benchmarks.fit.multilingual_basis import LANGUAGES, fit_articles, xquad
from tests.benchmarks.fit.retrieval import is_gold_hit
from tests.benchmarks.gold import ARTICLES, SHARED, gold_spans, load_cases
from tests.benchmarks.harness import (
    RANKINGS,
    candidate_pool,
    open_settings,
    print_table,
    rank_by,
    write_corpus,
)

COLUMNS = ("hit@1", "hit@5", "MRR", "judged hit@1", "judged hit@5", "judged MRR")


def figures(ranks: Sequence[int]) -> list[float]:
    """Returns hit@1, hit@5 and MRR@10 of ranks from 1; 0: not found."""
    return [
        statistics.mean(rank == 1 for rank in ranks),
        statistics.mean(0 < rank <= 5 for rank in ranks),
        statistics.mean(1 / rank if 0 < rank <= 10 else 0.0 for rank in ranks),
    ]


def rank_of(hits: Sequence[Hit], spans: Sequence[tuple[str, int, int]]) -> int:
    """Returns the rank of the first hit on a gold paragraph, from 1; 0 without any."""
    return next((rank for rank, hit in enumerate(hits, start=1) if is_gold_hit(hit, spans)), 0)


def main() -> None:
    """Indexes the articles, asks in each language, prints a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xquad", type=Path, required=True)
    parser.add_argument("--built-in", default="minilm")
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    options = parser.parse_args()
    cases = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")
    names = sorted({source for case in cases for source, _ in case.evidence})
    corpus = options.data_dir / "corpora" / "xquad"
    write_corpus(corpus, {name: (ARTICLES / name).read_text("utf-8") for name in names})
    fitted = {f"{title}.txt" for title in fit_articles(list(xquad(options.xquad, "en")))}
    settings = Settings(
        corpus=corpus,
        data_dir=options.data_dir,
        collection=f"xquad-{options.built_in}",
        embed={"built_in": options.built_in},
    )
    with open_settings(settings) as (components, generation):
        for language in LANGUAGES:
            asked = dict(pair for qs in xquad(options.xquad, language).values() for pair in qs)
            ranks: dict[str, list[tuple[bool, int]]] = {name: [] for name in RANKINGS}
            for case in cases:
                spans = gold_spans(case, corpus)
                hits = candidate_pool(components, generation, asked[case.id]).hits
                is_judged = spans[0][0] not in fitted
                for name, score in RANKINGS.items():
                    ranks[name].append((is_judged, rank_of(rank_by(hits, score), spans)))
            rows = {
                name: figures([r for _, r in every]) + figures([r for judged, r in every if judged])
                for name, every in ranks.items()
            }
            print_table(f"{options.built_in}, {language}", COLUMNS, rows)


if __name__ == "__main__":
    main()
