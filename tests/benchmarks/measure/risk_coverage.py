"""Risk–coverage of refusals on SQuAD 2.0 questions, by confidence and by cosine.

python -m tests.benchmarks.measure.risk_coverage [--data-dir DIR]

The 260 questions of squad2.jsonl, half of them unanswerable, are asked over the index of all 490
articles (the collection `squad`, which `measure.squad` builds). They are answered in the order of a
score: the fitted confidence, with coefficients fitted on the other half of the articles
(`fit.confidence`), or the cosine of the best passage. An answer is wrong if the question is
unanswerable, or if it lacks the gold answer. The area is the mean share of wrong answers over all
coverages (AURC, Geifman et al. 2019); smaller is better.
Needs ../shared.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.bootstrap import open_components
from api.settings import Settings
from tests.benchmarks.fit.confidence import arrays, fit_logistic, predict, quoted, squad_samples
from tests.benchmarks.gold import ARTICLES, SHARED, Case, contains_answer, load_cases

RESAMPLES = 10_000
FOLDER = SHARED / "data" / "squad-articles"


@dataclass(frozen=True)
class Result:
    """The result of one question: the features of its confidence, and whether it is correct."""

    article: str
    features: dict[str, float]
    answerable: bool
    right: bool


def ask_all(data_dir: Path) -> list[Result]:
    """Returns the result of every question."""
    lines = map(json.loads, (FOLDER / "squad2.jsonl").read_text("utf-8").splitlines())
    articles = {entry["id"]: f"{entry['article']}.txt" for entry in lines}
    components = open_components(Settings(corpus=ARTICLES, data_dir=data_dir, collection="squad"))
    components.serving.refresh()
    results = []
    with components.serving.lease() as generation:
        for case in load_cases(FOLDER / "squad2.jsonl"):
            found = quoted(generation, components.embedder, case.question)
            assert found is not None
            values, units = found
            said = " ".join(unit.text for _, unit in units)
            results.append(
                Result(
                    article=articles[case.id],
                    features=values,
                    answerable=case.answerable,
                    right=_is_right(case, said),
                )
            )
    components.serving.close()
    return results


def _is_right(case: Case, said: str) -> bool:
    return case.answerable and contains_answer(said, case.answers)


def cross_fit_confidence(results: list[Result], cache: Path) -> np.ndarray:
    """Returns the confidence of each question, fitted on the other half of the articles."""
    fitted_on = list(squad_samples(cache, quoted))
    names = list(fitted_on[0].features)
    articles = sorted({s.group for s in fitted_on} | {one.article for one in results})
    own = np.empty(len(results))
    for side in (0, 1):
        rest = [one for one in fitted_on if articles.index(one.group) % 2 != side]
        beta = fit_logistic(*arrays(rest, names))
        for place, one in enumerate(results):
            if articles.index(one.article) % 2 == side:
                own[place] = predict(np.array([[one.features[name] for name in names]]), beta)[0]
    return own


def aurc(wrong: np.ndarray, scores: np.ndarray) -> float:
    """Returns the mean share of wrong answers over all coverages."""
    ordered = wrong[np.argsort(-scores, kind="stable")]
    return float(np.mean(np.cumsum(ordered) / np.arange(1, len(ordered) + 1)))


def bootstrap_p(wrong: np.ndarray, ours: np.ndarray, other: np.ndarray) -> float:
    """Returns the one-sided p: the share of resamples in which our area is not smaller.

    Resamples questions, not articles: a clustered bootstrap needs 20 of those, which is more.
    """
    rng = np.random.default_rng(0)
    worse = 0
    for _ in range(RESAMPLES):
        pick = rng.integers(len(wrong), size=len(wrong))
        worse += aurc(wrong[pick], ours[pick]) >= aurc(wrong[pick], other[pick])
    return (worse + 1) / (RESAMPLES + 1)


def print_curves(results: list[Result], ours: np.ndarray, dense: np.ndarray) -> None:
    """Prints both curves: the shares of wrong answers and of unanswerable questions."""
    wrong = np.array([not one.right for one in results])
    unanswerable = np.array([not one.answerable for one in results])
    print(f"{'':>10}{'wrong':>22}{'unanswerable':>22}")
    print(f"{'coverage':>10}" + f"{'confidence':>12}{'cosine':>10}" * 2)
    for coverage in np.arange(0.1, 1.01, 0.1):
        count = round(coverage * len(results))
        first = [np.argsort(-scores, kind="stable")[:count] for scores in (ours, dense)]
        shares = [flags[order].mean() for flags in (wrong, unanswerable) for order in first]
        print(
            f"{coverage:10.1f}"
            + "".join(f"{s:{w}.3f}" for s, w in zip(shares, (12, 10, 12, 10), strict=True))
        )
    for name, flags in (("wrong", wrong), ("unanswerable", unanswerable)):
        print(
            f"area, {name}: {aurc(flags, ours):.4f}, cosine {aurc(flags, dense):.4f}, "
            f"paired bootstrap p = {bootstrap_p(flags, ours, dense):.4f}"
        )


def main() -> None:
    """Asks all questions, fits and prints the curves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    options = parser.parse_args()
    results = ask_all(options.data_dir)
    unanswerable = sum(not one.answerable for one in results)
    print(f"{len(results)} questions, {unanswerable} unanswerable")
    ours = cross_fit_confidence(results, options.data_dir / "embeddings.sqlite3")
    print_curves(results, ours, np.array([one.features["dense_anywhere"] for one in results]))


if __name__ == "__main__":
    main()
