"""One mail → its fields, its body's paragraphs and the names of its attachments.

After RFC 5322 and MIME (RFC 2045–2049), by the standard library's email package; `format=flowed`
after RFC 3676. Text is preferred to HTML; attachments are named, not read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import parsedate_to_datetime
from typing import cast

from ...text.encoding import decode
from ...text.limits import check_text_size, shorten
from ...types import Document
from ..html import parse_content
from ..text import is_wrapped
from .history import Paragraph, is_introduction, mark_quotations

MAX_PARTS = 2_000
MAX_HEADER_CHARS = 2_000
"""Of one header, which the library parses in time that grows faster than its length."""
MAX_ADDRESS_CHARS = 300
"""Of a list of recipients as it is shown."""
_BOUNDARY_LINE = re.compile(rb"\n--([^\r\n]{1,70})")
_HEADER_ERRORS = (AttributeError, IndexError, LookupError, MessageError, TypeError, ValueError)


class _Policy(EmailPolicy):
    """The default policy with headers cut, and those of raw bytes decoded."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        value = value[:MAX_HEADER_CHARS]
        if not value.isascii():
            data = value.encode("ascii", "surrogateescape")
            try:
                value = data.decode()
            except UnicodeDecodeError:
                value = data.decode("cp1252", "replace")
        return name, value


_POLICY = _Policy()


@dataclass(frozen=True, slots=True)
class Body:
    """A part of a mail that is text; `document` is that of HTML, with a paragraph a block."""

    paragraphs: tuple[Paragraph, ...]
    document: Document | None = None


@dataclass(slots=True)
class Mail:
    """A mail's fields as they are shown, its bodies, attachments' names, and mails within it."""

    subject: str = ""
    sender: str = ""
    recipients: str = ""
    sent: datetime | None = None
    date_text: str = ""
    bodies: list[Body] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    attached: "list[Mail]" = field(default_factory=list)

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The fields that have a value."""
        date = self.sent.strftime("%Y-%m-%d %H:%M") if self.sent else self.date_text
        pairs = (("From", self.sender), ("To", self.recipients), ("Date", date))
        return [(name, value) for name, value in pairs if value]


def read_mail(data: bytes) -> Mail:
    """Returns the mail; raises ValueError with the cause."""
    if _has_too_many_parts(data):  # which the library takes seconds to parse
        raise ValueError(f"has more than {MAX_PARTS:,} parts")
    try:
        return _read(data)
    except (AttributeError, IndexError, KeyError, MessageError, TypeError) as error:
        raise ValueError(f"malformed mail: {error}") from error  # of the library, on odd headers


def _read(data: bytes) -> Mail:
    message = cast(EmailMessage, message_from_bytes(data, policy=_POLICY))  # as its policy makes
    root = _mail(message)
    pending = [(root, message)]
    count = 0
    while pending:
        mail, part = pending.pop()
        count += 1
        if count > MAX_PARTS:
            raise ValueError(f"has more than {MAX_PARTS:,} parts")
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind in ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"):
            raise ValueError("is an encrypted or signed-only mail: save it as plain text")
        if kind.startswith("multipart/") and isinstance(payload, list):
            children = cast(list[EmailMessage], payload)
            chosen = _preferred(children) if kind == "multipart/alternative" else children
            pending += [(mail, child) for child in reversed(chosen)]
        elif kind == "message/rfc822" and isinstance(payload, list) and payload:
            inner = cast(EmailMessage, payload[0])
            root.attached.append(_mail(inner))
            pending.append((root.attached[-1], inner))
        else:
            _read_part(mail, part, kind)
    return root


def _has_too_many_parts(data: bytes) -> bool:
    """Whether a line that is a declared boundary occurs too often."""
    if data.count(b"\n--") <= MAX_PARTS:
        return False
    line, count = Counter(_BOUNDARY_LINE.findall(data)).most_common(1)[0]
    is_declared = b"boundary=" + line in data or b'boundary="' + line in data
    return count > MAX_PARTS and is_declared


def _mail(message: EmailMessage) -> Mail:
    """Returns a mail's fields."""
    date_text = header(message, "date")
    try:
        sent = parsedate_to_datetime(date_text) if date_text else None
    except (TypeError, ValueError, OverflowError):
        sent = None
    return Mail(
        subject=header(message, "subject"),
        sender=shorten(header(message, "from"), MAX_ADDRESS_CHARS),
        recipients=shorten(header(message, "to"), MAX_ADDRESS_CHARS),
        sent=sent,
        date_text=date_text[:100],
    )


def header(message: EmailMessage, name: str) -> str:
    """Returns a header's decoded value on one line, empty where it is missing or malformed."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except _HEADER_ERRORS:  # the library fails on some malformed headers
        return ""


def _preferred(children: list[EmailMessage]) -> list[EmailMessage]:
    """Returns the alternative to read: text that is not empty, else HTML, else the last."""
    for child in children:
        if child.get_content_type() == "text/plain" and _text(child).strip():
            return [child]
    for child in children:
        if child.get_content_type() == "text/html":
            return [child]
    return children[-1:]


def _read_part(mail: Mail, part: EmailMessage, kind: str) -> None:
    """Adds a part's text to the mail, or its name to the attachments."""
    is_text = kind in ("text/plain", "text/html") or kind == "text/enriched"
    if not is_text or part.get_content_disposition() == "attachment":
        name = _file_name(part)
        if name or is_text:
            mail.attachments.append(name or kind)
        return
    text = _text(part)
    check_text_size(len(text))
    if kind == "text/html":
        document = parse_content(text)
        lines = [document.text[start:end] for start, end in document.blocks]
        mail.bodies.append(Body(tuple(_mark_blocks(lines)), document))
    elif text.strip():
        lines = list(_unflow(text)) if _is_flowed(part) else text.splitlines()
        join = is_wrapped("\n".join(lines))
        mail.bodies.append(Body(tuple(mark_quotations(lines, join=join))))


def _mark_blocks(blocks: list[str]) -> Iterator[Paragraph]:
    """Yields a paragraph for each block of HTML; after an introduction all of them are quoted."""
    is_history = False
    for block in blocks:
        introduces = is_introduction(block)
        yield Paragraph(block, is_history, introduces)
        is_history = is_history or introduces


def _file_name(part: EmailMessage) -> str:
    try:
        return " ".join((part.get_filename() or "").split())[:100]
    except _HEADER_ERRORS:
        return ""


def _is_flowed(part: EmailMessage) -> bool:
    return str(part.get_param("format", "")).lower() == "flowed"


def _text(part: EmailMessage) -> str:
    """Returns a part's text by its charset, or by a detected one where that does not fit."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset() or "utf-8")
    try:
        text = data.decode(charset)
    except (LookupError, UnicodeError):
        text = decode(data)[0]
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def _unflow(text: str) -> Iterator[str]:
    """Yields the lines of a `format=flowed` text: one that ends in a blank goes on in the next."""
    parts: list[str] = []
    marks = ""
    for line in text.split("\n"):
        own = line[: len(line) - len(line.lstrip(">"))]
        words = line[len(own) :].removeprefix(" ")
        if parts and own != marks:
            yield _quote(marks, parts)
            parts = []
        marks = own
        parts.append(words)
        if not words.endswith(" ") or words == "-- ":
            yield _quote(marks, parts)
            parts = []
    if parts:
        yield _quote(marks, parts)


def _quote(marks: str, parts: list[str]) -> str:
    return f"{marks} {''.join(parts)}" if marks else "".join(parts)
