"""The articles of a collection as an HTML page: links to their views, a filter, no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_html
from string import Template

from fastapi.responses import HTMLResponse

from index.text.limits import MAX_TITLE_CHARS, shorten

from .escape import pluralize
from .source_page import HEADERS, PAGES_FOLDER, date_line, escape_line


@dataclass(frozen=True, slots=True)
class Listed:
    """An article of the list, and the address of its view."""

    title: str
    path: str
    date: str | None
    href: str


def render_article_list(
    listed: Sequence[Listed],
    *,
    words: str,
    collection: str | None,
    total: int,
    following: str | None,
    is_first: bool,
) -> HTMLResponse:
    """Returns a page of the list; `following` is the address of the next one, `total` that of all.

    `words` are what the articles were filtered by.
    """
    policy = HEADERS["content-security-policy"].replace("form-action 'none'", "form-action 'self'")
    hidden = f'<input type="hidden" name="collection" value="{escape_line(collection or "")}">'
    start = f"?collection={escape_line(collection)}" if collection else "?"
    links = f'<a href="{start}">First page</a>' if not is_first or words else ""
    links += f'<a href="{escape_html(following)}">Next page</a>' if following else ""
    items = "".join(map(_item, listed))
    none = "No article has these words." if words else "There are no more articles."
    page = Template((PAGES_FOLDER / "articles.html").read_text(encoding="utf-8")).substitute(
        total=f"{pluralize(total, 'article')} in this collection",
        words=escape_line(words),
        collection=hidden if collection else "",
        list=f"<ul>{items}</ul>" if items else f'<p class="note" role="note">{none}</p>',
        links=links,
    )
    return HTMLResponse(page, headers={"content-security-policy": policy})


def _item(article: Listed) -> str:
    title = escape_line(shorten(article.title, MAX_TITLE_CHARS))
    place = f"<bdi>{escape_line(article.path)}</bdi>{date_line(article.date)}"
    return (
        f'<li><a href="{escape_line(article.href)}" dir="auto">{title}</a>'
        f'<p class="quiet">{place}</p></li>'
    )
