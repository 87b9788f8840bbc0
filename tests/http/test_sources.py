"""`/v1/sources…` of the real service: the list, the text, and the page of a passage."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from api.wire.escape import escape
from api.wire.schemas import SourceBody, SourcesBody, SuggestionsBody
from tests.support.parsed_page import ParsedPage
from tests.support.processes import SEEDS, RunningService

PATHS = sorted(path.relative_to(SEEDS).as_posix() for path in SEEDS.rglob("*.*"))


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60) as made:
        yield made


@pytest.mark.parametrize("limit", [1, 2, len(PATHS), 100])
def test_the_pages_of_the_list_hold_every_article_once(limit: int, client: httpx.Client) -> None:
    paths, cursor = [], None
    while True:
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = client.get("/v1/sources", params=params).json()
        assert set(page) == set(SourcesBody.model_fields)
        paths += [source["source"] for source in page["sources"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paths == PATHS


def test_one_article_is_told_of(client: httpx.Client) -> None:
    listed = client.get("/v1/sources").json()["sources"][0]
    source = client.get(f"/v1/sources/{listed['id']}").json()
    assert source == listed
    assert set(source) == set(SourceBody.model_fields)
    text = client.get(f"/v1/sources/{source['id']}/text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(text.text) == source["length"]
    assert client.get(source["url"]).status_code == 200


def test_questions_are_suggested_that_are_answered(client: httpx.Client) -> None:
    reply = client.get("/v1/suggestions").json()
    assert set(reply) == set(SuggestionsBody.model_fields)
    assert 0 < len(reply["suggestions"]) <= 3
    assert reply["suggestions"] == client.get("/v1/suggestions").json()["suggestions"]
    for question in reply["suggestions"]:
        answer = client.post("/v1/answers", json={"question": question}).json()
        assert answer["answered"]


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/widget/v1.js", "/v1/sources", "text"])
def test_head_tells_what_get_would(path: str, client: httpx.Client) -> None:
    if path == "text":
        path = f"/v1/sources/{client.get('/v1/sources').json()['sources'][0]['id']}/text"
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "cache-control", "etag"):
        assert head.headers.get(name) == get.headers.get(name)


def test_a_citations_link_opens_a_page_that_marks_exactly_the_quote(client: httpx.Client) -> None:
    question = "How many showrooms for Xiaomi cars are there, and in how many cities?"
    answer = client.post("/v1/answers", json={"question": question}).json()
    for cited in answer["citations"]:
        assert urlsplit(cited["url"]).fragment == "cite"
        page = client.get(cited["url"])
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert ParsedPage(page.text).marked == escape(cited["quote"])


def test_a_view_leads_to_the_articles_text_and_back(client: httpx.Client) -> None:
    source = next(
        one for one in client.get("/v1/sources").json()["sources"] if one["source"].endswith(".md")
    )
    looks = client.get(source["url"], params={"start": 0, "end": 10}).text
    assert '<div class="article markdown"><' in looks
    assert 'href="?start=0&amp;end=10&amp;as=text#cite"' in looks
    plain = client.get(source["url"], params={"start": 0, "end": 10, "as": "text"}).text
    assert '<div class="article plain"' in plain
    assert 'href="?start=0&amp;end=10&amp;as=article#cite"' in plain
    text = client.get(f"/v1/sources/{source['id']}/text").text
    assert ParsedPage(plain).article == escape(text)


def test_a_link_to_another_version_says_so(client: httpx.Client) -> None:
    source = client.get("/v1/sources").json()["sources"][0]
    page = client.get(source["url"], params={"start": 0, "end": 10, "v": "0" * 12})
    assert page.status_code == 200
    assert "has changed since it was cited" in page.text
    assert ParsedPage(page.text).marked == ""


def test_a_page_of_no_article_is_a_page_with_404(client: httpx.Client) -> None:
    page = client.get("/v1/sources/nonsense/view")
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/sources/nonsense", 404, "source_not_found"),
        ("/v1/sources/nonsense/text", 404, "source_not_found"),
        ("/v1/sources/{id}/text?start=5&end=2", 422, "invalid_request"),
        ("/v1/sources/{id}/text?end=99999999", 422, "invalid_request"),
        ("/v1/sources/{id}/text?start=-1", 422, "invalid_request"),
        ("/v1/sources/{id}/view?start=5&end=2", 422, "invalid_request"),
        ("/v1/sources?cursor=%21%21", 422, "invalid_request"),
        ("/v1/sources?cursor=é", 422, "invalid_request"),
        ("/v1/sources?limit=0", 422, "invalid_request"),
        ("/v1/sources?collection=other", 404, "collection_not_found"),
    ],
)
def test_what_cannot_be_given_is_a_problem(
    path: str, status: int, code: str, client: httpx.Client
) -> None:
    source = client.get("/v1/sources").json()["sources"][0]
    response = client.get(path.replace("{id}", source["id"]))
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
