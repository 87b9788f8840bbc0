"""A citation's link opens its one view without a key, for a while, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from api.app import create_app
from api.errors import LinkInvalid
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from api.wire.escape import escape
from api.wire.signed_links import STEP_S, LinkSigner
from index.embed.factory import EmbedSpec
from tests.support.corpus_builder import sync_in_process, sync_request, write_files
from tests.support.fakes import FakeModel
from tests.support.parsed_page import ParsedPage
from tests.support.processes import LocalClient, link_index, wait_until

ASK = {"question": "How long did the lake freeze in 1998?"}
LAKE = "The lake froze for 142 days in 1998."


@pytest.fixture
def data(lakes: Path, tmp_path: Path) -> Path:
    """A data folder of its own over the index of the lakes, with a key."""
    return link_index(lakes / ".data", tmp_path / "data")


@pytest.fixture
def keyed(data: Path) -> Iterator[tuple[LocalClient, str]]:
    """The service, which wants a key, and one of its citations' links."""
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with LocalClient(create_app(load_settings({"data_dir": data}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        headers = {"Authorization": f"Bearer {key}"}
        answer = client.post("/v1/answers", json=ASK, headers=headers).json()
        yield client, answer["citations"][0]["url"]


def made(state: Path, *, ttl_s: int = 60, source: str = "s") -> str:
    links = LinkSigner(SqliteFile(state), base="", ttl_s=ttl_s)
    return links.view_url(source, "ab" * 32, start=0, end=len(LAKE), quote=LAKE)


def checked(state: Path, url: str) -> bool:
    parts = urlsplit(url)
    return LinkSigner(SqliteFile(state), base="", ttl_s=60).verify(parts.path, parts.query)


def test_a_link_opens_its_view_without_a_key(keyed: tuple[LocalClient, str]) -> None:
    client, url = keyed
    page = client.get(url)
    assert page.status_code == 200
    assert LAKE in ParsedPage(page.text).marked


def test_whatever_key_comes_with_it_a_link_opens_its_view(
    keyed: tuple[LocalClient, str], data: Path
) -> None:
    client, url = keyed
    keys = KeyStore(SqliteFile(data / "state.sqlite3"))
    other = keys.create(scopes=["read"], collections=["other"])
    for key in (other, keys.create(scopes=["write"]), "nonsense"):
        page = client.get(url, headers={"Authorization": f"Bearer {key}"})
        assert page.status_code == 200
        assert LAKE in ParsedPage(page.text).marked


def test_every_passage_and_citation_has_one_in_streams_and_hits_too(data: Path) -> None:
    with LocalClient(create_app(load_settings({"data_dir": data}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        answer = client.post("/v1/answers", json=ASK).json()
        hits = client.post("/v1/search", json={"query": "ice"}).json()["hits"]
        stream = client.post("/v1/answers", json=ASK | {"stream": True}).text
    KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with LocalClient(create_app(load_settings({"data_dir": data}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        for shown in [*answer["citations"], *answer["passages"], *hits]:
            marked = ParsedPage(client.get(shown["url"]).text).marked
            assert marked == escape(shown.get("quote", shown.get("text")))
            assert shown["url"] in stream


def test_listed_articles_have_one_too(data: Path) -> None:
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    with LocalClient(create_app(load_settings({"data_dir": data}))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        headers = {"Authorization": f"Bearer {key}"}
        asked = {"question": "Which articles do you have?"}
        answer = client.post("/v1/answers", json=asked, headers=headers).json()
        assert answer["kind"] == "catalogue"
        assert answer["sources"]
        for listed in answer["sources"]:
            page = client.get(listed["url"])
            assert page.status_code == 200
            assert ParsedPage(page.text).marked == ""
            assert listed["title"] in answer["answer"]


def test_a_link_opens_nothing_else(keyed: tuple[LocalClient, str]) -> None:
    client, url = keyed
    parts = urlsplit(url)
    source = parts.path.removesuffix("/view")
    for path in (source, f"{source}/text", "/v1/sources", "/metrics", "/nothing"):
        assert client.get(f"{path}?{parts.query}").status_code == 401
    other = client.get(f"/v1/sources/other/view?{parts.query}")
    assert other.status_code == 403
    assert LAKE not in other.text


@pytest.mark.parametrize("name", ["start", "end", "v", "q", "exp", "sig"])
@pytest.mark.parametrize("how", ["altered", "missing", "twice", "spelt otherwise"])
def test_a_link_that_was_altered_is_refused_on_a_page(
    name: str, how: str, keyed: tuple[LocalClient, str]
) -> None:
    client, url = keyed
    pairs = parse_qsl(urlsplit(url).query)
    at = [key for key, _ in pairs].index(name)
    value = pairs[at][1]
    last = "1" if value[-1] != "1" else "2"
    if how == "altered":
        pairs[at] = (name, value[:-1] + last)
    elif how == "missing":
        pairs.pop(at)
    elif how == "twice":
        pairs.append((name, value))
    else:
        pairs[at] = (name, f"0{value}")
    response = client.get(f"{urlsplit(url).path}?{urlencode(pairs)}")
    assert response.status_code == (401 if (name, how) == ("sig", "missing") else 403)
    assert LAKE not in response.text
    if response.status_code == 403:
        assert "altered" in response.text
        assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_a_link_ends(keyed: tuple[LocalClient, str], data: Path) -> None:
    client, url = keyed
    expires_s = int(dict(parse_qsl(urlsplit(url).query))["exp"])
    week_s = 7 * 86_400
    assert week_s - 10 < expires_s - time.time() <= week_s + STEP_S
    source = urlsplit(url).path.split("/")[3]
    old = client.get(made(data / "state.sqlite3", ttl_s=-2 * STEP_S, source=source))
    assert old.status_code == 403
    assert "expired" in old.text


def test_all_workers_share_one_secret_that_a_restart_keeps(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite3"
    assert checked(state, made(state))
    with pytest.raises(LinkInvalid):
        checked(tmp_path / "other.sqlite3", made(state))
    assert (
        LinkSigner(SqliteFile(state), base="", ttl_s=1).secret
        == LinkSigner(SqliteFile(state), base="", ttl_s=9).secret
    )


def test_where_no_secret_can_be_kept_links_end_with_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state.sqlite3"
    state.write_bytes(b"no database" * 100)
    links = LinkSigner(SqliteFile(state), base="", ttl_s=60)
    parts = urlsplit(links.view_url("s", "ab" * 32, start=0, end=1, quote="T"))
    assert links.verify(parts.path, parts.query)
    assert "signed links expire with this process" in caplog.text


@pytest.mark.parametrize("query", ["", "sig=", "sig=%00", "sig=é&exp=x", "sig=" + "x" * 5_000])
def test_a_query_that_is_no_link_opens_nothing(query: str, tmp_path: Path) -> None:
    links = LinkSigner(SqliteFile(tmp_path / "state.sqlite3"), base="", ttl_s=60)
    if "sig" in query:
        with pytest.raises(LinkInvalid):
            links.verify("/v1/sources/s/view", query)
    else:
        assert links.verify("/v1/sources/s/view", query) is False


def test_in_a_changed_file_only_words_that_still_stand_are_marked(
    tmp_path: Path, hosted: EmbedSpec, embeddings: FakeModel
) -> None:
    corpus, data = tmp_path / "corpus", tmp_path / "data"
    write_files(corpus, {"lake.txt": f"{LAKE} The ice was thick.\n"})
    sync_in_process(sync_request(corpus, data, hosted))
    flags = {"data_dir": data, "embed.model": "fake", "embed.base_url": embeddings.base_url}
    with LocalClient(create_app(load_settings(flags))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        url = client.post("/v1/answers", json=ASK).json()["citations"][0]["url"]
        pages = []
        for number, text in enumerate((f"News of {LAKE}\n", "The lake froze for 99 days.\n"), 2):
            write_files(corpus, {"lake.txt": text})
            sync_in_process(sync_request(corpus, data, hosted))
            wait_until(lambda: client.get("/readyz").json()["generation"] == f"{number:06}")  # noqa: B023  # waited for here
            pages.append(client.get(url).text)
    moved, gone = pages
    assert ParsedPage(moved).marked == LAKE
    assert "has changed since it was cited" in moved
    assert ParsedPage(gone).marked == ""
    assert "no longer contains" in gone


@pytest.mark.parametrize("asked", ["/v1/sources", "/docs/v1/sources"])
def test_under_a_path_links_begin_with_it_and_work(asked: str, data: Path) -> None:
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    app = create_app(load_settings({"data_dir": data, "root_path": "/docs/"}))
    with LocalClient(app) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        assert client.get(asked).status_code == 401
        headers = {"Authorization": f"Bearer {key}"}
        assert client.get(asked, headers=headers).status_code == 200
        answer = client.post("/v1/answers", json=ASK, headers=headers).json()
        url = answer["citations"][0]["url"]
        assert url.startswith("/docs/v1/sources/")
        for shown in (url, url.removeprefix("/docs")):
            assert LAKE in client.get(shown).text, "whether or not the proxy takes the path away"


def test_with_a_public_url_links_are_absolute(data: Path) -> None:
    flags = {"data_dir": data, "public_url": "https://docs.example.org/ask/"}
    with LocalClient(create_app(load_settings(flags))) as client:
        wait_until(lambda: client.get("/readyz").json()["status"] == "ready")
        url = client.post("/v1/answers", json=ASK).json()["citations"][0]["url"]
    assert url.startswith("https://docs.example.org/ask/v1/sources/")
