"""Fits the PCA basis of the quantized token vectors, and writes it.

python -m tests.benchmarks.fit.basis [--data-dir DIR] [--write]

The principal components of the unit token vectors (letters and digits, no stop words) of PASSAGES
passages, half from the SQuAD articles and half from the documentation, sampled with a seed. No
question is used. Needs ../shared.
"""

import argparse
from pathlib import Path

import numpy as np

from index.embed import minilm, quantize
from index.text.sanitize import sanitize
from tests.benchmarks.gold import ARTICLES
from tests.benchmarks.measure import anthropic_docs

BASIS = Path(quantize.__file__).with_name(quantize.BASIS)
PASSAGES, CHARS, SEED = 4000, 800, 7


def texts() -> list[str]:
    """Returns sampled passages of both corpora."""
    rng = np.random.default_rng(SEED)
    articles = [path.read_text("utf-8") for path in sorted(ARTICLES.glob("*.txt"))]
    sections = anthropic_docs.read("anthropic_docs.json")
    chosen: list[str] = []
    for corpus in (articles, [anthropic_docs.section(entry) for entry in sections]):
        pieces = [t[at : at + CHARS] for t in corpus for at in range(0, len(t), CHARS)]
        indexes = rng.permutation(len(pieces))[: PASSAGES // 2]
        chosen += [sanitize(pieces[index]) for index in indexes]
    return chosen


def main() -> None:
    """Embeds, decomposes, prints how much is preserved, and writes where that is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    model = minilm.MiniLM(options.data_dir / "models")
    moments = np.zeros((model.dimensions, model.dimensions))
    tokens = 0
    for text in texts():
        ids = minilm.tokenizer().encode(text).ids[: minilm.MAX_TOKENS]
        rows = model.tokens([ids])[0][model.is_content[ids]]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        moments += rows.T.astype(np.float64) @ rows
        tokens += len(rows)
    values, vectors = np.linalg.eigh(moments / tokens)
    values, vectors = values[::-1], vectors[:, ::-1]
    top_values = values[: quantize.COMPONENTS]
    print(f"{tokens} tokens; {top_values.sum() / values.sum():.3f} of their variance is explained")
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    basis = (vectors * signs)[:, : quantize.COMPONENTS] * np.sqrt(top_values / top_values.sum())
    if options.write:
        np.save(BASIS, basis.astype(np.float16))


if __name__ == "__main__":
    main()
