"""What routes over stored rows share: cursors by time, errors of the database, files to save."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from fastapi.responses import StreamingResponse

from ...errors import RequestInvalid, StateUnreadable
from ...state.bounded_table import Row
from ..sources import decode_cursor, encode_cursor

Position = tuple[float, str]


def decode_position(cursor: str | None) -> Position | None:
    """Returns the time and id of a cursor; raises RequestInvalid."""
    text = decode_cursor(cursor, field="query.after")
    if text is None:
        return None
    stored_s, _, row_id = text.partition(" ")
    try:
        return float(stored_s), row_id
    except ValueError:
        raise RequestInvalid("query.after", "is not a `next` of this service") from None


def page(rows: Iterator[Row], limit: int) -> tuple[list[Row], str | None]:
    """Returns the first rows, and the cursor of those after them, if there are any."""
    taken = list(islice(rows, limit + 1))
    if len(taken) <= limit:
        return taken, None
    last = taken[limit - 1]
    return taken[:limit], encode_cursor(f"{last.stored_s!r} {last.id}")


@contextmanager
def reading_state() -> Iterator[None]:
    """Raises StateUnreadable in place of what a file system raises."""
    try:
        yield
    except OSError as error:
        raise StateUnreadable("the data folder", str(error)) from error


def download(lines: Iterable[str], *, name: str, media_type: str) -> StreamingResponse:
    """Returns lines as a file that browsers save and never show."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    return StreamingResponse(iter(lines), headers=headers, media_type=media_type)
