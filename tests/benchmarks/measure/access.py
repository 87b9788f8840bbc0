"""Search of what a group may read, beside unrestricted search: milliseconds and their ratio.

    python -m tests.benchmarks.measure.access --data-dir DIR [--passages 25000] [--groups 50]

The articles of a synthetic corpus (`measure.large`, made from the collection `squad` in DIR and
kept as `growth-N`) are dealt to so many groups; a caller of one group, of half of them and of all
but one asks the questions of `squad`. Also printed: what the first question of a group costs more.
Needs ../shared.
"""

import argparse
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from api.bootstrap import open_components
from api.settings import Settings
from index.access import AccessPolicy
from index.store.opened import OpenGeneration
from index.store.restricted import AccessTable
from rag.retrieval.fusion import retrieve
from rag.retrieval.query import Query, analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.gold import SHARED, load_cases
from tests.benchmarks.measure.growth import build_missing, opened
from tests.benchmarks.measure.latency import CachedEmbedder

QUESTIONS = 200


def median_ms(generation: OpenGeneration, queries: list[Query]) -> float:
    """The median of the times of a search."""
    times = []
    for query in queries:
        before = time.perf_counter()
        retrieve(generation, query, weights=fitted_weights(), top_k=10)
        times.append((time.perf_counter() - before) * 1000)
    return float(np.median(times))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--passages", type=int, default=25_000)
    parser.add_argument("--groups", type=int, default=50)
    arguments = parser.parse_args()
    settings = Settings(
        data_dir=arguments.data_dir, collection=f"growth-{arguments.passages}", corpus=SHARED
    )
    build_missing(settings, arguments.passages)
    cases = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[:QUESTIONS]
    questions = [case.question for case in cases]
    embedder = CachedEmbedder(open_components(settings).embedder, questions)
    names = [f"group-{number}" for number in range(arguments.groups)]
    with closing(opened(settings)) as generation:
        paths = [source.path for source in generation.sources()]
        rules = {path: frozenset({names[place % len(names)]}) for place, path in enumerate(paths)}
        before = time.perf_counter()
        table = AccessTable(generation, AccessPolicy(rules))
        print(f"rules of {len(paths):,} articles read in {time.perf_counter() - before:.2f} s")
        half = names[: len(names) // 2]
        for label, groups in (("one group", names[:1]), ("half", half), ("all but one", names[1:])):
            before = time.perf_counter()
            view = table.view(frozenset(groups))
            queries = [analyze_query(view, embedder, question) for question in questions[:1]]
            retrieve(view, queries[0], weights=fitted_weights(), top_k=10)
            first_ms = (time.perf_counter() - before) * 1000
            # by turns, so that what else the machine does meets both
            ratios, own, whole = [], [], []
            for _ in range(3):
                for kind, times in ((view, own), (generation, whole)):
                    asked = [analyze_query(kind, embedder, question) for question in questions]
                    times.append(median_ms(kind, asked))
                ratios.append(own[-1] / whole[-1])
            print(
                f"{label:<12} {view.info.chunks:>7,} of {generation.info.chunks:,} passages  "
                f"{np.median(own):6.1f} ms  unrestricted {np.median(whole):6.1f} ms  "
                f"ratio {np.median(ratios):.2f}  first question {first_ms:.0f} ms"
            )


if __name__ == "__main__":
    main()
