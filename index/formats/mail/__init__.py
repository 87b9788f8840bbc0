"""Mails (.eml) and mailboxes (.mbox) → each mail under its subject, with its fields and text.

History that a mail quotes stands once: in the mail that wrote it, or, where the file has none, in
the first that quotes it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...text.limits import shorten
from ...types import Document
from ..builder import DocumentBuilder
from .history import History
from .message import Body, Mail, read_mail

MAX_MESSAGES = 50_000
_MAX_NOTE_CHARS = 200
_MAX_SUBJECT_CHARS = 200
_NO_SUBJECT = "(no subject)"
_FROM_LINE = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]{1,200}?\d{4}[^\r\n]{0,20}\r?\n")
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def extract_eml(data: bytes) -> Document:
    """Returns the document of a mail; title is its subject, date the day it was sent."""
    mail = read_mail(data)
    if not mail.fields and not mail.subject:
        raise ValueError("is no mail: it has no From, To, Date or Subject")
    metadata = {"date": mail.sent.date().isoformat()} if mail.sent else {}
    return replace(_document([mail], []), title=mail.subject or None, metadata=metadata)


def extract_mbox(data: bytes) -> Document:
    """Returns the document of a mailbox; a mail that cannot be read is left out and noted."""
    mails: list[Mail] = []
    notes: list[str] = []
    for number, message in enumerate(_messages(data), 1):
        if number > MAX_MESSAGES:
            raise ValueError(f"has more than {MAX_MESSAGES:,} mails")
        try:
            mails.append(read_mail(message))
        except (ValueError, RecursionError) as error:
            cause = "nests too deeply" if isinstance(error, RecursionError) else error
            notes.append(shorten(f"mail {number} left out: {cause}", _MAX_NOTE_CHARS))
    if not mails:
        raise ValueError(notes[0] if notes else "is no mailbox: it does not begin with `From `")
    return _document(mails, notes)


def _messages(data: bytes) -> Iterator[bytes]:
    """Yields the mails of a mailbox, after RFC 4155, without the `>` before their `From `."""
    starts = [match.span() for match in _FROM_LINE.finditer(data)]
    if not starts or data[: starts[0][0]].strip():
        return
    for (_, start), (end, _) in zip(starts, [*starts[1:], (len(data), 0)], strict=True):
        yield _ESCAPED_FROM.sub(rb"\1", data[start:end])


def _document(mails: Sequence[Mail], notes: list[str]) -> Document:
    """Returns the document of mails in order."""
    history = History()
    own = [mail for outer in mails for mail in (outer, *outer.attached)]
    for mail in own:
        for body in mail.bodies:
            for paragraph in body.paragraphs:
                if not paragraph.is_quoted and not paragraph.introduces:
                    history.add(paragraph.text)
    builder = DocumentBuilder()
    for outer in mails:
        _write(builder, outer, 1, history)
        for mail in outer.attached:
            _write(builder, mail, 2, history)
    attachments = [name for mail in own for name in mail.attachments]
    if attachments:
        names = f"attachments not read: {len(attachments)} ({', '.join(attachments[:10])})"
        notes = [*notes, shorten(names, _MAX_NOTE_CHARS)]
    return builder.build(notes=notes)


def _write(builder: DocumentBuilder, mail: Mail, level: int, history: History) -> None:
    builder.heading(shorten(mail.subject or _NO_SUBJECT, _MAX_SUBJECT_CHARS), level)
    builder.fields(mail.fields)
    for body in mail.bodies:
        _write_body(builder, body, level, history)


def _write_body(builder: DocumentBuilder, body: Body, level: int, history: History) -> None:
    kept = history.keep(body.paragraphs)
    if body.document is not None:
        builder.append(body.document, kept, level=level)
        return
    for paragraph, is_kept in zip(body.paragraphs, kept, strict=True):
        if is_kept:
            builder.paragraph(paragraph.text)
