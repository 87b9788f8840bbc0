"""Fits the confidence of questions in another language than the articles, and writes it.

python -m tests.benchmarks.fit.translated_confidence --xquad FOLDER --asked FOLDER [--data-dir DIR]
    [--limit N] [--write]

XQuAD's questions in German, Spanish and Chinese over 24 English articles, with the multilingual
model; each once more without the passages of its article, which is unanswerable then. Right is a
quote with the gold answer. Fitted on half of the articles, judged on the others. And that of
questions in the language of the articles: German ones of `asked`, fit part. Needs ../shared.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from api.settings import Settings
from index.embed.protocol import Embedder
from index.store.generation import Generation
from rag.answering.confidence import TRANSLATED
from rag.answering.extractive import HITS, pick_sentences, rank_sentences
from rag.answering.features import features
from rag.retrieval.fusion import RetrievalResult, retrieve
from rag.retrieval.query import analyze_query
from rag.retrieval.weights import fitted_weights
from tests.benchmarks.fit.confidence import (
    OTHER_RIDGE,
    area_under_roc,
    fit_logistic,
    german_samples,
)
from tests.benchmarks.fit.multilingual_basis import LANGUAGES, fit_articles, xquad
from tests.benchmarks.fit.retrieval import WEIGHTS
from tests.benchmarks.gold import ARTICLES, SHARED, Case, contains_answer, load_cases
from tests.benchmarks.harness import open_settings, write_corpus

CANDIDATES = 40


@dataclass(frozen=True)
class Example:
    """A question's features, whether it can be answered, and whether what is quoted is right."""

    language: str
    article: str
    values: dict[str, float]
    answerable: bool
    right: bool


def examples(
    generation: Generation, embedder: Embedder, language: str, case: Case, question: str
) -> list[Example]:
    """Returns the question's example, and the one without its article."""
    query = analyze_query(generation, embedder, question)
    result = retrieve(generation, query, weights=fitted_weights(), top_k=CANDIDATES)
    article, made = case.evidence[0][0], []
    for answerable in (True, False):
        kept = [hit for hit in result.hits if answerable or hit.source.path != article][:HITS]
        hits = tuple(replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1))
        ranked = rank_sentences(question, hits)
        if picks := pick_sentences(ranked, hits):
            quoted = " ".join(hits[pick.hit].units[pick.sentence].text for pick in picks)
            values = features(question, RetrievalResult(query, hits), picks, ranked)
            right = answerable and contains_answer(quoted, case.answers)
            made.append(Example(language, article, values, answerable, right))
    return made


def report(name: str, judged: Sequence[Example], terms: dict[str, float], threshold: float) -> None:
    """Prints the AUC, and what is answered and refused at the threshold."""
    score = terms["intercept"] + sum(
        terms[name] * np.array([one.values[name] for one in judged]) for name in TRANSLATED
    )
    answered = 1 / (1 + np.exp(-score)) >= threshold
    right, can = (np.array([getattr(one, n) for one in judged]) for n in ("right", "answerable"))
    print(
        f"{name:6} n {can.sum()}  AUC {area_under_roc(right, score):.3f}  "
        f"right {(answered & right).sum() / can.sum():.3f}  "
        f"wrong {(answered & ~right & can).sum() / can.sum():.3f}  "
        f"refused without the article {1 - (answered & ~can).sum() / (~can).sum():.3f}"
    )


def german_terms(folder: Path, data: Path) -> dict[str, float]:
    """Returns the coefficients of questions in the language of the articles."""
    samples = list(german_samples(folder, data, "multilingual"))
    names = ("certainty", *TRANSLATED)
    design = np.array([[one.features[name] for name in names] for one in samples])
    labels = np.array([one.right for one in samples], float)
    beta = fit_logistic(design, labels, np.ones(len(labels)), ridge=OTHER_RIDGE).tolist()
    return dict(zip(("intercept", *names), beta, strict=True))


def main() -> None:
    """Asks, fits, prints, and writes where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xquad", type=Path, required=True)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = load_cases(SHARED / "data" / "squad-articles" / "xquad.jsonl")[: options.limit]
    names = sorted({source for case in cases for source, _ in case.evidence})
    corpus = options.data_dir / "corpora" / "xquad"
    write_corpus(corpus, {name: (ARTICLES / name).read_text("utf-8") for name in names})
    settings = Settings(
        corpus=corpus,
        data_dir=options.data_dir,
        collection="xquad-multilingual",
        embed={"built_in": "multilingual"},
    )
    made: list[Example] = []
    with open_settings(settings) as (components, generation):
        for language in LANGUAGES[1:]:
            asked = dict(pair for qs in xquad(options.xquad, language).values() for pair in qs)
            for case in cases:
                question = asked[case.id]
                made += examples(generation, components.embedder, language, case, question)
    fit_on = {f"{title}.txt" for title in fit_articles(list(xquad(options.xquad, "en")))}
    fitted = [one for one in made if one.article in fit_on]
    design = np.array([[one.values[name] for name in TRANSLATED] for one in fitted])
    labels = np.array([one.right for one in fitted], float)
    beta = fit_logistic(design, labels, np.ones(len(labels)), ridge=OTHER_RIDGE).tolist()
    terms = dict(zip(("intercept", *TRANSLATED), beta, strict=True))
    print(terms)
    data = json.loads(WEIGHTS.read_text("utf-8"))
    judged = [one for one in made if one.article not in fit_on]
    for language in LANGUAGES[1:]:
        own = [one for one in judged if one.language == language]
        report(language, own, terms, data["other_threshold"])
    german = german_terms(options.asked, options.data_dir)
    print(german)
    if options.write:
        data["multilingual_confidence"] = {name: round(v, 1) for name, v in german.items()}
        data["translated_confidence"] = {name: round(value, 1) for name, value in terms.items()}
        WEIGHTS.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
