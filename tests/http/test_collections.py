"""Several collections in one service: which one is meant, who may see which, and what is ready."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from api.app import create_app
from api.errors import SettingRefused
from api.security.keys import KeyStore
from api.settings import Settings, load_settings
from api.state.sqlite import SqliteFile
from tests.support.browser import ask_in_chat
from tests.support.processes import (
    LocalClient,
    RunningService,
    link_model,
    run_footnote,
    wait_until,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOML = '[collections.lakes]\ncorpus = "lakes"\n[collections.hills]\ncorpus = "hills"\n'
FROZE = {"question": "How long did the lake freeze in 1998?"}
HIGH = {"question": "How high is the hill of Orrin?"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, seeds_data: Path) -> Path:
    """Two corpora, a footnote.toml that names them, and the indexes of both."""
    home = tmp_path_factory.mktemp("collections")
    texts = {"lakes": "The lake froze for 142 days in 1998.", "hills": "Orrin is 812 metres high."}
    for name, text in texts.items():
        (home / name).mkdir()
        (home / name / "a.txt").write_text(f"{text} Nobody lives there, and few have seen it.\n")
    (home / "footnote.toml").write_text(TOML)
    link_model(home, seeds_data)
    done = run_footnote("sync", cwd=home)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def settings(folder: Path, bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(folder)
    return load_settings({})


@pytest.fixture
def client(settings: Settings) -> Iterator[LocalClient]:
    with LocalClient(create_app(settings)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def test_each_collection_answers_from_its_own_articles(client: LocalClient) -> None:
    lakes = client.post("/v1/answers", json=FROZE | {"collection": "lakes"}).json()
    hills = client.post("/v1/answers", json=HIGH | {"collection": "hills"}).json()
    assert "142 days" in lakes["answer"]
    assert "812 metres" in hills["answer"]
    assert [body["index"]["collection"] for body in (lakes, hills)] == ["lakes", "hills"]
    hits = client.post("/v1/search", json={"query": "lake", "collection": "hills"}).json()["hits"]
    assert all("lake" not in hit["text"] for hit in hits)


@pytest.mark.browser
def test_the_page_lets_one_choose_the_collection(page: "Page", folder: Path) -> None:
    with RunningService("--no-sync", cwd=folder) as service:
        page.goto(service.url)
        choice = page.locator("nav a")
        choice.first.wait_for()
        assert choice.all_inner_texts() == ["hills", "lakes"]
        ask_in_chat(page, HIGH["question"])
        assert "812 metres" in page.inner_text("footnote-chat .text")
        choice.nth(1).click()
        page.locator("nav a[aria-current]", has_text="lakes").wait_for()
        ask_in_chat(page, FROZE["question"])
        assert "142 days" in page.inner_text("footnote-chat .text")
        page.screenshot(path=folder / "collections.png")


def test_a_citation_opens_whichever_collection_it_is_from(client: LocalClient) -> None:
    for body in (FROZE | {"collection": "lakes"}, HIGH | {"collection": "hills"}):
        cited = client.post("/v1/answers", json=body).json()["citations"][0]
        text = client.get(f"/v1/sources/{cited['source_id']}/text").text
        assert text[cited["start"] : cited["end"]] == cited["quote"]
        assert "<mark" in client.get(cited["url"]).text
        listed = client.get("/v1/sources", params={"collection": body["collection"]}).json()
        assert [source["id"] for source in listed["sources"]] == [cited["source_id"]]
    assert client.get("/v1/sources/no-such-source").json()["code"] == "source_not_found"


def test_where_several_are_served_one_must_be_named_and_the_refusal_names_them(
    client: LocalClient,
) -> None:
    unclear = client.post("/v1/answers", json=FROZE)
    assert (unclear.status_code, unclear.json()["code"]) == (422, "invalid_request")
    assert "hills, lakes" in unclear.json()["detail"]
    unknown = client.post("/v1/search", json={"query": "x", "collection": "seas"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "collection_not_found")


def test_readiness_is_that_of_every_collection(client: LocalClient) -> None:
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["complete"], ready["sources"]) == ("ready", True, 2)
    assert {name: one["generation"] for name, one in ready["collections"].items()} == {
        "hills": "000001",
        "lakes": "000001",
    }


def test_the_metrics_cover_each_collection(client: LocalClient) -> None:
    def is_reported(name: str) -> bool:
        return f'footnote_sources{{collection="{name}"}} 1.0' in client.get("/metrics").text

    wait_until(lambda: is_reported("hills") and is_reported("lakes"))


def test_the_models_are_named_after_the_collections(client: LocalClient) -> None:
    names = [model["id"] for model in client.get("/v1/models").json()["data"]]
    assert names == ["footnote/hills", "footnote/lakes"], "none of them is the default one"
    assert client.get("/v1/models/footnote").status_code == 422
    body = {
        "model": "footnote/lakes",
        "messages": [{"role": "user", "content": FROZE["question"]}],
    }
    completion = client.post("/v1/chat/completions", json=body).json()
    assert "142 days" in completion["choices"][0]["message"]["content"]


def test_a_key_sees_its_collections_and_no_others(settings: Settings, folder: Path) -> None:
    state = folder / ".data" / "state.sqlite3"
    key = KeyStore(SqliteFile(state)).create(scopes=["read"], collections=["hills"])
    try:
        with LocalClient(
            create_app(settings), headers={"Authorization": f"Bearer {key}"}
        ) as client:
            wait_until(lambda: client.get("/readyz").status_code == 200)
            answer = client.post("/v1/answers", json=HIGH).json()
            foreign = client.post("/v1/answers", json=FROZE | {"collection": "lakes"})
            sources = client.get("/v1/sources").json()
            visible = client.get("/readyz").json()["collections"]
            models = client.get("/v1/models").json()["data"]
    finally:
        state.unlink()
    assert answer["index"]["collection"] == "hills", "the only one that it may see"
    assert (foreign.status_code, foreign.json()["code"]) == (404, "collection_not_found")
    assert [source["source"] for source in sources["sources"]] == ["a.txt"]
    assert list(visible) == ["hills"]
    assert [model["id"] for model in models] == ["footnote", "footnote/hills"]


def test_a_service_is_not_ready_before_each_collection_is(folder: Path, tmp_path: Path) -> None:
    """One of the two has an index already; the other is built while the first one answers."""
    (tmp_path / "footnote.toml").write_text(TOML)
    for name in ("lakes", "hills"):
        (tmp_path / name).symlink_to(folder / name)
    link_model(tmp_path, folder / ".data")
    assert run_footnote("sync", "--collection", "lakes", cwd=tmp_path).returncode == 0
    with RunningService(cwd=tmp_path) as service:
        ready = httpx.get(service.url + "/readyz").json()
        log = service.stop()
    assert list(service.ready["collections"]) == ["hills", "lakes"]
    assert ready["collections"]["hills"]["generation"] == "000001"
    assert "nothing has changed: generation 000001" in log


def test_the_command_line_asks_the_named_collection(folder: Path) -> None:
    done = run_footnote("ask", HIGH["question"], "--collection", "hills", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "812 metres" in done.stdout
    unclear = run_footnote("search", "lake", cwd=folder)
    assert unclear.returncode == 3
    assert "hills, lakes" in unclear.stderr


def test_the_selected_collection_is_served_or_all_of_them() -> None:
    groups = {"lakes": {"corpus": "l"}, "hills": {"corpus": "h"}}

    def served(**flags: object) -> dict[str, str]:
        return {
            one.collection: str(one.corpus)
            for one in Settings.model_validate(flags).per_collection()
        }

    assert served() == {"default": "seeds"}
    assert served(corpus="x", collection="y") == {"y": "x"}
    assert served(collections=groups) == {"lakes": "l", "hills": "h"}
    assert served(collections=groups, corpus="x") == {"default": "x", "lakes": "l", "hills": "h"}
    assert served(collections=groups, collection="hills") == {"hills": "h"}
    assert Settings.model_validate(
        {"collections": groups, "corpus": "x"}
    ).single_collection().corpus == Path("x")
    with pytest.raises(SettingRefused, match="hills, lakes"):
        Settings.model_validate({"collections": groups}).single_collection()


def test_a_name_that_could_leave_the_data_folder_is_refused() -> None:
    with pytest.raises(SettingRefused, match="collections"):
        load_settings({"collections": {"../news": {"corpus": "x"}}})
