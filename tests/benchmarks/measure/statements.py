"""Accuracy of the support check on statements about documents, and on right sentences.

    python -m tests.benchmarks.measure.statements FOLDER [--part PART] [--ablation]

FOLDER has the collections of tests/data/asked (see tests.benchmarks.asked). Prints, for each part:
the area under the ROC curve of the score, the faults that are caught, by kind, the false alarms,
and the remarks that are seen as such; then the right sentences of tests/data/right_sentences.jsonl
that are marked otherwise. `--ablation`: each group of features at its mean, and each rule off.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.types import Citation
from rag.verify import support
from rag.verify.alignment import Features
from rag.verify.support import check_support, support_score, verifier_for
from tests.benchmarks import asked
from tests.benchmarks.measure.support_begin import DEFAULT, SETS, auc, rates, rows

RIGHT = Path(__file__).parents[2] / "data" / "right_sentences.jsonl"
PARTS = ("fit", "validate", "test")
NEIGHBOUR_CHARS = 200
GROUPS = {
    "words": ("cover", "near", "function"),
    "order": ("sequence",),
    "letters": ("soft",),
    "presupposed": ("given",),
    "uncovered words": ("unmatched", "gap", "worst"),
    "negation": ("negates", "asserts"),
    "speakers": ("speakers",),
}


@dataclass(frozen=True)
class Statement:
    """A statement with its passages; `label`: supported, unsupported or remark."""

    question: str
    text: str
    label: str
    fault: str | None
    citations: tuple[Citation, ...]

    @property
    def quotes(self) -> list[str]:
        return [one.quote for one in self.citations]

    @property
    def context(self) -> list[str]:
        around = (f"{c.title} {c.heading or ''} {c.before} {c.after}" for c in self.citations)
        return [self.question, *around]


def read_statements(folder: Path, part: str) -> list[Statement]:
    return [
        Statement(
            row["question"],
            row["statement"],
            row["label"],
            row["fault"],
            tuple(citation(folder / name / "articles", one) for one in row["evidence"]),
        )
        for name in asked.collections(part)
        for row in asked.rows("statements", name)
    ]


def citation(articles: Path, evidence: dict[str, str]) -> Citation:
    text = (articles / evidence["source"]).read_text("utf-8")
    start = text.index(evidence["from"])
    end = text.index(evidence["to"], start) + len(evidence["to"])
    headings = re.findall(r"^#+ +(.+)$", text[:start], re.MULTILINE)
    title = re.search(r'^(?:title: *|# +)"?(.+?)"?$', text, re.MULTILINE)
    before, after = text[max(0, start - NEIGHBOUR_CHARS) : start], text[end : end + NEIGHBOUR_CHARS]
    heading = headings[-1] if headings else None
    return cite(text[start:end], title.group(1) if title else "", heading, before, after)


def cite(
    quote: str, title: str, heading: str | None = None, before: str = "", after: str = ""
) -> Citation:
    return Citation(1, "", "", title, heading, None, 1, "", 0, len(quote), quote, before, after)


def verdict(one: Statement) -> str:
    return verifier_for(one.question)(one.text, one.citations).status


def score(one: Statement) -> float:
    """The score, or 0 where a rule decides against the statement."""
    checked = verifier_for(one.question)(one.text, one.citations)
    is_refused = checked.is_final and checked.status == "unsupported"
    return 0.0 if is_refused else support_score(one.text, one.quotes, context=one.context)


def print_part(name: str, statements: Sequence[Statement]) -> None:
    by_label = {
        label: [one for one in statements if one.label == label]
        for label in ("supported", "unsupported", "remark")
    }
    right, wrong, remarks = by_label.values()
    verdicts = [verdict(one) for one in wrong]
    caught, of = Counter[str | None](), Counter(one.fault for one in wrong)
    caught.update(one.fault for one, got in zip(wrong, verdicts, strict=True) if got != "supported")
    area = auc([score(one) for one in right], [score(one) for one in wrong])
    alarms = sum(verdict(one) == "unsupported" for one in right) / len(right)
    seen = sum(verdict(one) == "remark" for one in remarks)
    print(
        f"{name:10} AUC {area:.3f}  caught {caught.total() / len(wrong):.3f}  "
        f"false alarms {alarms:.3f}  remarks {seen} of {len(remarks)}"
    )
    print("           " + "  ".join(f"{kind} {caught[kind]}/{n}" for kind, n in of.items()))


def right_sentences() -> Iterator[tuple[int, str, str, str | None]]:
    """Yields number, sentence, verdict and reason of those that are marked otherwise."""
    for number, line in enumerate(RIGHT.read_text("utf-8").splitlines(), start=1):
        row = json.loads(line)
        cited = [cite(text, row["title"], None, row["before"]) for text in row["cited"]]
        got = verifier_for(row["question"])(row["sentence"], cited)
        if got.status != row["status"]:
            yield number, row["sentence"], got.status, got.why


def print_ablation(statements: Sequence[Statement]) -> None:
    sets = {name: rows(DEFAULT / f"begin_dev_{name}.tsv") for name in SETS}
    right, wrong = (
        [s for s in statements if s.label == one] for one in ("supported", "unsupported")
    )

    def figures(title: str) -> None:
        good, other = (rates(sets, attributable=one) for one in (True, False))
        caught = sum(verdict(one) != "supported" for one in wrong) / len(wrong)
        alarms = sum(verdict(one) != "supported" for one in right) / len(right)
        area = auc([score(one) for one in right], [score(one) for one in wrong])
        print(
            f"{title:20} BEGIN {sum(good) / 3:.3f} / {sum(other) / 3:.3f}   "
            f"AUC {area:.3f}  caught {caught:.3f}  false alarms {alarms:.3f}"
        )

    figures("everything")
    shipped: Callable[..., Features] = support.alignment
    for group, names in GROUPS.items():
        neutral = dict.fromkeys(names, 0.0) | {n: 1.0 for n in names if n in NEUTRAL_ONE}

        def without(*given: object, neutral: dict[str, float] = neutral) -> Features:
            return {**shipped(*given), **neutral}

        support.alignment = without
        figures(f"without {group}")
    support.alignment = shipped


NEUTRAL_ONE = ("cover", "near", "function", "sequence", "worst")


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=PARTS, action="append", help="by default fit, validate")
    parser.add_argument("--ablation", action="store_true")
    options = parser.parse_args()
    for part in options.part or PARTS[:2]:
        print_part(part, read_statements(options.folder, part))
    wrong = list(right_sentences())
    print(f"right sentences: {34 - len(wrong)} of 34")
    for number, sentence, status, why in wrong:
        print(f"  {number}. {status} ({why}): {sentence}")
    if options.ablation:
        print_ablation(read_statements(options.folder, "validate"))
    assert check_support("A dam.", ["A dam."]).status == "supported"


if __name__ == "__main__":
    main()
