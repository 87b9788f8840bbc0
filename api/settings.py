"""Every setting of Footnote, its default and its meaning; nothing else reads the environment.

Flags win over `FOOTNOTE_*` variables (nested by `__`), those over `.env`, that over
`footnote.toml`, that over the defaults below. `OPENAI_API_KEY` and `OPENAI_BASE_URL` fill what
none of them says; an empty variable counts as unset.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from .errors import SettingRefused
from .origins import exact_host, exact_origin

PREFIX = "FOOTNOTE_"
# a URL may carry a password
_CONFIDENTIAL = {"api_key", "base_url", "headers", "otlp_endpoint", "query", "rate_limit_storage"}


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _http_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


def _root_path(value: str) -> str:
    value = value.rstrip("/")
    if value and not value.startswith("/"):
        raise ValueError("must begin with /")
    return value


def _without_password(value: str) -> str:
    if "@" in value:
        raise ValueError("must not hold a password; OTEL_EXPORTER_OTLP_HEADERS may")
    return value


def _storage(value: str) -> str:
    if not value.startswith(("memory://", "redis://", "rediss://")):
        raise ValueError("must be memory:// or begin with redis:// or rediss://")
    return value


Host = Annotated[str, AfterValidator(exact_host)]
Origin = Annotated[str, AfterValidator(exact_origin)]
BaseUrl = Annotated[str, AfterValidator(_http_url)]


class ModelGroup(BaseModel):
    """The language model that words answers; none: the best sentences are quoted instead."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    model: str | None = Field(
        default=None, description="Model that words the answers; unset: none does"
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Its OpenAI-compatible endpoint (or `OPENAI_BASE_URL`)"
    )
    api_key: SecretStr | None = Field(default=None, description="Its key (or `OPENAI_API_KEY`)")
    temperature: float | None = Field(default=0.0, ge=0, le=2, description="Sampling temperature")
    max_tokens: int = Field(default=800, ge=16, le=32_000, description="Longest answer, in tokens")
    deadline_s: float = Field(default=60.0, gt=0, description="Longest wait for a whole answer")
    between_tokens_s: float = Field(
        default=15.0, gt=0, description="Longest silence within an answer"
    )
    history_chars: int = Field(default=4_000, ge=0, description="Most of a conversation it reads")
    passage_chars: int = Field(default=16_000, ge=500, description="Most of the passages it reads")
    headers: dict[str, SecretStr] = Field(default={}, description="More headers for it, as JSON")
    query: dict[str, SecretStr] = Field(
        default={}, description="More query parameters for it, as JSON"
    )
    max_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Longest answer accepted, in bytes"
    )


class EmbedGroup(BaseModel):
    """The embedding model; without a name it is the built-in all-MiniLM-L6-v2, offline."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    model: str | None = Field(
        default=None, description="Embedding model; unset: the built-in MiniLM"
    )
    runtime: Literal["onnxruntime", "openvino"] = Field(
        default="onnxruntime",
        description="What runs the built-in MiniLM; `openvino`, an extra, is quicker and rounds to "
        "bf16 where the CPU does",
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Its OpenAI-compatible endpoint (or `OPENAI_BASE_URL`)"
    )
    api_key: SecretStr | None = Field(default=None, description="Its key (or `OPENAI_API_KEY`)")
    sentence_vectors: bool = Field(
        default=True,
        description="Embed each sentence too; at an endpoint that is one input a sentence",
    )


class RerankGroup(BaseModel):
    """A cross-encoder that orders what was found anew; without an endpoint there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: BaseUrl | None = Field(
        default=None, description="Endpoint with a Cohere-style `/rerank`; unset: none is asked"
    )
    model: str | None = Field(default=None, description="Its model, where it has several")
    api_key: SecretStr | None = Field(default=None, description="Its key")
    candidates: int = Field(default=20, ge=2, le=100, description="Passages it is sent")
    timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="Longest wait for it; then the order stays"
    )


class CollectionGroup(BaseModel):
    """A collection beside others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: Path


NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""What a collection may be called; it is a folder's name, too."""


class Settings(BaseSettings):
    """What the service, the sync and the terminal are told; see `settings_table`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        env_file=".env",
        dotenv_filtering="match_prefix",
        toml_file="footnote.toml",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    corpus: Path = Field(default=Path("seeds"), description="Folder of articles")
    data_dir: Path = Field(default=Path(".data"), description="Where everything built is kept")
    collection: str = Field(
        default="default",
        pattern=NAME,
        description="Name of the index; one per corpus",
    )
    collections: dict[Annotated[str, Field(pattern=NAME)], CollectionGroup] = Field(
        default={},
        description="Several indexes in one service: a table `[collections.NAME]` in "
        "`footnote.toml` with its `corpus`, each",
    )
    formats: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=("txt", "md", "html", "pdf", "docx", "epub", "rst", "org"),
        description="File formats that are read; also known: csv, tsv, json, jsonl",
    )
    max_file_bytes: int = Field(
        default=20_000_000, ge=1, description="Larger files are skipped, by name"
    )
    allow_writes: bool = Field(
        default=False, description="Take files, and requests to sync, over HTTP"
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(
        default=8000, ge=0, le=65_535, description="Port to listen on; 0: any free one"
    )
    insecure: bool = Field(
        default=False, description="Allow an address that others can reach, without a key"
    )
    public_url: BaseUrl | None = Field(
        default=None, description="Where browsers reach the service; links begin with it"
    )
    allowed_hosts: Annotated[tuple[Host, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="More names by which it is called, beside loopback, its address, `public_url`",
    )
    widget_origins: Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), description="Origins whose pages may ask with a widget token and frame views"
    )
    widget_collections: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), description="Collections that those pages may ask; unset: the default one"
    )
    rate_limit_per_minute: int = Field(
        default=60, ge=0, description="Requests of a key, or of an address without one; 0: no limit"
    )
    rate_limit_storage: Annotated[str, AfterValidator(_storage)] = Field(
        default="memory://", description="Where they are counted; a `redis://` URL for all workers"
    )
    root_path: Annotated[str, AfterValidator(_root_path)] = Field(
        default="", description="Path under which a proxy publishes the service"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), description="Addresses or networks whose `X-Forwarded-For` and `-Proto` count"
    )
    link_ttl_s: int = Field(
        default=604_800, ge=60, description="How long a citation's link opens without a key"
    )
    max_question_chars: int = Field(
        default=4_000, ge=1, description="Longest question, in characters"
    )
    max_body_bytes: int = Field(
        default=1_000_000, ge=1_000, description="Longest request, in bytes"
    )
    max_concurrent_answers: int = Field(
        default=8,
        ge=1,
        description="Answers under way at once, in each process; four times as many may wait",
    )
    max_wait_s: float = Field(default=10.0, ge=0, description="Longest wait for a place among them")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer")
    drain_s: float | None = Field(
        default=None,
        ge=0,
        le=15,
        description="How long `/readyz` says 503 on SIGTERM before the port closes; unset: 0 on "
        "loopback, else 5",
    )
    support_mode: Literal["flag", "strict", "off"] = Field(
        default="flag", description="Unsupported sentences: `flag` marks, `strict` withholds them"
    )
    support_judge: Literal["words", "model"] = Field(
        default="words",
        description="Who decides where no rule of support does: shared `words`, or `llm.model`, "
        "asked once more for such a sentence",
    )
    feedback_days: int = Field(
        default=180, ge=1, description="How long readers' feedback is kept, in days"
    )
    keep_answers: bool = Field(
        default=False, description="Keep each question with what its answer was made of, to replay"
    )
    otlp_endpoint: Annotated[BaseUrl, AfterValidator(_without_password)] | None = Field(
        default=None, description="OTLP collector for traces (gRPC, e.g. `http://127.0.0.1:4317`)"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="Loopback port for `/metrics` without a key; unset: none",
    )
    log_content: bool = Field(
        default=False, description="Log questions, passages and answers, and foreign errors' words"
    )
    llm: ModelGroup = ModelGroup()
    embed: EmbedGroup = EmbedGroup()
    rerank: RerankGroup = RerankGroup()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Orders the sources, strongest first."""
        return (
            init_settings,
            env_settings,
            dotenv_settings,
            TomlConfigSettingsSource(settings_cls),
            _OpenAIFallback(settings_cls),
        )


class _OpenAIVariables(BaseSettings):
    """`OPENAI_API_KEY` and `OPENAI_BASE_URL`, from the environment or `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="OPENAI_",
        env_ignore_empty=True,
        env_file=".env",
        extra="ignore",
        hide_input_in_errors=True,
    )

    api_key: str | None = None
    base_url: str | None = None


class _OpenAIFallback(PydanticBaseSettingsSource):
    """Gives both groups what the variables of OpenAI's own tools say."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        return None, field_name, False  # the base class demands it; `__call__` is what is called

    def __call__(self) -> dict[str, object]:
        group = _OpenAIVariables().model_dump(exclude_none=True)
        return {"llm": group, "embed": dict(group)} if group else {}


def load_settings(flags: Mapping[str, object]) -> Settings:
    """Returns the settings of this run.

    `flags` are what the command line said, nested by dots (`llm.model`); None means not said.
    Raises SettingRefused, which names the setting and never shows a key.
    """
    try:
        settings = Settings(**_nested(flags))
    except ValidationError as error:
        raise _refusal(error) from None  # the cause would print the input
    except SettingsError as error:
        raise SettingRefused(
            str(error).partition('"')[2].partition('"')[0], "is malformed"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingRefused("footnote.toml", str(error)) from error
    if settings.support_judge == "model" and settings.llm.model is None:
        raise SettingRefused("support_judge", "asks a model, so llm.model must name one")
    return settings


def _nested(flags: Mapping[str, object]) -> dict[str, Any]:  # Any: pydantic checks each value
    nested: dict[str, Any] = {}
    for name, value in flags.items():
        group, dot, key = name.partition(".")
        if value is None:
            continue
        if dot:
            nested.setdefault(group, {})[key] = value
        else:
            nested[name] = value
    return nested


def _refusal(error: ValidationError) -> SettingRefused:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if isinstance(part, str)]
    variable = PREFIX + "__".join(path).upper()
    if first["type"] == "extra_forbidden":
        return SettingRefused(".".join(path), "there is no such setting")
    value = first["input"]
    shown = isinstance(value, str | int | float) and not _CONFIDENTIAL & set(path)
    said = f" (not {str(value)[:80]!r})" if shown else ""
    return SettingRefused(".".join(path), f"{first['msg']}{said}; it may be set as {variable}")


def settings_table() -> str:
    """Returns all settings as a markdown table, in the order of this file."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            rows += [_row(f"{name}__{key}", inner) for key, inner in group.model_fields.items()]
        else:
            rows.append(_row(name, field))
    return "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    shown = "" if default is None else f"`{default}`"
    return f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |"
