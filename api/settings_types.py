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


_Commas = (NoDecode, BeforeValidator(_split))  # comma-separated in a variable, not JSON

CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""Also the name of a folder."""
BaseUrl = Annotated[str, AfterValidator(_http_url)]
PublicUrl = Annotated[BaseUrl, AfterValidator(_public_url)]
"""Part of every link that is given out."""
OtlpEndpoint = Annotated[BaseUrl, AfterValidator(_without_password)]
RootPath = Annotated[str, AfterValidator(_root_path)]
CounterStorage = Annotated[str, AfterValidator(_counter_storage)]
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


class CollectionGroup(_Group):
    """One of several collections."""

    corpus: Path
