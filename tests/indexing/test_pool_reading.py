"""Files that Dask workers read become the same index as those that a sync reads itself."""

import os
from pathlib import Path

from index.embed.factory import EmbedSpec
from index.sync.process import Event, run_sync
from tests.indexing.test_hostile import BAD, FINE
from tests.support.corpus_builder import ARTICLES, sync_request, write_files
from tests.support.dask_cluster import Scheduler, Worker
from tests.support.every_format import every_format
from tests.support.extras import needs
from tests.support.pooled_corpus import CountingModel, contents, cosines

pytestmark = needs("distributed")

FORMATS = tuple(
    "txt md mdx log html xhtml pdf docx xlsx pptx epub eml mbox rst org csv tsv json jsonl".split()
)
SHARE = 1 if os.environ.get("SOAK") else 4
"""Which part of the hostile files is read."""


def test_files_are_read_on_workers_as_they_are_here(
    tmp_path: Path, counted: EmbedSpec, model: CountingModel, scheduler: Scheduler
) -> None:
    """Hostile ones are skipped with the same cause."""
    hostile = dict(list({**BAD, **FINE}.items())[::SHARE])
    corpus = write_files(tmp_path / "corpus", {**ARTICLES, **every_format(), **hostile})
    here = sync_request(corpus, tmp_path / "here", counted, formats=FORMATS)
    there = sync_request(corpus, tmp_path / "there", counted, formats=FORMATS, pool=scheduler.url)
    run_sync(here, lambda event: None)
    with Worker(scheduler.url, tmp_path / "worker", model.env) as worker:
        events: list[Event] = []
        run_sync(there, events.append)
        assert contents(there) == contents(here)
        assert min(cosines(there, here)) > 0.9999
        assert {"event": "pool", "scheduler": scheduler.url, "workers": 1} in events
        assert all(event["workers"] == 1 for event in events if event["event"] == "embed")
        assert (list(worker.home.iterdir()), list(scheduler.home.iterdir())) == ([], [])
    scheduler.end()
    assert not run_sync(there, lambda event: None).published, "no scheduler is needed for that"
