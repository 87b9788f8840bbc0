"""The parameters of lists: how many entries a page has, and after which entry it begins."""

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=200, description="Entries per page")]
After = Annotated[
    str | None,
    Query(
        max_length=6_000,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="`next` of the previous page",
    ),
]
