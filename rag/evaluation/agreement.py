"""How far a judge agrees with people: Cohen's kappa (1960) and the area under the ROC curve."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .errors import CasesMalformed
from .judge import GRADES, judge_of, verdicts
from .run_store import Json, Run
from .statistics import rank_auc


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Returns Cohen's kappa, -1 to 1; 1 where both always say the same one thing."""
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    counts, others = Counter(first), Counter(second)
    expected = sum(counts[label] * others[label] for label in counts) / n**2
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def read_labels(path: Path) -> dict[str, str]:
    """Returns people's grades by case, of JSON lines {id, label}; raises CasesMalformed."""
    labels: dict[str, str] = {}
    problems: list[tuple[int, str]] = []
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CasesMalformed(path.name, [(0, f"cannot be read: {error}")]) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
            if given["label"] not in GRADES:
                raise ValueError
            labels[str(given["id"])] = given["label"]
        except (ValueError, KeyError, TypeError):
            problems.append((number, f"needs an id and a label of {', '.join(GRADES)}"))
    if problems or not labels:
        raise CasesMalformed(path.name, problems or [(0, "there is no label in it")])
    return labels


def agreement(run: Run, labels: dict[str, str]) -> Json:
    """Returns kappa over the three grades, and the AUC of `correct`, by the cases both graded.

    `auc_faithfulness` is that of the judge's faithfulness for what people call correct. An AUC is
    None where people gave one grade only.
    """
    samples = run.samples()
    found = verdicts(run, samples)
    pairs = [
        (labels[case], grade)
        for case, held in found.items()
        if case in labels and isinstance(grade := held.get("correctness"), str)
    ]
    shares = [
        (labels[case], sum(said) / len(said))
        for case, held in found.items()
        if case in labels and isinstance(said := held.get("faithfulness"), list)
    ]
    return {
        "model": judge_of(run),
        "n": len(pairs),
        "kappa": kappa([p for p, _ in pairs], [j for _, j in pairs]) if pairs else None,
        "auc": _auc([(person, float(grade == "correct")) for person, grade in pairs]),
        "auc_faithfulness": _auc(shares),
    }


def _auc(pairs: Sequence[tuple[str, float]]) -> float | None:
    return rank_auc(
        [score for person, score in pairs if person == "correct"],
        [score for person, score in pairs if person != "correct"],
    )
