"""Trains the reader: an adapter of the embedder's weights that says whether a passage answers.

uv run --with-requirements tests/benchmarks/fit/reader-requirements.txt \
    python -m tests.benchmarks.fit.reader OUT [--asked FILE] [--minutes M] [--workers N]

OUT/reader-1.safetensors and -2 hold what `fit.reader_model` describes; FILE is what
`fit.reader_asked` writes. The workers, one thread each, share the parameters without locks (Niu et
al. 2011), so that none waits for another on a busy machine; the learning rate falls linearly until
the time is over. --resume goes on from a checkpoint, at a lower --rate. No validation or test
collection is read.
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import multiprocessing, nn
from torch.nn import functional

from tests.benchmarks.fit.reader_data import (
    GROUP,
    Example,
    Sampler,
    asked_questions,
    hold_out,
    shared_questions,
)
from tests.benchmarks.fit.reader_model import NEVER, Batch, Reader, encode, read, write

LEARNING_RATE, WARM_UP_STEPS, WEIGHT_DECAY, LAST_SHARE = 1.5e-3, 60, 0.01, 0.02
GROUPS_PER_STEP, STEPS_PER_POOL, LOG_STEPS = 6, 12, 20
ANSWERS_WEIGHT, GROUP_WEIGHT, SPAN_WEIGHT = 1.5, 0.5, 1.0
TRAINED_TOKENS = 192
CHECKPOINT_S = 300


def losses(model: Reader, batch: Batch) -> torch.Tensor:
    """Returns the three losses of groups: of the answers, of their order, of the spans."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, tokens = model(batch.ids, batch.mask, batch.types)
    weight = torch.tensor(ANSWERS_WEIGHT)
    answers = functional.binary_cross_entropy_with_logits(logits, batch.answers, pos_weight=weight)
    answerable = batch.answers.view(-1, GROUP)[:, 0].bool()
    groups = logits.view(-1, GROUP)[answerable]
    target = torch.zeros(len(groups), dtype=torch.long)
    order = functional.cross_entropy(groups, target) if len(groups) else torch.zeros(())
    spanned = batch.starts.any(1) & batch.ends.any(1)
    chances = tokens.masked_fill(~batch.passage[..., None], NEVER)[spanned].log_softmax(1)
    gold = torch.stack((batch.starts, batch.ends), dim=-1)[spanned]
    found = chances.masked_fill(~gold, NEVER).logsumexp(1)
    spans = -found.mean() if len(found) else torch.zeros(())
    return torch.stack((answers, order, spans))


def draw(sampler: Sampler) -> list[list[Example]]:
    """Returns the examples of some steps, in each of which the lengths are near one another."""
    groups = [sampler.group() for _ in range(GROUPS_PER_STEP * STEPS_PER_POOL)]
    groups.sort(key=lambda group: max(len(e.passage.head + e.passage.text) for e in group))
    starts = range(0, len(groups), GROUPS_PER_STEP)
    batches = [groups[start : start + GROUPS_PER_STEP] for start in starts]
    steps = [[example for group in batch for example in group] for batch in batches]
    sampler.rng.shuffle(steps)
    return steps


def train(
    model: Reader, sampler: Sampler, seconds: float, *, rate: float, out: Path, worker: int
) -> None:
    """Trains for some time; the first worker logs, and writes a checkpoint now and then."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=WEIGHT_DECAY)
    shares = torch.tensor((1.0, GROUP_WEIGHT, SPAN_WEIGHT))
    begun = saved = time.monotonic()
    step = 0
    recent: list[torch.Tensor] = []
    pool: list[list[Example]] = []
    while (passed := time.monotonic() - begun) < seconds:
        pool = pool or draw(sampler)
        share = min(1, (step + 1) / WARM_UP_STEPS) * max(LAST_SHARE, 1 - passed / seconds)
        for group in optimizer.param_groups:
            group["lr"] = rate * share
        parts = losses(model, encode(pool.pop(), TRAINED_TOKENS))
        torch.autograd.backward(parts @ shares)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        recent.append(parts.detach())
        if step % LOG_STEPS == 0:
            mean = torch.stack(recent).mean(0)
            print(
                f"{passed:5.0f} s  worker {worker}  {step * GROUPS_PER_STEP * GROUP} pairs  "
                f"loss {mean @ shares:.3f}  answers, order, spans "
                + " ".join(f"{part:.3f}" for part in mean.tolist()),
                flush=True,
            )
            recent = []
        if worker == 0 and time.monotonic() - saved > CHECKPOINT_S:
            saved = time.monotonic()
            write(model.tensors(), out / f"at-{passed:.0f}-s")
    print(f"worker {worker}: {step * GROUPS_PER_STEP * GROUP} pairs", flush=True)


@torch.no_grad()
def evaluate(model: Reader, groups: Sequence[Sequence[Example]]) -> str:
    """Returns what the model gets right of groups whose first passage answers."""
    first, found, answering, others = [], [], [], []
    for group in groups:
        batch = encode(group)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, tokens = model(batch.ids, batch.mask, batch.types)
        first.append(int(logits.argmax()) == 0)
        answering.append(logits[:1])
        others.append(logits[1:])
        start = int(tokens[0, :, 0].masked_fill(~batch.passage[0], NEVER).argmax())
        found.append(bool(batch.starts[0, max(0, start - 1) : start + 2].any()))
    above = torch.cat(answering)[:, None] > torch.cat(others)
    return (
        f"{len(groups)} groups held out: AUC {above.float().mean():.3f}, "
        f"first of {GROUP} {np.mean(first):.3f}, start within a token {np.mean(found):.3f}"
    )


def main() -> None:
    """Trains on all but the held-out questions, writes the adapter and evaluates it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--asked", type=Path, help="what fit.reader_asked has written")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--resume", type=Path, help="a folder that a run has written")
    parser.add_argument("--rate", type=float, default=LEARNING_RATE, help="at its highest")
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(1)
    questions, held = hold_out(shared_questions(), random.Random(5))
    if options.asked:
        questions["asked"] = asked_questions(options.asked)
    print({name: len(some) for name, some in questions.items()}, flush=True)
    model = Reader()
    if options.resume:
        model.load(read(options.resume))
    model.share_memory()
    workers = [
        multiprocessing.get_context("fork").Process(
            target=train,
            args=(
                model,
                Sampler(questions, random.Random(f"{number} {options.resume}")),
                options.minutes * 60,
            ),
            kwargs={"rate": options.rate, "out": options.out, "worker": number},
        )
        for number in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    write(model.tensors(), options.out)
    model.load(read(options.out))
    sampler = Sampler({"": held}, random.Random(5))
    print(evaluate(model, [sampler.examples(question, "") for question in held]))


if __name__ == "__main__":
    main()
