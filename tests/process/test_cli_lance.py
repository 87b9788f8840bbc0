"""`FOOTNOTE_ENGINE=lance`: the commands and the service work as with the default."""

from pathlib import Path

import httpx

from tests.support.extras import needs
from tests.support.processes import RunningService, run_footnote

pytestmark = needs("lance")

LANCE = {"FOOTNOTE_ENGINE": "lance"}


def test_commands_and_the_service_work_with_lance(home: Path) -> None:
    articles = home / "articles"
    articles.mkdir()
    (articles / "lake.txt").write_text("The lake froze for 142 days in 1998. The ice was thick.\n")

    def footnote(*arguments: object) -> str:
        done = run_footnote(*arguments, cwd=home, env=LANCE)
        assert done.returncode == 0, done.stderr
        assert "WARN" not in done.stderr
        return done.stdout + done.stderr

    footnote("sync", "articles")
    (articles / "pond.txt").write_text("The pond is two metres deep and full of frogs.\n")
    footnote("sync", "articles")
    (generation,) = (home / ".data/collections/default/generations").glob("000002")
    assert (generation / "dataset/passages").is_dir()
    assert not (generation / "catalog.sqlite3").exists()
    assert "142 days" in footnote("ask", "How many days did the lake freeze in 1998?")
    footnote("verify")
    assert "000002" in footnote("status")
    footnote("rollback")
    assert "000001" in footnote("status")
    footnote("sync", "articles")
    with RunningService("--no-sync", "--workers", "2", cwd=home, env=LANCE) as service:
        question = {"question": "How deep is the pond?"}
        reply = httpx.post(f"{service.url}/v1/answers", json=question, timeout=60).json()
        assert "two metres" in reply["answer"]
        assert reply["index"]["generation"] == "000003"
