"""How a figure reads, the same in every report."""

from collections.abc import Mapping
from typing import Any

_AGREES = (("kappa", "kappa"), ("auc", "AUC"), ("auc_faithfulness", "AUC of faithfulness"))

Figure = Mapping[str, Any]  # Any: a metric's JSON of the summary


def value(figure: Figure) -> str:
    """Returns a figure with its interval: `0.874 [0.851, 0.894]`."""
    if figure["value"] is None:
        return "–"
    if figure["unit"] in ("tokens", "currency"):
        return f"{figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def beside(figure: Figure) -> str:
    """Returns how the interval was made, and the other one where there are two."""
    said = str(figure["method"])
    for name, words in (("clustered", "by cluster"), ("by_case", "by case")):
        if other := figure.get(name):
            of = f" ({other['clusters']})" if other["clusters"] else ""
            said += f"; {words}{of} [{other['low']:.3f}, {other['high']:.3f}]"
    return said


def percent(share: float | None) -> str:
    """Returns a share in percent with one digit."""
    return "–" if share is None else f"{share * 100:.1f} %"


def p_value(p: float) -> str:
    """Returns a p-value with two digits that count."""
    return "< .0001" if p < 0.0001 else f"{p:.2g}"


def target(config: Mapping[str, Any]) -> str:
    """Returns what was measured, in a few words."""
    kind = config.get("target", "?")
    named = {"url": "url", "attribute": "attribute", "endpoint": "model"}.get(str(kind))
    what = f" {config[named]}" if named and config.get(named) else ""
    model = config.get("model")
    return f"{kind}{what}" + (f", answers by {model}" if model and named != "model" else "")


def judge(held: Mapping[str, Any] | None) -> str:
    """Returns who judged and how far people agree with it; empty where nobody did."""
    if held is None:
        return ""
    said = f"judged by {held['model']} ({held['prompts']})"
    found = held["agreement"]
    if found is None:
        return f"{said}; its agreement with people was not measured"
    figures = [f"{found[name]:.2f} {words}" for name, words in _AGREES if found[name] is not None]
    return f"{said}; agrees with people: {', '.join(figures)}, n {found['n']}"
