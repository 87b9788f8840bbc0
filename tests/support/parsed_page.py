"""Parses our HTML pages, as far as tests need it."""

from html.parser import HTMLParser


class ParsedPage(HTMLParser):
    """A parsed page: its tags, the article's text, and the marked part of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.marked, self.article = "", ""
        self._in_mark = self._in_article = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._in_mark |= tag == "mark" and ("id", "cite") in attrs
        self._in_article |= ("class", "article") in attrs

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self._in_mark = False
        if tag == "div":
            self._in_article = False

    def handle_data(self, data: str) -> None:
        if self._in_mark:
            self.marked += data
        if self._in_article:
            self.article += data
