"""Accuracy of the support check: attributable replies, other replies, and planted changes.

    python -m tests.benchmarks.measure.support_begin [FOLDER]

FOLDER contains the three `begin_dev_*.tsv` of the BEGIN benchmark (Dziri et al. 2022), by default
../shared/data/begin-dev. Prints the area under the ROC curve of `support_score`, the verdicts of
the support rules on both kinds and on attributable replies with one planted change, and the same
for sentences quoted from the SQuAD articles, which contain more to change.
"""

import argparse
import csv
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag.verify.support import check_support, support_score
from tests.benchmarks.gold import ARTICLES, SHARED

SETS = ("wow", "tc", "cmu")
DEFAULT = SHARED / "data" / "begin-dev"
QUOTED, PLANTED_OF_A_KIND = 20_000, 300
Row = tuple[str, str, bool]
AUXILIARY = r"\b(is|was|are|were|has|have|had|can|could|will|would|did|does)\b(?! not|n't| n't)"


def main(folder: Path) -> None:
    sets = {name: rows(folder / f"begin_dev_{name}.tsv") for name in SETS}
    print_row("AUC of support_score", aucs(sets))
    print_row("attributable → supported", rates(sets, attributable=True))
    print_row("others → unsupported", [1 - rate for rate in rates(sets, attributable=False)])
    true = [row for name in SETS for row in sets[name] if row[2] and is_supported(row)]
    everything = [row for name in SETS for row in sets[name] if row[2]]
    print_planted("attributable replies", true, most=10_000)
    print_planted("quoted sentences", quoted_sentences(), most=PLANTED_OF_A_KIND)
    alarms = Counter(
        why.split(" ")[1] if why and why.startswith("the ") else why
        for reply, text, _ in everything
        if (why := check_support(reply, [text]).why)
    )
    print(f"{'false alarms, unaltered':32} {len(everything):7} {dict(alarms)}")


def print_planted(name: str, pairs: Sequence[Row], *, most: int) -> None:
    print(f"\n{'planted in ' + name:32} changed  caught")
    for kind, change in CHANGES.items():
        changed = [(said, text) for reply, text, _ in pairs for said in change(reply, text)][:most]
        caught = sum(check_support(said, [text]).status == "unsupported" for said, text in changed)
        print(f"{kind:32} {len(changed):7} {caught / max(1, len(changed)):7.3f}")


def quoted_sentences() -> list[Row]:
    texts = [path.read_text("utf-8") for path in sorted(ARTICLES.glob("*.txt"))]
    found = [part for text in texts for part in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n", text)]
    sentences = [part for part in found if 60 < len(part) < 300 and part[-1] in ".!?"]
    random.Random(0).shuffle(sentences)
    alarms = sum(check_support(one, [one]).status != "supported" for one in sentences[:QUOTED])
    print(f"\n{alarms} of {len(sentences[:QUOTED])} quoted sentences are called unsupported")
    return [(one, one, True) for one in sentences[:QUOTED]]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            (line["response"], line["knowledge"], line["begin_label"].startswith("Fully"))
            for line in lines
        ]


def aucs(sets: dict[str, list[Row]]) -> list[float]:
    found = []
    for name in SETS:
        scored = [(support_score(said, [text]), good) for said, text, good in sets[name]]
        found.append(auc([s for s, good in scored if good], [s for s, good in scored if not good]))
    return found


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    wins = sum((one > other) + 0.5 * (one == other) for one in good for other in bad)
    return wins / (len(good) * len(bad))


def rates(sets: dict[str, list[Row]], *, attributable: bool) -> list[float]:
    return [
        sum(check_support(said, [text]).status == "supported" for said, text, _ in chosen)
        / len(chosen)
        for name in SETS
        if (chosen := [row for row in sets[name] if row[2] is attributable])
    ]


def is_supported(row: Row) -> bool:
    return check_support(row[0], [row[1]]).status == "supported"


def digit_altered(reply: str, text: str) -> Iterator[str]:
    for match in re.finditer(r"\d", reply):
        other = reply[: match.start()] + str((int(match.group()) + 3) % 10) + reply[match.end() :]
        number = re.search(r"\d[\d.,]*", other[max(0, match.start()) :])
        if number and number.group() not in text:
            yield other
            return


def negation_added(reply: str, _text: str) -> Iterator[str]:
    if (match := re.search(AUXILIARY, reply)) and not re.search(r"\b(not?|never)\b|n't", reply):
        yield reply[: match.end()] + " not" + reply[match.end() :]


def negation_removed(reply: str, _text: str) -> Iterator[str]:
    removed = re.sub(r" (?:not|never|n't)\b|(?<=\w)n't\b", "", reply, count=1)
    removed = re.sub(r"\bno (?=[a-z])", "a ", removed, count=1) if removed == reply else removed
    if removed != reply:
        yield removed


def name_swapped(reply: str, text: str) -> Iterator[str]:
    names = re.findall(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b", reply)
    if names and names[0] in text:
        others = ("Wellington", "Margaret", "Toyota", "Uruguay")
        yield reply.replace(names[0], random.Random(len(reply)).choice(others))


CHANGES = {
    "a digit altered": digit_altered,
    "a negation added": negation_added,
    "a negation removed": negation_removed,
    "a name swapped": name_swapped,
}


def print_row(title: str, values: Sequence[float]) -> None:
    if title.startswith("AUC"):
        print(f"{'':32}" + "".join(f"{name:>8}" for name in (*SETS, "mean")))
    mean = sum(values) / len(values)
    print(f"{title:32}" + "".join(f"{value:8.3f}" for value in (*values, mean)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=DEFAULT)
    folder = parser.parse_args().folder
    if not folder.is_dir():
        sys.exit(f"{folder} does not exist; pass the folder of the BEGIN benchmark")
    main(folder)
