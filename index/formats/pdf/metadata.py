"""The info dictionary of a PDF → its title, date and language, where they say something."""

import ctypes
import re
from typing import Any

from ...text.dates import parse_date

_PROGRAM = re.compile(r"^(?:microsoft (?:word|powerpoint|excel)|powerpoint presentation)\b", re.I)
_NO_TITLE = re.compile(
    r"(?:untitled|unbenannt|sans titre|sin título|document|dokument|title|slide|scan\w*|print"
    r"|presentation)?[\s\d_().-]*",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(
    r"\S+\.(?:docx?|pdf|odt|indd|qxd|pptx?|xlsx?|tex|dvi|ps|rtf|html?|pages|key|tmp)$|^[\w:]*[/\\]",
    re.IGNORECASE,
)


def read_metadata(library: Any, pdf: Any) -> tuple[str | None, dict[str, str]]:
    """Returns the title, None where it is that of a file or program, and date and language."""
    info = pdf.get_metadata_dict()
    title = " ".join(info.get("Title", "").split())
    is_title = not (_PROGRAM.match(title) or _NO_TITLE.fullmatch(title) or _FILE_NAME.search(title))
    dates = (parse_date(info.get(key, "").strip()) for key in ("ModDate", "CreationDate"))
    metadata = {
        "date": next((date for date in dates if date), ""),
        "language": _language(library, pdf),
    }
    return title if is_title else None, {key: value for key, value in metadata.items() if value}


def _language(library: Any, pdf: Any) -> str:
    raw = library.raw
    buffer = ctypes.create_string_buffer(80)
    pointer = ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR))
    length = raw.FPDFCatalog_GetLanguage(pdf.raw, pointer, len(buffer))
    return buffer.raw[: length - 2].decode("utf-16-le", "replace") if 2 < length <= 80 else ""
