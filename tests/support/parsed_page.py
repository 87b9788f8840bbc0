"""Parses our HTML pages, as far as tests need it."""

from html.parser import HTMLParser


class ParsedPage(HTMLParser):
    """A parsed page: its tags and their attributes, the article's text, what of it is marked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.marked, self.article = "", ""
        self._in_mark = False
        self._depth = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._in_mark |= tag == "mark"
        is_article = "article" in (dict(attrs).get("class") or "").split()
        self._depth += tag == "div" and (is_article or self._depth > 0)

    def handle_endtag(self, tag: str) -> None:
        if tag == "mark":
            self._in_mark = False
        self._depth -= tag == "div" and self._depth > 0

    def handle_data(self, data: str) -> None:
        if self._in_mark:
            self.marked += data
        if self._depth:
            self.article += data
