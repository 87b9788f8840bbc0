"""The JSON shapes of generations."""

from pydantic import BaseModel, Field


class GenerationBody(BaseModel):
    """A published generation of the index."""

    generation: str
    is_serving: bool
    built_at: str
    sources: int
    passages: int
    bytes: int = Field(description="Of its files, also those that it shares with the other one")
    complete: bool = Field(description="It has vectors, not only the keyword index")
    embedder: str
    engine: str


class GenerationsBody(BaseModel):
    """The generations that can serve, the serving one first, and what is being built."""

    generations: list[GenerationBody]
    building: dict[str, object] | None = Field(description="The progress of a running sync")


class RolledBack(BaseModel):
    """The generation that serves now."""

    generation: str
