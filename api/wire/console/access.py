"""The JSON shapes of keys, widget origins, checks and the list of jobs."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from ..job_schemas import JobBody
from ..schemas import Text

Scope = Literal["read", "write", "admin"]


class KeyBody(BaseModel):
    """An API key, without the key itself."""

    id: str
    name: str
    scopes: list[Scope]
    collections: list[str] | None = Field(description="Null: all of them")
    groups: list[str] = Field(description="Those whose articles it reads besides everybody's")
    created: str
    expires: str | None
    last_used: str | None = Field(description="To the minute or so; null: never, or not since then")
    status: Literal["valid", "expired", "revoked"]


class KeysBody(BaseModel):
    """The keys that were ever created, the oldest first."""

    keys: list[KeyBody]


class KeyAsked(BaseModel):
    """What a new key is for, and what it may do."""

    name: Annotated[Text, Field(max_length=200, description="What it is for")] = ""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=3)]
    collections: Annotated[
        list[Annotated[Text, Field(max_length=200)]] | None, Field(min_length=1, max_length=100)
    ] = Field(default=None, description="Omitted: all that the caller may access")
    groups: Annotated[
        list[Annotated[Text, Field(max_length=200)]] | None, Field(max_length=100)
    ] = Field(default=None, description="Of those of the caller; omitted: all that the caller has")
    expires_days: Annotated[float, Field(gt=0, le=36_500)] | None = Field(
        default=None, description="Omitted: it does not expire"
    )


class KeyMade(BaseModel):
    """A new key, which is shown this once."""

    id: str
    key: str


class OriginsBody(BaseModel):
    """The sites whose pages may use the widget, and the two lines that they paste."""

    origins: list[str]
    script: str
    element: str
    blockers: list[str] = Field(description="What keeps pages from using it, and the remedy")


class CheckBody(BaseModel):
    """The result of a check; `ok` is null where it does not apply."""

    check: str
    ok: bool | None
    detail: str


class DoctorBody(BaseModel):
    """The results of all checks."""

    ok: bool
    checks: list[CheckBody]


class JobsBody(BaseModel):
    """The newest jobs, at most 50."""

    jobs: list[JobBody]
