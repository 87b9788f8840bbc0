"""What a browser opens of an article besides its view: the original file, and the list of all."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest

from api.app import create_app
from api.security.keys import KeyStore
from api.settings import load_settings
from api.state.sqlite import SqliteFile
from api.wire.article_list import Listed, render_article_list
from index.formats import FORMATS
from tests.support.every_format import every_format
from tests.support.parsed_page import ParsedPage
from tests.support.processes import LocalClient, wait_until

NASTY = '<script>alert(1)</script>"\u202e'


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("views") / "corpus"
    for path, content in every_format().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for number in range(120):
        (folder / f"note {number:03}.txt").write_text(f"The note of {number} is here to be read.")
    (folder / "größe & maß.txt").write_bytes("Die Größe ist 12 Meter.".encode("latin-1"))
    return folder


@pytest.fixture(scope="module")
def client(corpus: Path) -> Iterator[LocalClient]:
    flags = {
        "data_dir": corpus.parent / "data",
        "corpus": corpus,
        "formats": list(FORMATS),
        "rate_limit_per_minute": 0,
    }
    with LocalClient(create_app(load_settings(flags), sync=True)) as made:
        wait_until(lambda: made.get("/readyz").json()["status"] == "ready")
        yield made


def sources(client: LocalClient) -> dict[str, str]:
    listed = client.get("/v1/sources", params={"limit": 500}).json()["sources"]
    return {one["source"]: one["id"] for one in listed}


def links(html: str) -> list[tuple[str, str]]:
    """The words and the address of each link."""
    return [
        (words, tag.partition('"')[2].partition('"')[0].replace("&amp;", "&"))
        for part in html.split("<a ")[1:]
        for tag, words in [part.partition("</a>")[0].rsplit(">", 1)]
    ]


@pytest.mark.parametrize("path", sorted(every_format()))
def test_the_original_is_the_file_and_runs_nothing(
    path: str, client: LocalClient, corpus: Path
) -> None:
    reply = client.get(f"/v1/sources/{sources(client)[path]}/original")
    assert reply.content == (corpus / path).read_bytes()
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    shown = path.endswith((".txt", ".log", ".md", ".mdx", ".rst", ".org", ".pdf"))
    assert reply.headers["content-disposition"].startswith("inline" if shown else "attachment")
    kind = reply.headers["content-type"].partition(";")[0]
    text = "application/pdf" if path.endswith(".pdf") else "text/plain"
    assert kind == (text if shown else "application/octet-stream")


def test_a_file_has_its_name_and_its_encoding(client: LocalClient) -> None:
    reply = client.get(f"/v1/sources/{sources(client)['größe & maß.txt']}/original")
    name = "filename*=UTF-8''gr%C3%B6%C3%9Fe%20%26%20ma%C3%9F.txt"
    assert reply.headers["content-disposition"] == f"inline; {name}"
    assert reply.text == "Die Größe ist 12 Meter."


def test_a_file_that_is_gone_or_another_is_not_given(client: LocalClient, corpus: Path) -> None:
    source = sources(client)["note 001.txt"]
    view = f"/v1/sources/{source}/view"
    assert dict(links(client.get(view).text))["Open original"] == "original"
    (corpus / "note 001.txt").write_text("The note of 9 is here to be read.")
    assert client.get(f"/v1/sources/{source}/original").status_code == 404
    (corpus / "note 001.txt").unlink()
    assert client.get(f"/v1/sources/{source}/original").status_code == 404
    (corpus / "note 001.txt").symlink_to("/etc/hostname")
    assert client.get(f"/v1/sources/{source}/original").status_code == 404
    page = client.get(view)
    assert "Open original" not in dict(links(page.text))
    assert "The note of 1" in page.text


def test_a_passage_of_a_pdf_stands_on_a_picture_of_its_page(
    client: LocalClient, corpus: Path
) -> None:
    source = sources(client)["every/lamp.pdf"]
    view = f"/v1/sources/{source}/view?start=4&end=8"
    page = client.get(view).text
    assert 'src="pages/1.png?start=4&amp;end=8"' in page
    picture = client.get(f"/v1/sources/{source}/pages/1.png?start=4&end=8")
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"].startswith("private")
    assert picture.content.startswith(b"\x89PNG")
    assert picture.content != client.get(f"/v1/sources/{source}/pages/1.png").content
    assert client.get(f"/v1/sources/{source}/pages/2.png").status_code == 404
    assert client.get(f"/v1/sources/{source}/pages/0.png").status_code == 422
    assert client.get(f"/v1/sources/{source}/pages/{'9' * 5000}.png").status_code == 422
    assert client.get(f"/v1/sources/{source}/pages/1.png?end=99999").status_code == 422
    os.utime(corpus / "every/lamp.pdf", (0, 0))
    assert "<img" in client.get(view).text, "a copy of the same file"
    (corpus / "every/lamp.pdf").write_bytes(b"%PDF-1.4 another")
    page = client.get(view).text
    assert "<img" not in page
    assert "only the text of it is shown" in page
    assert client.get(f"/v1/sources/{source}/pages/1.png?start=4&end=8").status_code == 404
    other = sources(client)["note 002.txt"]
    assert client.get(f"/v1/sources/{other}/pages/1.png").status_code == 404


def test_the_list_has_every_article_once(client: LocalClient) -> None:
    address, found = "/articles", []
    while True:
        page = client.get(address)
        assert page.status_code == 200
        assert "form-action 'self'" in page.headers["content-security-policy"]
        found += [href for _, href in links(page.text) if href.startswith("v1/")]
        following = dict(links(page.text)).get("Next page")
        if following is None:
            break
        address = urljoin(address, following)
    assert sorted(found) == sorted(f"v1/sources/{one}/view" for one in sources(client).values())
    assert client.get(f"/{found[0]}").status_code == 200


def test_the_list_can_be_filtered_by_words(client: LocalClient) -> None:
    page = client.get(f"/articles?{urlencode({'words': 'NOTE 11'})}")
    found = [words for words, href in links(page.text) if href.startswith("v1/")]
    assert found == ["note 011", *(f"note {number}" for number in range(110, 120))]
    none = client.get(f"/articles?{urlencode({'words': NASTY})}")
    assert "No article has these words." in none.text
    assert "script" not in ParsedPage(none.text).tags
    assert ("value", '<script>alert(1)</script>"\\u202e') in ParsedPage(none.text).attributes


def test_titles_and_addresses_cannot_leave_the_list() -> None:
    page = render_article_list(
        [Listed(NASTY, NASTY, NASTY, f"v1/{NASTY}")],
        words=NASTY,
        collection=NASTY,
        total=1,
        following=f"?{NASTY}",
        is_first=False,
    )
    assert "script" not in ParsedPage(bytes(page.body).decode()).tags


def test_a_signed_link_opens_its_original_and_no_list(
    corpus: Path, client: LocalClient, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(corpus.parent / "data", data)
    key = KeyStore(SqliteFile(data / "state.sqlite3")).create(scopes=["read"])
    flags = {"data_dir": data, "corpus": corpus, "rate_limit_per_minute": 0}
    with LocalClient(create_app(load_settings(flags))) as locked:
        wait_until(lambda: locked.get("/readyz").json()["status"] == "ready")
        bearer = {"Authorization": f"Bearer {key}"}
        hits = locked.post("/v1/search", json={"query": "lamp"}, headers=bearer).json()["hits"]
        view, other = (hit["url"].partition("#")[0] for hit in hits[:2])
        page = locked.get(view)
        assert "All articles" not in dict(links(page.text))
        original = urljoin(view, dict(links(page.text))["Open original"])
        assert locked.get(original).status_code == 200
        source = other.partition("/view")[0].rpartition("/")[2]
        own = view.partition("/view")[0].rpartition("/")[2]
        assert locked.get(original.replace(own, source)).status_code == 403
        assert locked.get(original.partition("?")[0]).status_code == 401
        assert locked.get("/articles").status_code == 401
    assert "All articles" in dict(links(client.get(view.partition("?")[0]).text))
