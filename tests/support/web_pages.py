"""Forty web pages of four kinds, in ten styles of markup, with what a reader wants and does not.

`PAGES` are the same on every run. Every text is either marked as content or as furniture, so the
recall of the one and the share of the other in an extracted text can be counted exactly.
"""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KINDS = ("article", "docs", "faq", "forum")
STYLES = (
    *("semantic", "divs", "hashed", "bootstrap", "tables"),
    *("custom", "aspnet", "blog", "manual", "old"),
)
_THINGS = "pump lathe kiln drill crane boiler ferry lock bridge archive scanner freezer".split()
_PLACES = "Saltmarsh Elmsworth Northgate Tilbury Veldhoven Ostrava Lindau Avesta Brunico".split()
_ROLES = "caretaker librarian foreman treasurer harbour master clerk surveyor".split()
_SENTENCES = (
    "The {thing} in {place} must be inspected every {n} days by the {role}.",
    "In {place}, {n} households share one {thing}, which costs {m} euros a year.",
    "A guest who borrows the {thing} of {place} signs for it at desk {n}.",
    "The {role} of {place} ordered a second {thing} after {n} complaints in week {m}.",
    "A worn {thing} loses about {n} percent of its pressure within {m} hours.",
    "Before {place} rebuilt its {thing}, visitors waited {n} minutes on average.",
    "Keep at least {n} litres in reserve, since the {thing} of {place} cannot be stopped early.",
    "Nobody in {place} remembers why the {thing} carries the number {n}-{m}.",
)


@dataclass(slots=True)
class Page:
    """One page; `content` and `furniture` are texts as a browser shows them."""

    kind: str
    style: str
    markup: str = ""
    content: list[str] = field(default_factory=list)
    furniture: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.style}.html"


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of a page's content that was kept, and of furniture among what was kept."""

    recall: float
    furniture: float


def score(page: Page, text: str) -> Score:
    """Compares an extracted text with the page; white space, marks and cell borders are equal."""
    kept = _plain(text)
    found = [sentence for sentence in page.content if _plain(sentence) in kept]
    waste = sum(len(_plain(line)) for line in page.furniture if _plain(line) in kept)
    return Score(len(found) / len(page.content), waste / max(len(kept), 1))


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Writes the pages to a folder and serves it on loopback; yields the address."""
    for page in PAGES:
        (folder / page.name).write_text(page.markup, "utf-8")
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing."""


def _plain(text: str) -> str:
    return " ".join(text.replace("|", " ").replace("`", " ").replace("**", "").split())


class _Maker:
    """Writes one page and notes each text that it writes."""

    def __init__(self, kind: str, style: str) -> None:
        self.page = Page(kind, style)
        self.style = style
        self._random = random.Random(f"{kind}/{style}")
        self._number = 10

    # --- texts

    def content(self, text: str) -> str:
        self.page.content.append(text)
        return escape(text)

    def furniture(self, text: str) -> str:
        self.page.furniture.append(text)
        return escape(text)

    def fact(self) -> str:
        """Returns a sentence that stands nowhere else."""
        self._number += self._random.randint(1, 7)
        return self._random.choice(_SENTENCES).format(
            thing=self._random.choice(_THINGS),
            place=self._random.choice(_PLACES),
            role=self._random.choice(_ROLES),
            n=self._number,
            m=self._number * 3 + 1,
        )

    def facts(self, count: int) -> str:
        return " ".join(self.content(self.fact()) for _ in range(count))

    def name(self, word: str) -> str:
        """Returns a class attribute, meaningful or not by the style."""
        if self.style == "hashed":
            return f' class="css-{self._random.randrange(16**6):06x}"'
        if self.style == "old":
            return ""
        return f' class="{word}"'

    def box(self, word: str, inner: str, tag: str = "div") -> str:
        if self.style == "custom" and tag == "div":
            return f"<x-{word}>{inner}</x-{word}>"
        if self.style not in ("semantic", "manual", "blog", "custom"):
            tag = "div"
        return f"<{tag}{self.name(word)}>{inner}</{tag}>"

    def paragraph(self, inner: str) -> str:
        if self.style == "old":
            return f"{inner}<br><br>"
        return f"<div>{inner}</div>" if self.style == "hashed" else f"<p>{inner}</p>"

    def heading(self, level: int, text: str, *, is_content: bool = True) -> str:
        shown = self.content(text) if is_content else self.furniture(text)
        return f"<h{level}>{shown}</h{level}>"

    # --- content

    def article(self) -> str:
        parts = [self.heading(1, f"How {self._random.choice(_PLACES)} repaired its ferry")]
        parts += [self.paragraph(self.facts(3)) for _ in range(3)]
        parts += [self.heading(2, "What the council decided"), self.paragraph(self.facts(2))]
        parts += [self.callout(), self.table(), self.heading(2, "Reactions")]
        parts += [f"<blockquote>{self.paragraph(self.facts(1))}</blockquote>"]
        caption = self.content(f"The ferry before {self.fact()}")
        parts += [f"<figure><img src=a.jpg><figcaption>{caption}</figcaption></figure>"]
        parts += [self.paragraph(self.facts(2)), self.bullets()]
        return "".join(parts)

    def docs(self) -> str:
        parts = [self.heading(1, "Installing the depot scanner"), self.paragraph(self.facts(2))]
        parts += [self.heading(2, "Requirements"), self.bullets(), self.callout()]
        steps = "".join(f"<li><p>{self.facts(1)}</p></li>" for _ in range(4))
        parts += [self.heading(2, "Procedure"), self.paragraph(self.facts(1)), f"<ol>{steps}</ol>"]
        parts += ["<pre><code>", self.content(f"scanner --depth {self._number}"), "\n"]
        parts += [self.content(f"port = {self._number}1"), "\n</code></pre>"]
        terms = "".join(
            f"<dt>{self.content(f'{thing} mode')}</dt><dd>{self.facts(1)}</dd>"
            for thing in _THINGS[:3]
        )
        parts += [self.heading(2, "Settings"), f"<dl>{terms}</dl>", self.table()]
        return "".join(parts)

    def faq(self) -> str:
        parts = [self.heading(1, "Questions about the depot"), self.paragraph(self.facts(2))]
        for number in range(7):
            thing = self._random.choice(_THINGS)
            question = f"How long may I keep the {thing} with number {number}?"
            parts.append(self.answered(number, question))
        return "".join(parts)

    def answered(self, number: int, question: str) -> str:
        answer = self.paragraph(self.facts(1 + number % 3))
        shown = self.content(question)
        if self.style in ("semantic", "aspnet"):
            return f"<details><summary>{shown}</summary>{answer}</details>"
        if self.style == "bootstrap":
            button = (
                f'<button class="accordion-button" data-bs-toggle="collapse" '
                f'data-bs-target="#c{number}" aria-expanded="false">{shown}</button>'
            )
            panel = f'<div id="c{number}" class="accordion-collapse collapse">{answer}</div>'
            return f'<div class="accordion-item"><h2>{button}</h2>{panel}</div>'
        if self.style == "hashed":
            return (
                f'<div><button type="button" aria-expanded="false" aria-controls="p{number}">'
                f'{shown}</button><div id="p{number}" hidden>{answer}</div></div>'
            )
        if self.style == "divs":
            return (
                f'<button class="accordion">{shown}</button>'
                f'<div class="panel" style="display:none">{answer}</div>'
            )
        if self.style in ("manual", "tables"):
            return f"<dl><dt>{shown}</dt><dd>{answer}</dd></dl>"
        if self.style == "old":
            return f"<b>{shown}</b><br>{answer}"
        return f"<h3>{shown}</h3>{answer}"

    def forum(self) -> str:
        parts = [self.heading(1, f"Does the {self._random.choice(_THINGS)} need oil?")]
        for number in range(6):
            parts.append(self.post(number))
        return "".join(parts)

    def post(self, number: int) -> str:
        text = self.paragraph(self.facts(1 + number % 3))
        if number % 3 == 1:
            text = f"<blockquote>{self.paragraph(self.facts(1))}</blockquote>{text}"
        author = f"<span>user{number}</span> <time>2 days ago</time>"
        if self.style == "old":
            return f"<hr><b>user{number}</b><br>{text}"
        if self.style == "tables":
            row = f'<tr><td width="120"><b>user{number}</b></td><td>{text}</td></tr>'
            return f'<table border="1">{row}</table>'
        tag = "article" if self.style in ("semantic", "blog") else "div"
        reply = '<button type="button">Reply</button>'
        return f"<{tag}{self.name('post')}><div>{author}</div>{text}{reply}</{tag}>"

    def callout(self) -> str:
        text = self.paragraph(self.content(f"Warning: {self.fact()}"))
        if self.style in ("semantic", "manual", "blog"):
            return f'<aside class="note">{text}</aside>'
        return f"<div{self.name('alert alert-warning')}>{text}</div>"

    def bullets(self) -> str:
        items = "".join(f"<li>{self.content(self.fact())}</li>" for _ in range(3))
        return f"{self.paragraph(self.content('Three things follow from this:'))}<ul>{items}</ul>"

    def table(self) -> str:
        rows = [["Machine", "Day rate", "Deposit"]]
        rows += [
            [f"{thing} {self._number}", f"{self._number + 4} euros", f"{self._number * 2} euros"]
            for thing in _THINGS[4:8]
        ]
        self.page.content += [" ".join(row) for row in rows]
        cell = "th" if self.style not in ("old", "hashed") else "td"
        head = "".join(f"<{cell}>{name}</{cell}>" for name in rows[0])
        body = "".join(
            "<tr>" + "".join(f"<td><p>{text}</p></td>" for text in row) + "</tr>"
            for row in rows[1:]
        )
        return f"<table><tr>{head}</tr>{body}</table>"

    # --- furniture

    def links(self, texts: Sequence[str]) -> str:
        items = [f'<a href="/{n}.html">{self.furniture(text)}</a>' for n, text in enumerate(texts)]
        if self.style in ("old", "tables"):
            return " | ".join(items)
        if self.style == "hashed":
            return "".join(f"<div>{item}</div>" for item in items)
        return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"

    def site_header(self) -> str:
        site = f'<a href="/">{self.furniture("Depot & Harbour Gazette")}</a>'
        menu = self.box(
            "navbar",
            self.links(["Start page", "All departments", "Opening times", "Job vacancies"]),
            "nav",
        )
        search = (
            f'<form action="/s"><input name=q><button>{self.furniture("Go search")}</button></form>'
        )
        skip = f'<a href="#content">{self.furniture("Skip to main content")}</a>'
        crumbs = self.box("breadcrumb", self.links(["Portal", "Topics", "Ferries at work"]), "nav")
        if self.style == "aspnet":
            search = '<input name=q><input type=submit value="Find">'
        return skip + self.box("site-header", site + menu + search, "header") + crumbs

    def cookie_banner(self) -> str:
        text = "We use cookies to improve your visit. Read our privacy notice to learn more."
        inner = (
            f"<p>{self.furniture(text)}</p><button>{self.furniture('Accept all of them')}</button>"
        )
        return self.box("cookie-consent", inner)

    def sidebar(self) -> str:
        title = self.heading(3, "Most read this month", is_content=False)
        items = self.links([f"Reader story number {n} of the harbour" for n in range(5)])
        promo = self.furniture("Advertisement: three months for the price of two.")
        letter = self.furniture("Get our weekly letter by mail.")
        form = f"<form><p>{letter}</p><input type=email><button>Sign up</button></form>"
        if self.style == "aspnet":
            form = f'<div class="newsletter"><p>{letter}</p><input type=email></div>'
        return self.box("sidebar", title + items + self.box("ad", promo) + form, "aside")

    def related(self) -> str:
        title = self.heading(2, "Related articles", is_content=False)
        cards = self.links([f"Further report {n} about harbour works" for n in range(4)])
        return self.box("related", title + cards, "section")

    def share(self) -> str:
        return self.box("share", self.links(["Share on Facebook", "Share on X", "Send by mail"]))

    def comment_form(self) -> str:
        if self.style == "aspnet":
            return ""
        title = self.heading(3, "Leave a reply", is_content=False)
        note = self.furniture("Your address will not be published. Marked fields are required.")
        label = self.furniture("Your comment in full")
        fields = (
            f"<label>{label}<textarea></textarea></label><input name=mail><button>Post</button>"
        )
        return self.box("respond", f"<form>{title}<p>{note}</p>{fields}</form>")

    def site_footer(self) -> str:
        links = self.links(["Imprint page", "Privacy page", "Contact page", "Accessibility page"])
        line = self.furniture("© 2026 Depot & Harbour Gazette. All rights reserved.")
        return self.box("footer", f"{links}<p>{line}</p>", "footer")

    # --- the page

    def make(self) -> Page:
        content = {
            "article": self.article,
            "docs": self.docs,
            "faq": self.faq,
            "forum": self.forum,
        }[self.page.kind]()
        body = self.lay_out(content)
        head = f"<title>{self.page.content[0]}</title><script>var a = 'x < y';</script>"
        self.page.markup = (
            f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"
        )
        return self.page

    def lay_out(self, content: str) -> str:
        before, after = self.site_header(), self.related() + self.comment_form()
        side, foot, banner = self.sidebar(), self.site_footer(), self.cookie_banner()
        share = self.share()
        if self.style == "semantic":
            main = f"<main><article>{content}{share}</article>{after}</main>"
            return f"{banner}{before}{main}{side}{foot}"
        if self.style == "blog":
            main = (
                f'<div id="primary"><main><article class="post">{content}{share}</article>{after}'
            )
            return f"{before}{main}</main>{side}</div>{foot}{banner}"
        if self.style == "tables":
            row = f"<tr><td width=180>{side}</td><td>{content}{share}{after}</td></tr>"
            return f"<table><tr><td colspan=2>{before}</td></tr>{row}</table>{foot}{banner}"
        if self.style == "aspnet":
            inner = f'{before}<div id="content">{content}{share}{after}</div>{side}{foot}'
            return f'<form id="aspnetForm" method="post"><input type=hidden>{inner}</form>{banner}'
        if self.style == "manual":
            body = f'<div role="main"><div itemprop="articleBody">{content}</div></div>'
            return f'{banner}{before}<div class="wy-nav-side">{side}</div>{body}{after}{foot}'
        if self.style == "old":
            rest = f"{share}<br>{after}{side}<hr>{foot}{banner}"
            return f"{before}<hr><center></center>{content}<hr>{rest}"
        body = self.box("content", content + share)
        return self.box("page", f"{before}{side}{body}{after}{foot}") + banner


PAGES = tuple(_Maker(kind, style).make() for kind in KINDS for style in STYLES)
