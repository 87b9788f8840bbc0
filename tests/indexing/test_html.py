"""What the elements of a page become: units under what they stand under, and its main content."""

import pytest

from index.formats.html import extract_html, parse_html
from index.types import Document, Unit


def page(body: str, head: str = "<title>T</title>") -> Document:
    return extract_html(f"<!doctype html><html><head>{head}</head><body>{body}</body>".encode())


def blocks(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def units(document: Document, kind: str) -> list[tuple[str, ...]]:
    """Returns each unit of a kind: its text, then the texts that it stands under."""
    return [texts(document, unit) for unit in document.units if unit.kind == kind]


def texts(document: Document, unit: Unit) -> tuple[str, ...]:
    spans = [(unit.start, unit.end), *unit.under]
    return tuple(document.text[start:end] for start, end in spans)


def prose(number: int) -> str:
    return f"<p>Paragraph {number} says enough about the lighthouse and its keeper to be read.</p>"


# --- tables


def test_a_row_keeps_its_cells_whatever_stands_in_them() -> None:
    document = page(
        "<table><tr><th>Machine</th><th>Rate</th></tr>"
        "<tr><td><p>Tower</p><p>light</p></td><td><div>40<br>euros</div></td></tr>"
        "<tr><td><ul><li>Saw</li><li>blade</li></ul></td><td>7 | 9</td></tr></table>"
    )
    assert units(document, "row") == [
        ("Tower light | 40 euros", "Machine | Rate"),
        ("Saw blade | 7 \\| 9", "Machine | Rate"),
    ]
    assert document.text == "Machine | Rate\nTower light | 40 euros\nSaw blade | 7 \\| 9"
    assert document.units[0].kind == "heading"


def test_spans_repeat_their_text_so_that_rows_and_header_have_equally_many_cells() -> None:
    document = page(
        "<table><thead><tr><th rowspan=2>Site</th><th colspan=2>Hours</th></tr>"
        "<tr><th>Mon</th><th>Tue</th></tr></thead>"
        "<tr><td rowspan=2>North</td><td>9</td><td>10</td></tr>"
        "<tr><td>14</td><td></td></tr></table>"
    )
    under = ("Site | Hours | Hours", "Site | Mon | Tue")
    assert units(document, "row") == [
        ("North | 9 | 10", *under),
        ("North | 14 |", *under),
    ]


@pytest.mark.parametrize(
    "first",
    [
        "<tr><td><b>Country</b></td><td><strong>Days</strong></td></tr>",
        "<thead><tr><td>Country</td><td>Days</td></tr></thead>",
        "<tr><td>Country</td><td>Days</td></tr>",
    ],
)
def test_a_header_is_found_by_markup_or_by_names_over_figures(first: str) -> None:
    document = page(f"<table>{first}<tr><td>Spain</td><td>26</td></tr></table>")
    assert units(document, "row") == [("Spain | 26", "Country | Days")]


def test_a_first_column_of_th_is_no_header_row() -> None:
    document = page(
        "<table><tr><th>Weight</th><td>4 kg</td></tr>"
        "<tr><th>Price</th><td>9 euros</td></tr></table>"
    )
    assert units(document, "row") == [("Weight | 4 kg",), ("Price | 9 euros",)]


def test_a_cell_over_all_columns_is_a_paragraph_and_names_the_rows_after_it() -> None:
    document = page(
        "<table><tr><th colspan=2>Rates of 2026</th></tr><tr><th>Item</th><th>Euros</th></tr>"
        "<tr><td colspan=2>Indoors</td></tr><tr><td>Lamp</td><td>4</td></tr></table>"
    )
    assert blocks(document)[0] == "Rates of 2026"
    assert units(document, "row") == [("Lamp | 4", "Item | Euros", "Indoors")]


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td>One cell of text.</td><td>Another one.</td></tr></table>",
        "<table><tr><td>One cell of text.</td></tr><tr><td>Another one.</td></tr></table>",
        "<table><tr><td><h2>Head</h2>One cell.</td><td>x</td></tr><tr><td>y</td></tr></table>",
        "<table role=none><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
        "<table><tr><td><table><tr><td>a</td></tr></table></td><td>b</td></tr><tr><td>c</table>",
    ],
)
def test_a_table_that_lays_out_the_page_has_no_rows(table: str) -> None:
    assert units(page(table), "row") == []


def test_a_table_of_divs_with_roles_has_rows() -> None:
    cells = "<div role=row><span role=cell>Spain</span><span role=cell>26</span></div>"
    head = "<div role=row><b role=columnheader>Land</b><b role=columnheader>Days</b></div>"
    document = page(f"<div role=table>{head}{cells}</div>")
    assert units(document, "row") == [("Spain | 26", "Land | Days")]


# --- lists, terms, code


def test_an_item_stands_under_its_introduction_and_its_parents() -> None:
    document = page(
        "<p>Welcome. The company runs two sites:</p>"
        "<ol start=3><li><p>North</p><ul><li>Gate 1</li></ul></li><li>South</li></ol>"
    )
    introduction = "The company runs two sites:"
    assert units(document, "item") == [
        ("3. North", introduction),
        ("- Gate 1", introduction, "3. North"),
        ("4. South", introduction),
    ]


def test_a_list_of_posts_is_no_list_of_items() -> None:
    document = page(f"<ul><li><h3>Ada</h3>{prose(1)}</li><li><h3>Bo</h3>{prose(2)}</li></ul>")
    assert units(document, "item") == []
    assert [heading.text for heading in document.headings] == ["Ada", "Bo"]


def test_a_definition_stands_under_its_term() -> None:
    document = page(
        "<dl><dt>Deposit</dt><dt>Bond</dt><dd>300 euros</dd><dt>Fee</dt><dd>9</dd></dl>"
    )
    assert units(document, "item") == [("300 euros", "Deposit", "Bond"), ("9", "Fee")]


def test_code_keeps_its_lines_and_stands_under_the_sentence_before_it() -> None:
    document = page(
        "<p>Wait. Then run this:</p><pre><button>Copy</button><code>\n[pump]\n\tmode = 1  \n"
        "</code></pre><pre><div>a</div><div>  b</div></pre><pre>x<br>y</pre>"
    )
    assert units(document, "code") == [
        ("[pump]\n    mode = 1", "Then run this:"),
        ("a\n  b",),
        ("x\ny",),
    ]


# --- headings that are opened


def headings(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in document.headings]


def test_a_summary_is_a_heading_below_the_current_one_and_its_text_is_kept() -> None:
    inner = "<details><summary>Even more</summary>b</details>"
    document = page(f"<h2>Head</h2><details><summary>More</summary>a{inner}</details><p>c</p>")
    assert headings(document) == [(2, "Head"), (3, "More"), (4, "Even more")]
    assert blocks(document) == ["Head", "More", "a", "Even more", "b", "c"]


@pytest.mark.parametrize(
    "item",
    [
        "<h3><button aria-expanded=false>Question?</button></h3><div hidden>{}</div>",
        "<button aria-controls=p aria-expanded=false>Question?</button><div id=p hidden>{}</div>",
        "<button class=accordion>Question?</button><div class=panel style='display:none'>{}</div>",
        "<div role=button aria-expanded=false>Question?</div><div aria-hidden=true>{}</div>",
        "<a data-toggle=collapse href='#q'>Question?</a><div id=q style='display: none;'>{}</div>",
        "<button id=b>Question?</button><div role=region aria-labelledby=b hidden>{}</div>",
        "<button aria-expanded=false>Question?</button><div hidden=until-found>{}</div>",
        "<div role=tab aria-controls=t id=x>Question?</div><div id=t role=tabpanel hidden>{}</div>",
    ],
)
def test_a_button_that_opens_a_panel_is_the_heading_of_its_text(item: str) -> None:
    document = page(f"<main><h2>Head</h2>{item.format('<p>The answer is nine.</p>')}</main>")
    assert blocks(document) == ["Head", "Question?", "The answer is nine."]
    assert headings(document) == [(2, "Head"), (3, "Question?")]
    assert document.notes == ()


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<h2><button>Opening hours</button></h2>", "Opening hours"),
        ("<dl><dt><button>Fee</button></dt><dd>9 euros</dd></dl>", "Fee\n\n9 euros"),
        ("<h2>Vec <button>Copy path</button></h2><button>Send</button>", "Vec"),
        ("<h2>Use<span class=mw-editsection>[<a href=e>edit</a>]</span></h2>", "Use"),
        ("<h2>Setup<a class=headerlink href='#setup'>¶</a></h2>", "Setup"),
    ],
)
def test_a_button_is_text_where_it_is_the_words_of_a_heading(markup: str, text: str) -> None:
    assert page(markup).text == text


# --- main content


def test_an_aside_in_the_content_is_a_callout_and_outside_it_furniture() -> None:
    document = page(
        f"<main>{prose(1)}<aside class=note><p>Never run the pump dry.</p></aside></main>"
        "<aside><p>Buy our lamps, they are the best lamps in town, and cheap as well.</p></aside>"
    )
    assert blocks(document)[1:] == ["Never run the pump dry."]


def test_a_callout_beside_a_short_paragraph_of_a_short_page_is_kept() -> None:
    document = page("<h1>Notice</h1><p>We are closed.</p><aside>Call 112.</aside>")
    assert blocks(document) == ["Notice", "We are closed.", "Call 112."]


def test_links_beside_each_other_are_words_of_their_own() -> None:
    assert page(f"<main>{prose(1)}<p><a href=a>One</a><a href=b>two</a>.</p></main>").text.endswith(
        "One two."
    )


def test_a_sentence_of_another_part_of_the_page_introduces_no_list() -> None:
    items = "<ul><li>One</li></ul>"
    document = page(f"<div><p>Said Ada.</p></div>{items}<div><p>Sites:</p></div><div>{items}</div>")
    assert units(document, "item") == [("- One",), ("- One", "Sites:")]


def test_a_page_within_one_form_is_read_without_its_controls() -> None:
    document = page(
        f"<form><h1>Head</h1>{prose(1)}{prose(2)}<input value=x><button>Go</button></form>"
    )
    assert len(blocks(document)) == 3
    assert "Go" not in document.text


def test_labels_and_values_of_a_filled_form_are_fields() -> None:
    document = page(
        f"<main>{prose(1)}<form><label for=n>Name:</label><input id=n value='Ada Hale'>"
        "<label>Room <select><option>1<option selected>7</select></label>"
        "<input type=hidden name=t value=secret>"
        "<label>Note<textarea></textarea></label></form></main>"
    )
    assert units(document, "field") == [("Name: Ada Hale",), ("Room: 7",)]
    assert "secret" not in document.text
    assert "Note" not in document.text


@pytest.mark.parametrize(
    "furniture",
    [
        "<nav><ul><li><a href=/a>All about us</a><li><a href=/b>Imprint</a></ul></nav>",
        "<div class=menu><a href=/a>Start</a> <a href=/b>Jobs</a> <a href=/c>News</a></div>",
        "<div><p>We use cookies to improve it.</p><button>Accept all</button></div>",
        "<div role=dialog><p>Subscribe to our weekly letter, which is free of charge.</p></div>",
        "<a href='#main'>Skip to main content</a>",
        "<form><input type=search><button>Search</button></form>",
        "<div><h3>Related articles</h3><a href=/1>Another story</a> <a href=/2>One more</a></div>",
        "<footer><p>© 2026 Gazette. All rights reserved.</p></footer>",
    ],
)
def test_furniture_is_left_out_before_and_after_the_content(furniture: str) -> None:
    content = f"<div><h1>Head</h1>{prose(1)}{prose(2)}{prose(3)}</div>"
    expected = blocks(page(content))
    assert blocks(page(furniture + content)) == expected
    assert blocks(page(content + furniture)) == expected


def test_several_articles_are_all_kept_in_order() -> None:
    document = page("".join(f"<article>{prose(number)}</article>" for number in range(4)))
    assert [block.split()[1] for block in blocks(document)] == ["0", "1", "2", "3"]


def test_articles_beside_the_main_element_are_kept() -> None:
    document = page(f"<main>{prose(1)}{prose(2)}</main><article>{prose(3)}</article>")
    assert len(blocks(document)) == 3


def test_a_main_element_without_the_pages_text_does_not_hide_it() -> None:
    assert len(blocks(page(f"<main><p>Loading</p></main><div>{prose(1)}{prose(2)}</div>"))) == 3


def test_the_header_of_an_article_and_a_page_of_links_are_read() -> None:
    assert "By Ada" in page(f"<article><header><h1>H</h1>By Ada</header>{prose(1)}</article>").text
    links = "".join(f"<li><a href=/{n}>Leave policy {n}</a></li>" for n in range(5))
    assert len(blocks(page(f"<h1>Policies</h1><ul>{links}</ul>"))) == 6


MENU = "<ul><li><a href=/>Home</a><li><a href=/about>About us</a></ul>"


@pytest.mark.parametrize(
    "body",
    [
        "<script>x</script><nav>menu</nav>",
        f"<a href=#main>Skip to content</a><nav>{MENU}</nav><div id=root></div>",
        f"<header><h1><a href=/>Acme</a></h1></header><div role=navigation>{MENU}</div>",
        f"<div><nav>{MENU}</nav></div><main></main><footer><p>© 2026 Acme</p></footer>",
    ],
)
def test_a_page_of_navigation_alone_has_no_text(body: str) -> None:
    with pytest.raises(ValueError, match="navigation but no text"):
        page(body)


@pytest.mark.parametrize(
    "body",
    [
        MENU,
        f"<nav>{MENU}</nav><ul><li><a href=/a>Leave policy</a></ul>",
        f"<nav><h2>Chapters</h2>{MENU}</nav>",
        f"<h1>Policies</h1><nav>{MENU}</nav>",
        f"<main><nav>{MENU}</nav></main>",
        f"<nav>{MENU}</nav><header>Open from 9 to 5.</header>",
        f"<nav>{MENU}</nav><p>Open from 9 to 5.</p>",
    ],
)
def test_an_index_page_and_a_page_of_few_words_are_read(body: str) -> None:
    assert page(body).blocks


# --- lines, marks


def test_line_breaks_stay_and_two_of_them_part_paragraphs() -> None:
    assert blocks(page("<p>Mon 9<br>Tue 10<br><br>Closed.</p>")) == ["Mon 9\nTue 10", "Closed."]


@pytest.mark.parametrize(
    "mark",
    [
        "<sup><a href='#n1'>1</a></sup>",
        "<sup>[1]</sup>",
        " <a href='#n1'><sup>1</sup></a>",
        "<a role=doc-noteref href='#n1'>1</a>",
    ],
)
def test_a_reference_mark_follows_its_word_in_brackets(mark: str) -> None:
    document = page(f"<p>It opened in 1931{mark} and has 5 m<sup>2</sup>.</p>")
    assert document.text == "It opened in 1931[1] and has 5 m2."


def test_a_note_stands_under_the_sentence_that_refers_to_it() -> None:
    document = page(
        "<p>It is old. It opened in 1931.<sup><a href='#n1'>1</a></sup></p><p>Last words.</p>"
        "<ol><li id=n1>By a decree. <a href='#r1'>↩</a></li></ol>"
    )
    assert units(document, "item") == [("[1] By a decree.", "It opened in 1931.[1]")]


def test_a_chapter_in_xml_may_have_an_empty_title() -> None:
    markup = (
        '<?xml version="1.0"?><html><head><title/></head><body><a id="x"/><p>y</p></body></html>'
    )
    assert parse_html(markup).text == "y"


# --- metadata


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ("<meta property=article:published_time content=2023-01-05T10:00:00+01:00>", "2023-01-05"),
        (
            "<meta name=date content=2023-01-05><meta property=article:modified_time "
            "content=2025-07-01>",
            "2025-07-01",
        ),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "WebSite"}, {"@type": '
            '["NewsArticle"], "datePublished": "2024-02-03T00:00Z"}]}</script>',
            "2024-02-03",
        ),
        ('<script type="application/ld+json">{"@type": "Person", "dateModified": 1</script>', None),
        ("<meta name=date content=yesterday>", None),
    ],
)
def test_the_date_is_the_last_change_that_the_page_states(head: str, date: str | None) -> None:
    assert page("x", head).metadata.get("date") == date


def test_a_time_in_the_head_of_the_article_is_its_date() -> None:
    time = "<time datetime=2026-03-04>4 March</time>"
    assert page(f"<article><header>{time}</header>x</article>").metadata == {"date": "2026-03-04"}
    assert page(f"<p>On {time} it rained.</p>").metadata == {}


def test_address_and_language_are_those_that_the_page_states() -> None:
    markup = "<html lang=de-AT><head><link rel=canonical href=https://a.example/b></head>x</html>"
    metadata = extract_html(markup.encode()).metadata
    assert metadata == {"url": "https://a.example/b", "language": "de-AT"}
    assert page("x", "<link rel=canonical href='javascript:x'>").metadata == {}
