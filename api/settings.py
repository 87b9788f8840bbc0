"""Every setting of Footnote with its default and meaning; nothing else reads the environment.

Precedence: flags, `FOOTNOTE_*` environment variables (nested by `__`), `.env`, `footnote.toml`, the
defaults below. `OPENAI_API_KEY` and `OPENAI_BASE_URL` fill what none of them sets; an empty
variable counts as unset.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from index.redact import redact, register_secrets, register_url

from .errors import SettingRefused
from .foreign_variables import library_secrets
from .setting_names import PREFIX, check_variables, unknown_setting, variable_name
from .settings_auth import AuthGroup
from .settings_types import (
    CollectionGroup,
    CollectionName,
    CounterStorage,
    EmbedGroup,
    Hosts,
    LogLevel,
    ModelGroup,
    Names,
    Networks,
    Origins,
    OtlpEndpoint,
    PublicUrl,
    RerankGroup,
    RootPath,
    ScaleFields,
)

# their values are not repeated in an error: a URL may contain a password
_CONFIDENTIAL = {
    *("api_key", "base_url", "headers", "otlp_endpoint", "public_url", "query"),
    *("rate_limit_storage", "state", "client_secret", "issuer"),
}


class Settings(BaseSettings, ScaleFields):
    """The settings of the service, of a sync and of the command line."""

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
    data_dir: Path = Field(default=Path(".data"), description="Folder for indexes, keys and models")
    collection: CollectionName = Field(
        default="default", description="Name of the index; each corpus has its own"
    )
    collections: dict[CollectionName, CollectionGroup] = Field(
        default={},
        description="Several indexes in one service: in `footnote.toml`, a table "
        "`[collections.NAME]` with a `corpus` for each",
    )
    access: dict[str, Names] = Field(
        default={},
        description="Who may read what: in `footnote.toml`, a table `[access]` of paths (folders "
        "end in `/`, `/` is all) to groups; see also `.footnote-access`",
    )
    formats: Names = Field(
        default=(
            *("txt", "md", "mdx", "log", "html", "xhtml", "pdf", "docx", "xlsx", "pptx", "epub"),
            *("eml", "mbox", "rst", "org", "csv", "tsv"),
        ),
        description="File formats to index; also available: json, jsonl",
    )
    max_file_bytes: int = Field(
        default=20_000_000,
        ge=1,
        description="Maximum file size; larger files are skipped and reported",
    )
    allow_writes: bool = Field(default=False, description="Allow file uploads and syncs over HTTP")
    allow_unmarked_corpora: bool = Field(
        default=False,
        description="Allow uploads also to a corpus without a file `.footnote-corpus`",
    )
    writable_names: Names = Field(
        default=(),
        description="File names that tools read and that may be uploaded nevertheless, such as "
        "`README.md`",
    )
    max_corpus_bytes: int = Field(
        default=10_000_000_000, ge=1, description="Maximum size of a corpus that uploads may reach"
    )
    max_corpus_files: int = Field(
        default=100_000, ge=1, description="Maximum number of files that uploads may reach"
    )
    add_networks: Networks = Field(
        default=(),
        description="Networks, besides the internet's public addresses, from which pages may be "
        "added, such as an intranet's `10.0.0.0/8`",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(
        default=8000, ge=0, le=65_535, description="Port to listen on; 0: any free port"
    )
    insecure: bool = Field(
        default=False, description="Allow a non-loopback address without API keys"
    )
    public_url: PublicUrl | None = Field(
        default=None, description="URL at which browsers reach the service; base of all links"
    )
    allowed_hosts: Hosts = Field(
        default=(),
        description="Additional `Host` names to accept, besides loopback, the listening address "
        "and `public_url`",
    )
    widget_origins: Origins = Field(
        default=(),
        description="Origins whose pages may use widget tokens and embed source views (CORS)",
    )
    widget_collections: Names = Field(
        default=(), description="Collections open to those pages; unset: the default one"
    )
    public_page: bool = Field(
        default=False,
        description="Let everybody who can reach the service ask on its page `/`, also where there "
        "are keys",
    )
    rate_limit_per_minute: int = Field(
        default=60,
        ge=0,
        description="Requests per minute per key, or per address without one; 0: no limit",
    )
    rate_limit_storage: CounterStorage = Field(
        default="memory://",
        description="Rate limit counters; a `redis://` URL shares them among workers",
    )
    root_path: RootPath = Field(
        default="", description="Path prefix under which a proxy publishes the service"
    )
    trusted_proxies: Names = Field(
        default=(),
        description="Proxies whose `X-Forwarded-For` and `-Proto` are trusted: IPs or networks",
    )
    max_concurrent_answers: int = Field(
        default=8, ge=1, description="Concurrent answers per process; four times as many may queue"
    )
    max_wait_s: float = Field(default=10.0, ge=0, description="Maximum time in that queue")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes")
    drain_s: float | None = Field(
        default=None,
        ge=0,
        le=15,
        description="How long `/readyz` returns 503 after SIGTERM before the port closes; unset: 0 "
        "on loopback, else 5",
    )
    reader: bool = Field(
        default=True,
        description="Have the built-in reader judge the passages of English questions: better "
        "refusals, some 70 ms a question",
    )
    support_mode: Literal["flag", "strict", "off"] = Field(
        default="flag",
        description="Unsupported sentences: `flag` marks them, `strict` withholds them",
    )
    support_judge: Literal["words", "model"] = Field(
        default="words",
        description="What decides where no support rule does: `words` (overlap) or `model` (one "
        "more request to the chat model)",
    )
    keep_answers: bool = Field(
        default=False, description="Log each answer with its passages, for replay"
    )
    keep_questions_days: float = Field(
        default=0,
        ge=0,
        le=3_650,
        description="The same, and delete it after so many days; 0: as `keep_answers` says",
    )
    otlp_endpoint: OtlpEndpoint | None = Field(
        default=None, description="OTLP collector for traces (gRPC, e.g. `http://127.0.0.1:4317`)"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65_535,
        description="Loopback port for `/metrics` without a key; unset: none",
    )
    log_level: LogLevel | None = Field(
        default=None,
        description="`info` or `warning`; unset: `info`, on a terminal without a line for each "
        "request and question",
    )
    log_content: bool = Field(
        default=False, description="Log questions, passages, answers and third-party error messages"
    )
    llm: ModelGroup = ModelGroup()
    embed: EmbedGroup = EmbedGroup()
    rerank: RerankGroup = RerankGroup()
    auth: AuthGroup = AuthGroup()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Returns the sources, strongest first."""
        files = dotenv_settings, TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, *files, _OpenAIFallback(settings_cls)

    @property
    def keeps_questions(self) -> bool:
        """Whether questions and answers are logged."""
        return self.keep_answers or self.keep_questions_days > 0

    @property
    def collection_folder(self) -> Path:
        """The folder of the collection's generations."""
        return self.data_dir.absolute() / "collections" / self.collection

    def per_collection(self) -> list["Settings"]:
        """Returns the settings of each served collection: of the selected one, else of all."""
        corpora = {name: group.corpus for name, group in self.collections.items()}
        if "corpus" in self.model_fields_set or not corpora:
            corpora = {self.collection: self.corpus} | corpora
        if "collection" in self.model_fields_set:
            corpora = {self.collection: corpora.get(self.collection, self.corpus)}
        return [
            self.model_copy(update={"collection": name, "corpus": corpus, "collections": {}})
            for name, corpus in corpora.items()
        ]

    def corpus_of(self, collection: str) -> Path:
        """Returns the corpus of a served collection; raises KeyError."""
        return {one.collection: one.corpus for one in self.per_collection()}[collection].absolute()

    def single_collection(self) -> "Settings":
        """Returns the settings of the selected, the default or the only collection.

        Raises SettingRefused where there are several and none of them is the default one.
        """
        served = {settings.collection: settings for settings in self.per_collection()}
        name = "default" if "default" in served else next(iter(served))
        if len(served) > 1 and name != "default":
            raise SettingRefused("collection", f"choose one of {', '.join(sorted(served))}")
        return served[name]


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
    """The weakest source: OpenAI's own variables, for the chat and the embedding model."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        return None, field_name, False  # abstract in the base class; only `__call__` is used

    def __call__(self) -> dict[str, object]:
        group = _OpenAIVariables().model_dump(exclude_none=True)
        return {"llm": group, "embed": dict(group)} if group else {}


def load_settings(flags: Mapping[str, object]) -> Settings:
    """Returns the settings of this run; `flags` are the command line's, None where not given.

    A dot in a flag's name nests it (`llm.model`). Raises SettingRefused, which names the setting
    and never contains a key.
    """
    check_variables(Settings)
    try:
        settings = Settings(**_nest(flags))
    except ValidationError as error:
        raise _refusal(error) from None  # the cause would contain the input
    except SettingsError as error:
        name = str(error).partition('"')[2].partition('"')[0]
        raise SettingRefused(name, "is malformed") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingRefused("footnote.toml", str(error)) from error
    for value in (*_strings(settings.model_dump()), *library_secrets()):
        register_url(value) if "://" in value else register_secrets([value])
    if settings.support_judge == "model" and settings.llm.model is None:
        raise SettingRefused("support_judge", "`model` needs a chat model; set llm.model")
    _check_embedder(settings.embed)
    if conflict := settings.auth.conflict(settings.trusted_proxies):
        raise SettingRefused(*conflict)
    if settings.role == "replica" and settings.shared is None:
        raise SettingRefused("role", "`replica` needs a store to follow; set shared")
    if settings.role == "replica" and settings.allow_writes:
        raise SettingRefused("allow_writes", "a replica only answers; set it where the sync runs")
    return settings


def _check_embedder(embed: EmbedGroup) -> None:
    """Raises SettingRefused where several embedding models are named."""
    named = {
        "embed.path": embed.path is not None,
        "embed.built_in": embed.built_in != "minilm",
        "embed.runtime": embed.runtime != "onnxruntime",
    }
    names = [name for name, is_set in named.items() if is_set]
    if embed.model and names and names[0] != "embed.runtime":
        raise SettingRefused(names[0], "embed.model is set, too; unset one of them")
    if len(names) > 1:
        raise SettingRefused(names[1], f"{names[0]} is set, too; unset one of them")


def _strings(value: object) -> Iterator[str]:
    """Yields what a dump of settings holds of secrets, and of URLs, which may contain some."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, str) and "://" in value:
        yield value


def _nest(flags: Mapping[str, object]) -> dict[str, Any]:  # Any: pydantic validates each value
    nested: dict[str, Any] = {}
    for name, value in flags.items():
        group, dot, key = name.rpartition(".")
        if value is not None:
            (nested.setdefault(group, {}) if dot else nested)[key] = value
    return nested


def _refusal(error: ValidationError) -> SettingRefused:
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if isinstance(part, str)]
    name, value = ".".join(path), first["input"]
    if first["type"] == "extra_forbidden":
        return SettingRefused(name, unknown_setting(name, "there is no such setting", Settings))
    is_shown = isinstance(value, str | int | float) and not _CONFIDENTIAL & set(path)
    is_shown = is_shown and "@" not in str(value)
    got = f" (got {redact(str(value))[:80]!r})" if is_shown else ""
    return SettingRefused(name, f"{first['msg']}{got}; set {variable_name(name)}")
