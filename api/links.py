"""Where a passage of a source can be seen: the only place that builds such links."""

VERSION_CHARS = 12
"""How much of a file's sha256 a link carries, to notice that the file has changed since."""


def view_url(source_id: str, sha256: str, *, start: int, end: int) -> str:
    """Returns the path of the page that shows `start:end` of the source, marked."""
    version = sha256[:VERSION_CHARS]
    return f"/v1/sources/{source_id}/view?start={start}&end={end}&v={version}#cite"
