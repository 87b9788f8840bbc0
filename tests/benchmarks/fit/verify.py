"""Fits the scorer of the support check and writes rag/verify/weights.json.

    python -m tests.benchmarks.fit.verify FOLDER

FOLDER has the collections of tests/data/asked (see tests.benchmarks.asked). Right: the statements
of the part "fit", claims of `entailment.jsonl.gz` (../shared/data/reader-training) and quoted
sentences. Wrong: the statements' faults; claims with a planted change, with some of another claim
added or put in place of their own words, with the evidence of another claim, or without the
sentence that is nearest to them. What a rule decides is left out. Trees by scikit-learn, which
only this script needs; more of what speaks for support never lowers the score.
"""

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.language.numbers import missing_number
from rag.verify.alignment import alignment
from rag.verify.support import strip_markup, support_score
from tests.benchmarks.gold import SHARED
from tests.benchmarks.measure.statements import read_statements
from tests.benchmarks.measure.support_begin import CHANGES, quoted_sentences

WEIGHTS = Path(__file__).parents[3] / "rag" / "verify" / "weights.json"
FOR = ("cover", "near", "sequence", "soft", "given", "worst", "function")
TREES, LEAVES, LEARNING_RATE = 80, 8, 0.1
SAMPLED = 4_000
Row = tuple[float, bool, str, Sequence[str], Sequence[str]]
"""Weight, label, claim, cited texts, context."""


def rows(folder: Path) -> Iterator[Row]:
    for one in read_statements(folder, "fit"):
        if one.label != "remark":
            yield 4, one.label == "supported", one.text, one.quotes, one.context
    path = SHARED / "data" / "reader-training" / "entailment.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    right = [pair for pair in pairs if pair["y"]]
    for pair in pairs:
        if pair["src"] == "made" or (pair["src"] == "fever" and pair["y"]):
            weight = 1.0 if pair["y"] and pair["src"] == "made" else 0.8 if pair["y"] else 0.5
            yield weight, bool(pair["y"]), pair["claim"], [pair["evidence"]], ()
    chance = random.Random(0)
    for pair in chance.sample(right, SAMPLED):
        yield from altered(pair["claim"], pair["evidence"], chance.choice(right), chance)
    for quoted, _, _ in quoted_sentences()[:1_500]:
        yield 0.3, True, quoted, [f"{quoted} Another follows."], ()


def altered(
    claim: str, evidence: str, other: dict[str, str], chance: random.Random
) -> Iterator[Row]:
    """Yields wrong claims made from a right one, and its evidence without what it is from."""
    for change in CHANGES.values():
        for text in change(claim, evidence):
            yield 1.0, False, text, [evidence], ()
    yield 0.5, False, claim, [other["evidence"]], ()
    own, added = claim.split(), other["claim"].split()
    size = chance.randint(3, 10)
    start = chance.randint(0, max(0, len(added) - size))
    piece = added[start : start + size]
    yield 1.0, False, " ".join(chance.choice([[*own, *piece], [*piece, *own]])), [evidence], ()
    size = max(1, int(len(own) * chance.uniform(0.2, 0.5)))
    start = chance.randint(0, len(own) - size)
    yield 1.0, False, " ".join([*own[:start], *piece, *own[start + size :]]), [evidence], ()
    sentences = re.split(r"(?<=[.!?])\s+", evidence)
    if len(sentences) > 2:
        words = set(claim.lower().split())
        sentences.remove(max(sentences, key=lambda one: len(words & set(one.lower().split()))))
        yield 0.25, False, claim, [" ".join(sentences)], ()


def matrix(all_rows: Iterator[Row]) -> tuple[list[str], Any, Any, Any]:
    """Returns the features' names, their values, the labels and the weights."""
    features, labels, weights = [], [], []
    for weight, label, claim, cited, context in all_rows:
        texts = [strip_markup(text) for text in cited]
        found = alignment(strip_markup(claim), texts, context)
        del found["opposite"], found["speakers"]  # a rule, and no part of the training data
        if not missing_number(claim, " ".join(texts)):
            features.append(found)
            labels.append(label)
            weights.append(weight)
    names = list(features[0])
    values = np.array([[one[name] for name in names] for one in features])
    return names, values, np.array(labels), np.array(weights)


def fit(names: Sequence[str], values: Any, labels: Any, weights: Any) -> dict[str, Any]:
    """Returns the trees; a node is [feature, threshold, below or equal, above], a leaf a number."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=LEARNING_RATE,
        l2_regularization=1.0,
        min_samples_leaf=30,
        monotonic_cst=[1 if name in FOR else -1 for name in names],
        random_state=0,
    ).fit(values, labels, sample_weight=weights)
    trees = [tree_of(stage[0].nodes, 0) for stage in model._predictors]
    base = float(model._baseline_prediction[0, 0])
    return {"features": names, "base": round(base, 4), "trees": trees}


def tree_of(nodes: Any, at: int) -> Any:
    node = nodes[at]
    if node["is_leaf"]:
        return round(float(node["value"]), 4)
    below, above = (tree_of(nodes, int(node[side])) for side in ("left", "right"))
    return [int(node["feature_idx"]), round(float(node["num_threshold"]), 6), below, above]


def main() -> None:
    """Fits the trees and writes them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    fitted = fit(*matrix(rows(parser.parse_args().folder)))
    WEIGHTS.write_text(json.dumps(fitted, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(fitted['trees'])} trees over {len(fitted['features'])} features: {WEIGHTS}")
    assert 0 <= support_score("A dam.", ["A dam."]) <= 1


if __name__ == "__main__":
    main()
