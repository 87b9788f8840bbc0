"""The JSON shapes of the list of files, and of what became of one."""

from typing import Literal

from pydantic import BaseModel, Field

from ..schemas import SourceBody, Unit


class FileBody(BaseModel):
    """One file of a collection."""

    path: str = Field(description="Below the corpus")
    state: Literal["indexed", "skipped", "waiting"] = Field(
        description="`waiting`: new or changed since the serving generation was built"
    )
    cause: str | None = Field(description="Why it is not in the index")
    remedy: str | None = Field(description="What to do about that, in a sentence")
    title: str | None
    source_id: str | None
    passages: int | None
    date: str | None = Field(description="Day that it states: `YYYY-MM-DD`, or its beginning")
    language: str | None = Field(description="That it states")
    bytes: int | None
    modified: str | None


class FileCounts(BaseModel):
    """How many files of a collection are in each state, whatever was searched for."""

    indexed: int
    skipped: int
    waiting: int


class FilesBody(BaseModel):
    """One page of the files by path; `next` is null on the last."""

    files: list[FileBody]
    counts: FileCounts
    next: str | None
    writable: bool = Field(description="Whether the caller may change files here")
    collection: str


class PassageUnit(BaseModel):
    """A part of a passage that is quoted whole; offsets are into the source's text."""

    start: int
    end: int
    kind: Unit
    text: str


class FilePassage(BaseModel):
    """A passage that a file became."""

    start: int
    end: int
    heading: str | None
    page: int | None
    text: str
    units: list[PassageUnit]


class PassagesBody(BaseModel):
    """What a file became: one page of its passages in reading order; `next` is null on the last."""

    source: SourceBody
    text_length: int
    notes: list[str] = Field(description="What of the file was not read as it stands")
    passages: list[FilePassage]
    next: str | None
