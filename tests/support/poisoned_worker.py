"""A worker that returns what no honest one computes: `python -m … URL POISON`."""

import json
import os
import sys
from pathlib import Path

import numpy as np

from index.embed.factory import EmbedSpec, open_embedder
from index.embed.packed import digest_of
from index.embed.pool import serve
from index.sync.pool.tasks import EmbedReply, EmbedTask, IngestTasks, ReadTask


class PoisonedTasks(IngestTasks):
    """The functions of a worker, wrong in one way."""

    poison = ""

    def embed(self, task: EmbedTask) -> object:  # type: ignore[override]
        """Returns wrong vectors."""
        reply = super().embed(task)
        if not isinstance(reply, EmbedReply):
            return reply
        rows = list(reply.rows)
        if self.poison == "not a number":
            vector = np.frombuffer(rows[0].vector, "<f4") * np.float32("nan")
            digest = digest_of(vector.tobytes(), rows[0].words)
            rows[0] = rows[0]._replace(vector=vector.tobytes(), digest=digest)
        return reply._replace(rows=tuple(rows))

    def read(self, task: ReadTask) -> object:  # type: ignore[override]
        """Returns passages that are not in the text."""
        answers = super().read(task)
        if self.poison != "passages" or not isinstance(answers, tuple):
            return answers
        header, text, chunks = answers[0]
        rows = json.loads(chunks)
        rows[0][2] += 1_000_000
        return ((header, text, json.dumps(rows).encode()), *answers[1:])


def main() -> None:
    """Works until it is killed."""
    url, poison = sys.argv[1:]
    env = os.environ
    spec = EmbedSpec(
        kind="openai",
        model=env["FOOTNOTE_EMBED__MODEL"],
        base_url=env["FOOTNOTE_EMBED__BASE_URL"],
        api_key=None,
        models_dir=Path("models"),
    )
    tasks = PoisonedTasks(lambda: open_embedder(spec), None)
    tasks.poison = poison
    functions = {"embed": tasks.embed, "read": tasks.read}
    serve(url, functions, Path("scratch"), lambda address: print("working for one", flush=True))  # noqa: T201


if __name__ == "__main__":
    main()
