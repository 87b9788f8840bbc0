"""Text that nobody sees is not indexed, and its amount is noted; what looks alike is kept."""

import pytest

from index.formats.html import parse_html


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : none !important;",
        "color: red; visibility: hidden",
        "opacity:0",
        "opacity: 0%",
        "font-size:0",
        "font-size:0px;line-height:0",
        "font-size: 1px",
        "position:absolute;left:-9999px",
        "position: fixed; top: -200em",
        "text-indent:-9999px",
        "position:absolute;clip:rect(0,0,0,0)",
        "position:absolute; clip: rect(1px, 1px, 1px, 1px)",
        "clip-path: inset(50%)",
        "height:0;overflow:hidden",
        "max-height:0px; overflow: hidden",
        "color:white;background:#fff",
        "color:#FFFFFF; background-color: rgb(255, 255, 255)",
        "color:rgba(0,0,0,0)",
        "color:transparent",
        "transform:scale(0)",
        "display:/* x */none",
    ],
)
def test_text_that_inline_style_hides_is_left_out_and_noted(style: str) -> None:
    document = parse_html(f"<p>Seen.</p><div style='{style}'><p>99 bar</p></div><p>Too.</p>")
    assert document.text == "Seen.\n\nToo."
    assert document.notes == ("hidden text left out: 1 element, 5 characters",)


@pytest.mark.parametrize(
    "style",
    [
        "display:block",
        "opacity:0.9",
        "opacity:.5",
        "font-size:0.8em",
        "font-size:10px",
        "color:white",
        "color:white;background:navy",
        "color:white;background:white url(dark.png) ; background-image:none;color:black",
        "left:-9999px",
        "position:absolute;left:-10px",
        "text-indent:-2em",
        "height:0",
        "overflow:hidden;height:40px",
        "clip-path:inset(5%)",
        "",
    ],
)
def test_text_that_style_does_not_hide_is_kept(style: str) -> None:
    document = parse_html(f"<p style='{style}'>12 bar</p>")
    assert (document.text, document.notes) == ("12 bar", ())


@pytest.mark.parametrize(
    "markup",
    [
        "<p hidden>99</p>",
        "<p aria-hidden=true>99</p>",
        "<template><p>99</p></template>",
        "<noscript>99</noscript>",
        "<div style='background:#fff'><p><b style='color:#ffffff'>99</b></p></div>",
        "<table><tr><td bgcolor=white><font color='#FFFFFF'>99</font></td></tr></table>",
        "<button aria-expanded=false hidden>9</button><div hidden>9</div>",
        "<div hidden><button aria-controls=x>9</button></div><p id=x hidden>9</p>",
        "<button data-toggle=modal data-target='#m'>See</button><div id=m hidden>99</div>",
        "<p>A<span style='display:none'>9</span><span style='font-size:0'>9</span></p>",
    ],
)
def test_text_that_attributes_and_colours_around_it_hide_is_left_out(markup: str) -> None:
    document = parse_html(f"<main><p>Seen.</p>{markup}</main>")
    assert "9" not in document.text
    assert document.notes


def test_text_within_hidden_text_is_seen_where_its_own_style_says_so() -> None:
    markup = (
        "<div style='font-size:0'><p style='font-size:16px'>Big.</p></div>"
        "<div style='visibility:hidden'>x<p style='visibility:visible'>Back.</p></div>"
        "<div style='color:white;background:white'><p style='background:black'>Dark.</p></div>"
    )
    document = parse_html(markup)
    assert document.text == "Big.\n\nBack.\n\nDark."
    assert document.notes == ("hidden text left out: 1 element, 1 characters",)


def test_a_table_without_a_doctype_does_not_inherit_the_size_of_letters() -> None:
    cell = "<table><tr><td style='font-size:0'><table><tr><td>Lamp</table></table>"
    assert parse_html(cell).text == "Lamp"
    assert parse_html(f"<!doctype html>{cell}").text == ""


def test_a_collapsed_menu_or_dialog_stays_out_though_a_button_opens_it() -> None:
    menu = "<button aria-controls=m aria-expanded=false>Menu</button><nav id=m hidden>Start</nav>"
    assert parse_html(f"<p>Seen.</p>{menu}").text == "Seen."


def test_panels_within_panels_are_read() -> None:
    inner = "<button aria-controls=b>Inner?</button><div id=b hidden>Yes it is.</div>"
    document = parse_html(
        f"<button aria-controls=a>Outer?</button><div id=a hidden>First. {inner}</div>"
    )
    assert document.text == "Outer?\n\nFirst.\n\nInner?\n\nYes it is."
