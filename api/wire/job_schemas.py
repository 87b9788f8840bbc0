"""The JSON shapes of what changes the articles: additions, syncs, and the jobs that do them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from .schemas import Text


class SyncBody(BaseModel):
    """Which collection to sync."""

    collection: Text | None = Field(default=None, description="Omitted: the default collection")


class Left(BaseModel):
    """A skipped file and the reason."""

    path: str
    cause: str


class FileNote(BaseModel):
    """What of an indexed file was not read as it stands."""

    path: str
    note: str


class Report(BaseModel):
    """The result of a sync; `generation` is the one that serves now.

    `skipped` and `notes` have the job's own file and others, 100 at most each; `footnote sync`
    prints all. A caller who may not read every article is told of the own file alone, and counts
    are null.
    """

    generation: str
    published: bool
    added: int | None
    changed: int | None
    removed: int | None
    unchanged: int | None
    chunks: int | None
    skipped: list[Left]
    notes: list[FileNote] = []
    seconds: float


class JobError(BaseModel):
    """Why a job failed; `code` is that of a problem."""

    code: str
    detail: str


class JobBody(BaseModel):
    """A change of the articles, and whether the index contains it yet.

    `progress` has `event`, and `done` and `total` if it counts something. A file that cannot be
    read does not fail the job: `report.skipped` names it.
    """

    id: str
    kind: Literal["put", "delete", "sync"]
    collection: str
    path: str | None
    status: Literal["queued", "running", "done", "failed"]
    created_at: str
    ended_at: str | None
    progress: dict[str, object] | None
    report: Report | None
    error: JobError | None


class AddBody(BaseModel):
    """A web page to add to the articles."""

    url: Annotated[Text, Field(max_length=2_000, description="`http://…` or `https://…`")]
    collection: Text | None = Field(default=None, description="Omitted: the default collection")


class AddedBody(BaseModel):
    """The jobs that index what was added, one a file; `path` is where it is in the corpus."""

    jobs: list[JobBody]
