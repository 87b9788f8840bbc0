"""The published generations over HTTP, the way back, and what is being built."""

from pathlib import Path

from tests.console.conftest import open_client, wait_ready
from tests.support.processes import (
    LocalClient,
    link_model,
    run_footnote,
    wait_until,
    write_lake_articles,
)


def test_the_serving_generation_is_listed_and_nothing_older(client: LocalClient) -> None:
    body = client.get("/v1/generations").json()
    (only,) = body["generations"]
    assert (only["generation"], only["is_serving"], only["sources"]) == ("000001", True, 2)
    assert only["bytes"] > 10_000
    assert only["engine"] == "chroma"
    assert body["building"] is None
    refused = client.post("/v1/generations/rollback")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_older_generation")


def test_a_rollback_serves_the_older_generation_and_undoes_itself(
    client: LocalClient, home: Path
) -> None:
    (home / "articles" / "new.txt").write_text("A new article about the harbour of Orrin.\n")
    job = client.post("/v1/sync", json={}).json()
    wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "done")
    newer, older = client.get("/v1/generations").json()["generations"]
    assert (newer["generation"], older["generation"]) == ("000002", "000001")
    assert (newer["is_serving"], older["is_serving"]) == (True, False)
    assert client.post("/v1/generations/rollback").json() == {"generation": "000001"}
    wait_until(lambda: client.get("/readyz").json()["generation"] == "000001")
    assert client.post("/v1/generations/rollback").json() == {"generation": "000002"}
    jobs = client.get("/v1/jobs").json()["jobs"]
    assert [one["id"] for one in jobs] == [job["id"]]


def test_jobs_are_listed_newest_first_also_where_nothing_may_be_changed(
    client: LocalClient, home: Path
) -> None:
    ids = [client.post("/v1/sync", json={}).json()["id"] for _ in range(2)]
    assert [one["id"] for one in client.get("/v1/jobs").json()["jobs"]][:2] == ids[::-1]
    with open_client(home, allow_writes=False) as reader:
        wait_ready(reader)
        assert reader.get("/v1/jobs").status_code == 200
        checks = {one["check"]: one for one in reader.get("/v1/doctor").json()["checks"]}
    assert checks["index"]["ok"] is True
    assert "verified" in checks["index"]["detail"]
    assert checks["model"]["ok"] is None
    text = str(checks)
    assert str(home) not in text
    assert run_footnote("doctor", "articles", cwd=home).returncode == 0


def test_a_rollback_is_for_all_machines_that_share_the_index(
    tmp_path: Path, seeds_data: Path
) -> None:
    write_lake_articles(tmp_path / "articles")
    link_model(tmp_path, seeds_data)
    (tmp_path / "mount").mkdir()
    current = tmp_path / "mount/collections/default/CURRENT"

    def names() -> list[str]:
        return [line[:6] for line in current.read_text().splitlines()]

    shared = {"shared": (tmp_path / "mount").as_uri(), "shared_poll_s": 0.1}
    with open_client(tmp_path, **shared) as client:
        for name in ("river.txt", "pond.txt"):
            (tmp_path / "articles" / name).write_text(f"The ice of {name} was thick in 1998.\n")
            job = client.post("/v1/sync", json={}).json()["id"]
            wait_until(lambda j=job: client.get(f"/v1/jobs/{j}").json()["status"] == "done")  # type: ignore[misc]  # bound
        assert names() == ["000002", "000001"]
        wait_until(lambda: client.get("/readyz").json()["generation"] == "000002")
        assert client.post("/v1/generations/rollback").json() == {"generation": "000001"}
        assert names() == ["000001", "000002"]
        wait_until(lambda: client.get("/readyz").json()["generation"] == "000001")
        assert client.get("/readyz").json()["behind_s"] < 60
