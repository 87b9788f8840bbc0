"""The stores, the same on SQLite and PostgreSQL: jobs, feedback, the answer log, usage, secrets."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.cli import run
from api.errors import CorpusFull, NotFound, RequestError, SettingRefused, StateUnreadable
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.answer_log import AnswerLog
from api.state.bounded_table import BoundedTable, Limits
from api.state.corpus_usage import CorpusUsage
from api.state.databases import open_state
from api.state.db import Database
from api.state.feedback import FeedbackStore
from api.state.jobs import MAX_FINISHED, JobStore
from api.state.sqlite import SqliteFile
from api.wire.signed_links import LinkSigner
from tests.support.extras import needs
from tests.support.processes import free_port, wait_until

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer

COLUMNS = ("id", "stored_s", "body")


def table(database: Database, **limits: Any) -> BoundedTable:
    most = Limits(**{"max_rows": 100, "max_bytes": 1_000_000} | limits)
    return BoundedTable(database, "answers", most, old_columns=COLUMNS)


def test_a_job_is_created_claimed_and_finished(database: Database) -> None:
    jobs = JobStore(database)
    put, other = jobs.create("put", "c", "a.txt"), jobs.create("sync", "other")
    assert jobs.pending_collections() == ["c", "other"]
    assert jobs.start("c") == [put.id]
    assert jobs.beat([put.id])
    jobs.set_progress([put.id], {"step": 1})
    running = jobs.get(put.id)
    assert (running.status, running.progress) == ("running", {"step": 1})
    report = {"generation": "000001", "skipped": [{"path": "a.txt", "cause": "is binary"}]}
    jobs.finish([put.id], report=report)
    jobs.finish([other.id], error={"code": "internal", "detail": "x"})
    done, failed = jobs.get(put.id), jobs.get(other.id)
    assert done.report is not None
    assert (done.status, done.report["generation"], done.progress) == ("done", "000001", None)
    assert (failed.status, failed.error) == ("failed", {"code": "internal", "detail": "x"})
    assert jobs.pending_collections() == []
    jobs.finish([put.id], error={"code": "internal", "detail": "late"})
    assert jobs.get(put.id).status == "done"
    with pytest.raises(NotFound):
        jobs.get("job_none")


def test_a_job_that_is_queued_again_is_anybodys(database: Database) -> None:
    jobs, others = JobStore(database), JobStore(database)
    job = jobs.create("sync", "c")
    assert jobs.start("c") == [job.id]
    jobs.requeue([job.id])
    assert others.start("c") == [job.id]


def test_a_repeated_request_makes_one_job_and_one_change(database: Database) -> None:
    workers, changes = [JobStore(database) for _ in range(4)], []

    def ask(jobs: JobStore) -> str:
        change = changes.append
        return jobs.create(
            "put", "c", "a", idempotency="k", request="r", apply=lambda: change("made")
        ).id

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(ask, workers))
    assert (len(ids), changes) == (1, ["made"])
    with pytest.raises(RequestError, match="another request"):
        workers[0].create("put", "c", "a", idempotency="k", request="another")


def test_what_a_failed_change_began_is_undone(database: Database) -> None:
    def fail() -> None:
        raise RequestError("corpus_full", "no room")

    jobs = JobStore(database)
    with pytest.raises(RequestError, match="no room"):
        jobs.create("put", "c", "a", idempotency="k", request="r", apply=fail)
    assert jobs.pending_collections() == []
    assert jobs.create("put", "c", "a", idempotency="k", request="r")


def test_old_finished_jobs_are_deleted(database: Database) -> None:
    jobs = JobStore(database)
    old = jobs.create("sync", "c")
    jobs.finish([old.id], report={"generation": "000001"})
    with jobs._connect() as db:
        rows = [(f"job_{n}", time.time() + n) for n in range(MAX_FINISHED)]
        insert = "INSERT INTO jobs (id, kind, collection, status, created_s, ended_s) VALUES "
        db.executemany(f"{insert} (?, 'sync', 'c', 'done', 1.5, ?)", rows)
    jobs.create("sync", "c")
    with pytest.raises(NotFound):
        jobs.get(old.id)
    assert jobs.get("job_0").created_s == 1.5


def test_a_table_returns_what_was_put_and_replaces_it(database: Database) -> None:
    rows = table(database)
    assert rows.get("a") is None
    assert rows.all() == []
    rows.put("a", {"text": "ü\u202e\ud800\x00"}, sender="s")
    rows.put("b", {}, sender="s")
    rows.put("a", {"text": "new"}, sender="s")
    assert rows.get("a") == {"text": "new"}
    assert [row_id for row_id, _ in rows.all()] == ["a", "b"]


def test_a_full_table_loses_the_oldest_rows_of_the_largest_sender(database: Database) -> None:
    rows = table(database, max_rows=5)
    rows.put("quiet", {}, sender="q")
    for n in range(10):
        rows.put(f"l{n}", {}, sender="loud")
    assert [row_id for row_id, _ in rows.all()] == ["l9", "l8", "l7", "l6", "quiet"]
    small = table(database, max_bytes=200)
    small.put("big", {"text": "x" * 100}, sender="loud")
    assert small.get("quiet") == {}
    assert small.get("big")


def test_many_writers_keep_a_table_within_its_limit(database: Database) -> None:
    tables = [table(database, max_rows=10) for _ in range(4)]

    def fill(n: int) -> None:
        for row in range(10):
            tables[n].put(f"{n}-{row}", {}, sender=f"{row % 2}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fill, range(4)))
    assert len(tables[0].all()) == 10


def test_old_rows_expire(database: Database) -> None:
    rows = table(database, max_age_s=60)
    rows.put("old", {}, sender="s")
    with database.connect("") as db:
        db.execute("UPDATE answers SET stored_s = stored_s - 61")
    assert rows.all() == []
    rows.put("new", {}, sender="s")
    assert rows.get("old") is None


def test_feedback_takes_the_words_of_a_logged_answer(database: Database) -> None:
    answers = AnswerLog(database)
    feedback = FeedbackStore(database, answers)
    record = {"ask": {"question": "Q?"}, "answer": "A.", "citations": [], "quotes": []}
    answers._table.put("ans_1", record, sender="s")
    for answer_id in ("ans_1", "ans_2"):
        body = {"rating": "up", "question": "theirs"}
        feedback.add(answer_id, body, by="anyone", collection="c", sender="s")
    second, first = feedback.all()
    assert (first["question"], first["words"]) == ("Q?", "service")
    assert (second["question"], second["words"]) == ("theirs", "client")


def test_a_corpus_is_counted_once_and_bounded(database: Database) -> None:
    counted: list[int] = []

    def count() -> tuple[int, int]:
        counted.append(1)
        return 3_000_000_000, 1

    usage = [CorpusUsage(database, "c", count, max_bytes=4 * 10**9, max_files=9) for _ in "ab"]
    for one in usage:
        with one.change() as totals:
            one.add(totals, 400_000_000, 1)
    assert len(counted) == 1
    with pytest.raises(CorpusFull), usage[0].change() as totals:
        usage[0].add(totals, 500_000_000, 1)
    usage[0].forget_count()
    with usage[1].change() as totals:
        assert (totals.bytes, totals.files) == (3_000_000_000, 1)


def test_all_processes_share_one_link_secret(database: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        signers = [LinkSigner(database, base="") for _ in range(4)]
        secrets = set(pool.map(lambda signer: signer.secret, signers))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 32


def test_a_change_of_a_corpus_fits_into_the_creation_of_a_job(database: Database) -> None:
    """An upload's last step: two transactions at once, for SQLite in two files."""
    uploads = database
    if isinstance(database, SqliteFile):
        uploads = SqliteFile(database.path.with_name("uploads.sqlite3"))
    usage = CorpusUsage(uploads, "c", lambda: (0, 0), max_bytes=100, max_files=100)
    jobs, lock = JobStore(database), threading.Lock()

    def change() -> None:
        with usage.change() as totals:
            usage.add(totals, 1, 1)

    def upload(n: int) -> None:
        with usage.change() as totals:
            usage.add(totals, 1, 0)
        with lock:  # as JobRunner has it
            jobs.create("put", "c", f"{n}", apply=change)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upload, range(24)))
    with usage.change() as totals:
        assert (totals.bytes, totals.files) == (48, 24)


def test_a_check_reads_and_writes(database: Database) -> None:
    JobStore(database).create("sync", "c")
    assert "SQL" in database.check()


@pytest.mark.parametrize(
    "url", ["mysql://h/db", "postgresql://me:a/b@h/db", "postgresql://me:a b@h/db"]
)
def test_what_is_no_address_of_a_database_is_refused(url: str, bare_environment: Path) -> None:
    with pytest.raises(SettingRefused) as refused:
        load_settings({"state": url})
    assert "a b" not in str(refused.value)
    assert "a/b" not in str(refused.value)


@needs("psycopg")
def test_a_server_that_is_missing_is_reported_without_its_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"postgresql://footnote:a-Password_1@127.0.0.1:{free_port()}/db"
    database = open_state(tmp_path, url).main
    for _ in range(100):
        with pytest.raises(StateUnreadable, match="Connection refused"):
            JobStore(database).pending_collections()
    assert caplog.text.count("cannot be used") == 1
    assert "a-Password_1" not in caplog.text


@needs("psycopg")
def test_tables_of_another_release_are_refused(postgres: "PostgresServer") -> None:
    from api.state.postgres import Postgres

    url = postgres.url(postgres.new_database())
    first = Postgres(url)
    JobStore(first).create("sync", "c")
    with first.connect("") as db:
        db.execute("UPDATE version SET number = 2")
    with pytest.raises(StateUnreadable, match="have version 2, and this release needs 1"):
        JobStore(Postgres(url)).pending_collections()


@needs("psycopg")
def test_a_role_that_may_not_create_works_where_the_tables_are(postgres: "PostgresServer") -> None:
    from api.state.postgres import Postgres

    name = postgres.new_database()
    owner = Postgres(postgres.url(name))
    job = JobStore(owner).create("sync", "c")
    with owner.connect("") as db:
        db.execute("CREATE ROLE plain LOGIN PASSWORD 'plain-pass'")
        db.execute("GRANT USAGE ON SCHEMA footnote TO plain")
        db.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON jobs, version TO plain")
    plain = Postgres(f"postgresql://plain:plain-pass@127.0.0.1:{postgres.port}/{name}")
    assert JobStore(plain).get(job.id).status == "queued"
    with pytest.raises(StateUnreadable, match="permission denied"):
        AnswerLog(plain).get("ans_1")


@needs("psycopg")
def test_a_server_that_hangs_or_is_restarted_is_used_again(postgres: "PostgresServer") -> None:
    from api.state.postgres import Postgres

    jobs = JobStore(Postgres(postgres.url(postgres.new_database())))
    job = jobs.create("sync", "c")
    postgres.hang()
    with pytest.raises(StateUnreadable):
        jobs.get(job.id)
    postgres.resume()
    wait_until(lambda: answers(jobs, job.id))
    postgres.stop()
    postgres.start()
    assert jobs.get(job.id) == job, "a restart between two transactions is not noticed"


def answers(jobs: JobStore, job_id: str) -> bool:
    try:
        return jobs.get(job_id).status == "queued"
    except StateUnreadable:
        return False


def test_the_state_of_a_data_folder_is_copied_once(tmp_path: Path, database: Database) -> None:
    if isinstance(database, SqliteFile):
        database = SqliteFile(tmp_path / "target.sqlite3")
    files = open_state(tmp_path / "data", None)
    keys, links = KeyStore(files.main), LinkSigner(files.main, base="")
    answers = AnswerLog(files.answers)
    feedback = FeedbackStore(files.feedback, answers)
    key = keys.create(scopes=["read"], collections=["news"], name="a site")
    answers._table.put("ans_1", {"a": 1}, sender="s")
    answers._questions.put("ans_1", {"question": "Q?"}, sender="s")
    feedback.add("ans_2", {"rating": "up"}, by="anyone", collection="c", sender="s")
    secret = links.secret
    stores = (keys, links, answers, feedback)
    assert [store.copy_to(database) for store in stores] == [1, 1, 1, 1]
    assert [store.copy_to(database) for store in stores] == [0, 0, 0, 0]
    copied = KeyStore(database)
    copied.refresh()
    assert copied.all() == keys.all()
    assert copied.find(key)
    assert LinkSigner(database, base="").secret == secret
    assert AnswerLog(database).get("ans_1") == {"a": 1}
    assert [row.body for row in AnswerLog(database).questions()] == [{"question": "Q?"}]
    assert FeedbackStore(database, AnswerLog(database)).all() == feedback.all()


@needs("psycopg")
def test_a_command_copies_it(
    bare_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres: "PostgresServer",
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["state", "import"]) == 3, "there is no database"
    assert run(["keys", "create"]) == 0
    monkeypatch.setenv("FOOTNOTE_STATE", postgres.url(postgres.new_database()))
    capsys.readouterr()
    assert run(["state", "import"]) == 0
    assert capsys.readouterr().out == "copied 1 key, 0 ratings, 0 answers, no link secret\n"
