"""Rebuilds the collections that the questions of tests/data/asked are about.

Run `python -m tests.benchmarks.asked FOLDER`: it fetches each public repository at its commit
and writes FOLDER/NAME/articles. `--mirror` reads local clones instead: a path with {owner} and
{name} in it.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ASKED = Path(__file__).parents[1] / "data" / "asked"
_FORMATS = {".md", ".mdx", ".html"}
Json = dict[str, Any]


def collections(part: str | None = None) -> dict[str, Json]:
    """Returns the collections by name: all, or those of one part (fit, validate or test)."""
    every: dict[str, Json] = json.loads((ASKED / "corpora.json").read_text("utf-8"))
    return {name: one for name, one in every.items() if part in (None, one["part"])}


def rows(kind: str, name: str) -> list[Json]:
    """Returns a collection's rows of one kind: questions or statements."""
    lines = (ASKED / f"{name}.{kind}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def evidence_spans(row: Json, corpus: Path) -> list[tuple[str, int, int]]:
    """Returns the (source, start, end) of a question's evidence in the documents."""
    spans = []
    for evidence in row["evidence"]:
        with (corpus / evidence["source"]).open(encoding="utf-8-sig", newline="") as file:
            start = file.read().index(evidence["quote"])
        spans.append((evidence["source"], start, start + len(evidence["quote"])))
    return spans


def build(collection: Json, target: Path, mirror: str | None = None) -> int:
    """Writes a collection's documents under a folder; returns how many."""
    count = 0
    for source in collection["sources"]:
        for path, content in _documents(source, mirror):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(content)
            count += 1
    return count


def _documents(source: Json, mirror: str | None) -> Iterator[tuple[str, bytes]]:
    """Yields each document's path, under its repository's name, and content."""
    owner, name = source["repository"].split("/")
    commit, paths = source["commit"], source["paths"]
    with tempfile.TemporaryDirectory() as folder:
        clone = mirror.format(owner=owner, name=name) if mirror else folder
        if not mirror:
            url = f"https://github.com/{owner}/{name}"
            _git(clone, "init", "-q")
            _git(clone, "fetch", "-q", "--depth", "1", "--filter", "blob:none", url, commit)
        listed = _git(clone, "ls-tree", "-rz", "--name-only", "--full-tree", commit, *paths)
        for path in filter(None, listed.decode().split("\0")):
            if Path(path).suffix in _FORMATS:
                yield f"{name}/{path}", _git(clone, "show", f"{commit}:{path}")


def _git(clone: str, *arguments: str) -> bytes:
    command = ["git", "-C", clone, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def main() -> None:
    """Builds every collection that the folder lacks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mirror", help="read local clones instead: a path's pattern")
    options = parser.parse_args()
    for name, collection in collections().items():
        target = options.folder / name / "articles"
        if target.exists():
            print(f"{name}: there already")
        else:
            print(f"{name}: {build(collection, target, options.mirror)} documents", flush=True)


if __name__ == "__main__":
    main()
