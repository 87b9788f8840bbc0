"""Mails and mailboxes: fields, the body once, history once, attachments named, hostile ones."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from index.formats.mail import extract_eml, extract_mbox
from index.types import Document

ORIGINAL = (
    "Dear all,\n\nThe pump in the north mill stops at 40 degrees. Please order a new seal before "
    "Friday.\n\nAda"
)
QUOTED = (
    "> Dear all,\n>\n> The pump in the north mill stops at 40\n> degrees. Please order a new seal\n"
    "> before Friday.\n>\n> Ada\n"
)


def mail(text: str, *, subject: str = "Pump", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = headers.get("sender", "Ada Lind <ada@example.org>")
    message["To"] = "mill@example.org"
    message["Date"] = headers.get("date", "Wed, 04 Mar 2026 10:05:00 +0100")
    message["Subject"] = subject
    message.set_content(text)
    return message


def shown(document: Document) -> list[str]:
    return [document.text[start:end] for start, end in document.blocks]


def mailbox(*messages: EmailMessage | bytes) -> Document:
    data = b""
    for message in messages:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        data += b"From ada@example.org Wed Mar  4 10:05:00 2026\n" + raw + b"\n\n"
    return extract_mbox(data)


def test_a_mail_has_its_subject_fields_and_paragraphs() -> None:
    document = extract_eml(mail(ORIGINAL).as_bytes())
    fields = ["From: Ada Lind <ada@example.org>", "To: mill@example.org", "Date: 2026-03-04 10:05"]
    assert shown(document)[:3] == ["Pump", "\n".join(fields), "Dear all,"]
    assert [document.text[u.start : u.end] for u in document.units if u.kind == "field"] == fields
    assert (document.title, document.metadata) == ("Pump", {"date": "2026-03-04"})


def test_encoded_headers_and_raw_ones_are_decoded() -> None:
    encoded = (
        b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.org>\nSubject: =?iso-8859-1?B?R3L832U=?=\n\nHallo.\n"
    )
    assert shown(extract_eml(encoded))[:2] == ["Grüße", "From: Jürgen <j@x.org>"]
    assert extract_eml("Subject: Grüße\n\nHallo.".encode("cp1252")).title == "Grüße"
    assert extract_eml("Subject: Grüße\n\nHallo.".encode()).title == "Grüße"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-2022-jp", "no-such-charset"])
def test_a_body_is_decoded_by_its_charset_or_as_detected(charset: str) -> None:
    text = "灯台は海を照らす。" if charset == "iso-2022-jp" else "Die Grüße kommen später."
    codec = "cp1252" if charset.startswith("no") else charset
    head = f"Subject: a\nContent-Type: text/plain; charset={charset}\n\n"
    assert shown(extract_eml(head.encode() + text.encode(codec)))[-1] == text


def test_text_is_preferred_to_html_and_attachments_are_named() -> None:
    message = mail("The plain text.")
    message.add_alternative("<p>The HTML text.</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="plan.pdf")
    document = extract_eml(message.as_bytes(policy=SMTP))
    assert shown(document)[2:] == ["The plain text."]
    assert document.notes == ("attachments not read: 1 (plan.pdf)",)


def test_html_alone_is_read_as_html() -> None:
    message = mail("x")
    message.set_content("<p>Valve <b>A</b> opens.</p><p>Valve B shuts.</p>", subtype="html")
    assert shown(extract_eml(message.as_bytes()))[2:] == ["Valve A opens.", "Valve B shuts."]


def test_flowed_lines_are_joined() -> None:
    head = b"Subject: a\nContent-Type: text/plain; format=flowed\n\n"
    flowed = extract_eml(head + b"The seal is worn \nout. \n\n> It was \n> ordered.\n")
    assert shown(flowed)[1:] == ["The seal is worn out.", "It was ordered."]


@pytest.mark.parametrize(
    "reply",
    [
        f"It is ordered.\n\nOn Wed, Mar 4, 2026 at 10:05 AM Ada Lind wrote:\n{QUOTED}",
        f"It is ordered.\n\nOn Wed, Mar 4, 2026 at\nAda Lind <ada@example.org> wrote:\n\n{QUOTED}",
        f"Am 04.03.2026 um 10:05 schrieb Ada Lind:\n{QUOTED}\nIt is ordered.",
        f"It is ordered.\n\nLe 4 mars 2026 à 10:05, Ada Lind a écrit :\n{QUOTED}",
        f"It is ordered.\n\nEl 4 mar 2026, Ada Lind escribió:\n{QUOTED}",
        f"It is ordered.\n\n-----Original Message-----\nFrom: Ada\nSent: Wed\nTo: a\n\n{ORIGINAL}",
        f"It is ordered.\n\nVon: Ada\nGesendet: Mittwoch\nAn: Mühle\nBetreff: Pump\n\n{ORIGINAL}",
        f"It is ordered.\n\nDe : Ada Lind\nEnvoyé : mercredi\nÀ : mill\nObjet : Pump\n\n{ORIGINAL}",
        f"It is ordered.\n\nDe: Ada\nEnviado el: miércoles\nPara: mill\nAsunto: Pump\n\n{ORIGINAL}",
        f"It is ordered.\n\nOn Wed, Mar 4, 2026 Ada Lind wrote:\n\n{ORIGINAL}",
        f"{QUOTED.replace('> ', '>> ')}\nIt is ordered.",
    ],
)  # fmt: skip
def test_what_a_reply_quotes_of_an_earlier_mail_stands_once(reply: str) -> None:
    document = mailbox(mail(ORIGINAL), mail(reply, subject="Re: Pump"))
    assert shown(document)[-3:][0] == "Re: Pump"
    assert shown(document)[-1] == "It is ordered."
    assert document.text.count("north mill") == 1


def test_html_replies_quote_once_as_well() -> None:
    message = mail("x", subject="Re: Pump")
    quoted = "".join(f"<p>{part}</p>" for part in ORIGINAL.split("\n\n"))
    message.set_content(
        "<div>It is ordered.</div><div>On Wed, Mar 4, 2026, Ada Lind wrote:</div>"
        f"<blockquote>{quoted}</blockquote>",
        subtype="html",
    )
    assert shown(mailbox(mail(ORIGINAL), message))[-1] == "It is ordered."


def test_history_that_no_mail_of_the_file_wrote_is_kept_once() -> None:
    twice = f"Done.\n\nOn Wed, Mar 4, 2026 Ada Lind wrote:\n{QUOTED}\n"
    document = mailbox(mail(twice), mail(f"Thanks.\n\n{twice.removeprefix('Done.')}"))
    assert document.text.count("north mill") == 1
    assert document.text.count("wrote:") == 1
    lone = extract_eml(mail(twice).as_bytes())
    assert shown(lone)[2:4] == ["Done.", "On Wed, Mar 4, 2026 Ada Lind wrote:"]
    assert "The pump in the north mill stops at 40\ndegrees." in lone.text


def test_text_that_only_looks_like_a_quotation_stays() -> None:
    text = "From: here to there is a mile.\n\nOn the 4th Ada wrote:\n\nA new line of thought."
    assert shown(extract_eml(mail(text).as_bytes()))[2:] == text.split("\n\n")


def test_a_mail_within_a_mail_stands_below_it() -> None:
    outer = mail("See below.", subject="Fwd")
    outer.add_attachment(mail("Inner text.", subject="Inner"))
    document = extract_eml(outer.as_bytes())
    assert [(h.level, h.text) for h in document.headings] == [(1, "Fwd"), (2, "Inner")]
    assert shown(document)[-1] == "Inner text."


def test_from_at_the_start_of_a_line_of_text_is_restored() -> None:
    raw = b"Subject: a\n\nOne.\n\n>From here on, all is quiet.\n"
    assert shown(mailbox(raw))[1:] == ["One.", "From here on, all is quiet."]


def test_a_mail_of_too_many_parts_is_named_and_the_others_of_a_mailbox_are_kept() -> None:
    part = "--b\nContent-Type: text/plain\n\nx\n"
    many = (
        f"Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n{part * 10_000}--b--\n".encode()
    )
    with pytest.raises(ValueError, match="has more than 2,000 parts"):
        extract_eml(many)
    document = mailbox(many, mail("Kept."))
    assert shown(document)[-1] == "Kept."
    assert document.notes == ("mail 1 left out: has more than 2,000 parts",)


def test_mails_that_nest_too_deeply_or_are_encrypted_are_named() -> None:
    deep = b"Subject: a\nContent-Type: message/rfc822\n\n" * 3_000 + b"x"
    assert mailbox(deep, mail("Kept.")).notes == ("mail 1 left out: nests too deeply",)
    with pytest.raises(ValueError, match="encrypted"):
        extract_eml(b"Subject: a\nContent-Type: multipart/encrypted; boundary=b\n\n--b--\n")


@pytest.mark.parametrize("data", [b"", b"words alone\n", b"\x00\x01\x02"])
def test_what_is_no_mail_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="is no mail"):
        extract_eml(data)
    with pytest.raises(ValueError, match="is no mailbox"):
        extract_mbox(data)


@pytest.mark.parametrize(
    "header",
    ["Subject: " + "(" * 500_000, "From: " + "a@b, " * 100_000, "Date: " + "9" * 100_000,
     "Content-Type: text/plain; " + "a=b; " * 100_000, "To: " + "<" * 100_000],
)  # fmt: skip
def test_hostile_headers_are_cut(header: str) -> None:
    assert (
        shown(extract_eml(f"{header}\nSubject: s\nFrom: a@b.org\n\nThe text.\n".encode()))[-1]
        == "The text."
    )
