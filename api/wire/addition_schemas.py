"""The JSON shapes of `POST /v1/files`."""

from typing import Annotated

from pydantic import BaseModel, Field

from .schemas import JobBody, Text


class AddBody(BaseModel):
    """A web page to add to the articles."""

    url: Annotated[Text, Field(max_length=2_000, description="`http://…` or `https://…`")]
    collection: Text | None = Field(default=None, description="Omitted: the default collection")


class AddedBody(BaseModel):
    """The jobs that index what was added, one a file; `path` is where it is in the corpus."""

    jobs: list[JobBody]
