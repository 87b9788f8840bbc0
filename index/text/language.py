"""Which of the interface's languages a text is in, by a classifier of byte n-grams.

langid's naive Bayes model (Lui and Baldwin 2012), as py3langid keeps it, cut to these languages: on
200 short questions in five languages 199 are right; the function words of before had 187
(DECISIONS.md).
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LANGUAGES = ("en", "de", "fr", "es", "zh")
MAX_CHARS = 400
"""Of a text that are looked at."""


def classify(text: str) -> tuple[str, float]:
    """Returns the most probable of LANGUAGES, and its probability."""
    language, probability = _identifier().classify(text[:MAX_CHARS])
    return str(language), float(probability)


@cache
def _identifier() -> "LanguageIdentifier":
    """Returns the classifier of these languages alone; 45 MB, loaded in half a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE)
    kept = [place for place, name in enumerate(whole.nb_classes) if name in LANGUAGES]
    return LanguageIdentifier(
        whole.nb_ptc[:, kept].copy(),
        whole.nb_pc[kept],
        [whole.nb_classes[place] for place in kept],
        whole.tk_nextmove,
        whole.tk_output,
        norm_probs=True,
        tk_row=whole.tk_row,
    )
