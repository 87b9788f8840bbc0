"""The types of settings: which values are valid, what the error says otherwise, and the groups."""

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from index.redact import check_url

from .origins import normalize_host, normalize_origin


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    check_url(value)
    return value


def _public_url(value: str) -> str:
    if any(character in value for character in "@?#"):
        raise ValueError("must be an address without a user name, a query and a fragment")
    return value


def _root_path(value: str) -> str:
    value = value.rstrip("/")
    if value and not value.startswith("/"):
        raise ValueError("must begin with /")
    return value


def _without_password(value: str) -> str:
    if "@" in value:
        raise ValueError("must not contain a password; set OTEL_EXPORTER_OTLP_HEADERS instead")
    return value


def _counter_storage(value: str) -> str:
    if not value.startswith(("memory://", "redis://", "rediss://")):
        raise ValueError("must be memory:// or begin with redis:// or rediss://")
    if value != "memory://":
        check_url(value)
    return value


def _url_of(*schemes: str, password: bool = False) -> AfterValidator:
    """Returns a validator of URLs with one of the schemes, that may hold a password or not."""

    def check(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"must begin with {' or '.join(f'{one}://' for one in schemes)}")
        if not password and any(character in value for character in "@?#"):
            raise ValueError("must be an address without a user name, a query and a fragment")
        if "@" in value:
            check_url(value)
        return value

    return AfterValidator(check)


_Commas = (NoDecode, BeforeValidator(_split))  # comma-separated in a variable, not JSON

CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""Also the name of a folder."""
BaseUrl = Annotated[str, AfterValidator(_http_url)]
PublicUrl = Annotated[BaseUrl, AfterValidator(_public_url)]
"""Part of every link that is given out."""
OtlpEndpoint = Annotated[BaseUrl, AfterValidator(_without_password)]
RootPath = Annotated[str, AfterValidator(_root_path)]
CounterStorage = Annotated[str, AfterValidator(_counter_storage)]
SharedUrl = Annotated[str, _url_of("s3", "gs", "az", "file")]
StateUrl = Annotated[str, _url_of("postgresql", "postgres", password=True)]
PoolUrl = Annotated[str, _url_of("tcp", "tls")]
LogLevel = Literal["info", "warning"]
Names = Annotated[tuple[str, ...], *_Commas]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(normalize_host)], ...], *_Commas]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], *_Commas]
Origins = Annotated[tuple[Annotated[str, AfterValidator(normalize_origin)], ...], *_Commas]


def collection_name(corpus: Path) -> str:
    """Returns the collection name for a corpus folder: its own name, `default` for the seeds."""
    name = corpus.absolute().name
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64]
    return "default" if name == "seeds" or not slug else slug


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ModelGroup(_Group):
    """The chat model that writes answers; without one the sources are quoted."""

    model: str | None = Field(
        default=None, description="Chat model that writes answers; unset: sources are quoted"
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Its OpenAI-compatible endpoint (or `OPENAI_BASE_URL`)"
    )
    api_key: SecretStr | None = Field(default=None, description="Its API key (or `OPENAI_API_KEY`)")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Sampling temperature")
    max_tokens: int = Field(
        default=800, ge=16, le=32_000, description="Maximum tokens of an answer"
    )
    passage_chars: int = Field(
        default=16_000,
        ge=1_000,
        le=200_000,
        description="Maximum characters of the passages that it is shown; a search of its own adds "
        "half as many",
    )
    deadline_s: float = Field(default=60.0, gt=0, description="Timeout for a whole answer")
    headers: dict[str, SecretStr] = Field(
        default={}, description="Additional request headers, as JSON"
    )
    query: dict[str, SecretStr] = Field(
        default={}, description="Additional query parameters, as JSON"
    )


class EmbedGroup(_Group):
    """The embedding model; without a name it is a built-in one, offline."""

    model: str | None = Field(default=None, description="Embedding model; unset: the built-in one")
    built_in: Literal["minilm", "multilingual"] = Field(
        default="minilm",
        description="Built-in model: `minilm` (all-MiniLM-L6-v2, English) or `multilingual` "
        "(multilingual-e5-small, an extra), which finds across languages",
    )
    path: Path | None = Field(
        default=None,
        description="Folder of a local embedding model: `model.onnx` (or `model.safetensors` with "
        "`config.json`, of BERT) and `tokenizer.json`",
    )
    runtime: Literal["onnxruntime", "openvino"] = Field(
        default="onnxruntime",
        description="Runtime of the built-in MiniLM; `openvino` (an extra) is faster and computes "
        "in bf16 where the CPU supports it",
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Its OpenAI-compatible endpoint (or `OPENAI_BASE_URL`)"
    )
    api_key: SecretStr | None = Field(default=None, description="Its API key (or `OPENAI_API_KEY`)")


class RerankGroup(_Group):
    """A cross-encoder that reranks the hits; without an endpoint there is none."""

    base_url: BaseUrl | None = Field(
        default=None, description="Endpoint with a Cohere-style `/rerank`; unset: no reranking"
    )
    model: str | None = Field(
        default=None, description="Reranking model, where the endpoint has several"
    )
    api_key: SecretStr | None = Field(default=None, description="Its API key")


class ScaleFields(BaseModel):
    """The settings of a service on several machines, and of large corpora."""

    shared: SharedUrl | None = Field(
        default=None,
        description="Bucket through which machines share published generations: `s3://`, `gs://`, "
        "`az://`, or `file:///` of a mount (an extra)",
    )
    shared_poll_s: float = Field(
        default=5.0, gt=0, le=3600, description="How often a replica looks for a new generation"
    )
    role: Literal["all", "replica"] = Field(
        default="all",
        description="`replica`: only answer, from the generations that a sync elsewhere shares",
    )
    state: StateUrl | None = Field(
        default=None,
        description="Database of keys, jobs, feedback and logged answers: `postgresql://` (an "
        "extra); unset: SQLite in the data folder",
    )
    pool: PoolUrl | None = Field(
        default=None,
        description="Dask scheduler whose workers parse and embed, `tcp://` or `tls://` (an "
        "extra); unset: the sync does it itself",
    )
    engine: Literal["chroma", "lance"] = Field(
        default="chroma",
        description="Search engine: `chroma` (with tantivy and SQLite), or `lance` (an extra), "
        "whose syncs write and share only what changed",
    )
    in_place: bool = Field(
        default=False,
        description="Let replicas read a `lance` index from the bucket in place of a copy on disk",
    )


class CollectionGroup(_Group):
    """One of several collections; `access` are the groups that may see it, None: everybody."""

    corpus: Path
    access: Names | None = None
