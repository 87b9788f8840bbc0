"""Fits the means and the PCA basis of the multilingual model's vectors, and writes them.

python -m tests.benchmarks.fit.multilingual_basis --guide CLONE --xquad FOLDER
    [--data-dir DIR] [--write]

Passages: PASSAGES, a sixth each of the SQuAD articles and of five languages of the Open Source
Guides (github.com/github/opensource.guide at ebc9678e, CC BY 4.0), sampled with a seed. Questions:
those of the fit half of XQuAD (`fit_articles`) in four languages (github.com/google-deepmind/xquad,
CC BY-SA 4.0); FOLDER has its `xquad.LANGUAGE.json`. Each language counts alike. Needs ../shared.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from index.embed import quantize
from index.embed.multilingual import embedder
from index.text.sanitize import sanitize
from tests.benchmarks.gold import ARTICLES

FOLDER = Path(quantize.__file__).parent
LANGUAGES = ("en", "de", "es", "zh")
GUIDES = ("de", "es", "fr", "zh-hans", "")
PASSAGES, QUESTIONS, CHARS, SEED = 1500, 150, 800, 7


def xquad(folder: Path, language: str) -> dict[str, list[tuple[str, str]]]:
    """Returns the (id, question) of each article, by its title in English."""
    articles = json.loads((folder / f"xquad.{language}.json").read_text("utf-8"))["data"]
    english = json.loads((folder / "xquad.en.json").read_text("utf-8"))["data"]
    return {
        one["title"]: [(q["id"], q["question"]) for p in other["paragraphs"] for q in p["qas"]]
        for one, other in zip(english, articles, strict=True)
    }


def fit_articles(titles: Sequence[str]) -> set[str]:
    """Returns every second title: what is fitted on; the others are what it is judged on."""
    return set(sorted(titles)[::2])


def passages(guide: Path) -> list[list[str]]:
    """Returns sampled passages of each language."""
    rng = np.random.default_rng(SEED)
    texts = [[path.read_text("utf-8") for path in sorted(ARTICLES.glob("*.txt"))]]
    for language in GUIDES:
        files = sorted((guide / "_articles" / language).glob("*.md"))
        texts.append([path.read_text("utf-8") for path in files])
    chosen = []
    for corpus in texts:
        pieces = [t[at : at + CHARS] for t in corpus for at in range(0, len(t), CHARS)]
        places = rng.permutation(len(pieces))[: PASSAGES // len(texts)]
        chosen.append([sanitize(pieces[place]) for place in places])
    return chosen


def questions(folder: Path) -> list[list[str]]:
    """Returns questions of the fit half in each language."""
    chosen = []
    for language in LANGUAGES:
        articles = xquad(folder, language)
        every = [q for title in sorted(fit_articles(list(articles))) for _, q in articles[title]]
        chosen.append(every[:: max(1, len(every) // QUESTIONS)])
    return chosen


def vectors(
    model: embedder.MultilingualE5, texts: Sequence[str], *, is_question: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the unit vectors of the texts, and those of their content words."""
    whole, words = [], []
    for text in model.tokenize(texts, is_question=is_question):
        tokens = model.tokens([text.ids])[0]
        mean = tokens.mean(axis=0)
        whole.append(mean / np.linalg.norm(mean))
        ids = list(text.ids[: len(tokens)])
        places = [n for n, span in enumerate(text.offsets[: len(tokens)]) if span[1] > span[0]]
        rows = tokens[[n for n in places if model.is_content[ids[n]]]]
        words.append(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return np.array(whole), np.concatenate(words)


def fitted(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Returns the means (4, d) and the scaled basis (d, 96), and prints what it explains."""
    model = embedder.MultilingualE5(options.data_dir / "models")
    asked = [vectors(model, texts, is_question=True) for texts in questions(options.xquad)]
    read = [vectors(model, texts, is_question=False) for texts in passages(options.guide)]
    means = np.array(
        [
            np.mean([whole.mean(axis=0) for whole, _ in read], axis=0),
            np.mean([whole.mean(axis=0) for whole, _ in asked], axis=0),
            np.mean([words.mean(axis=0) for _, words in read], axis=0),
            np.mean([words.mean(axis=0) for _, words in asked], axis=0),
        ]
    )
    moments = np.zeros((model.dimensions, model.dimensions))
    for _, words in read:
        rows = words - embedder.WORD_SHARE * means[2]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        moments += rows.T.astype(np.float64) @ rows / len(rows)
    values, components = np.linalg.eigh(moments / len(read))
    values, components = values[::-1], components[:, ::-1]
    top = values[: quantize.COMPONENTS]
    print(f"{top.sum() / values.sum():.3f} of the variance is explained")
    signs = np.sign(components[np.abs(components).argmax(axis=0), np.arange(len(values))])
    basis = (components * signs)[:, : quantize.COMPONENTS] * np.sqrt(top / top.sum())
    return means, basis


def main() -> None:
    """Embeds, decomposes, and writes where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guide", type=Path, required=True)
    parser.add_argument("--xquad", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    means, basis = fitted(options)
    if options.write:
        np.save(FOLDER / embedder.MEANS, means.astype(np.float16))
        np.save(FOLDER / embedder.BASIS, basis.astype(np.float16))


if __name__ == "__main__":
    main()
