"""The composition root: settings in, the working parts out; the only place that joins them.

Everything heavy is imported within the functions, so that what needs no parts pays for none.
"""

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.types import Answerer

from .errors import SettingRefused
from .settings import ModelGroup, RerankGroup, Settings

if TYPE_CHECKING:
    from index.embed.factory import EmbedSpec
    from index.embed.protocol import Embedder
    from index.store.serving import Serving
    from index.sync.process import SyncRequest
    from rag.answer import Pipeline
    from rag.model.openai_chat import ChatModel
    from rag.retrieval.rerank import EndpointReranker
    from rag.timing import Observer

    from .security.keys import KeyStore
    from .service.job_runner import Writes
    from .state.answer_log import Records
    from .state.feedback import Feedback
    from .wire.signed_links import LinkSigner

OPENAI_URL = "https://api.openai.com/v1"
"""Where a model is asked for when only its name is set."""


@dataclass(slots=True)
class Parts:
    """What answers questions: a pipeline, one embedder, and each collection's generation."""

    servings: dict[str, "Serving"]
    pipeline: "Pipeline"
    embedder: "Embedder"
    answerer: Answerer

    @property
    def serving(self) -> "Serving":
        """The only collection, where one was chosen."""
        (only,) = self.servings.values()
        return only

    async def close(self) -> None:
        """Gives everything up."""
        await self.pipeline.close()
        self.embedder.close()
        for serving in self.servings.values():
            serving.close()


def each(settings: Settings) -> list[Settings]:
    """Returns the settings of each collection that is served: the chosen one, else all."""
    corpora = {name: group.corpus for name, group in settings.collections.items()}
    if "corpus" in settings.model_fields_set or not corpora:
        corpora = {settings.collection: settings.corpus} | corpora
    if "collection" in settings.model_fields_set:
        corpora = {settings.collection: corpora.get(settings.collection, settings.corpus)}
    return [
        settings.model_copy(update={"collection": name, "corpus": corpus, "collections": {}})
        for name, corpus in corpora.items()
    ]


def only(settings: Settings) -> Settings:
    """Returns the settings of the one collection that is meant; raises SettingRefused."""
    known = {one.collection: one for one in each(settings)}
    name = "default" if "default" in known else next(iter(known))
    if len(known) > 1 and name != "default":
        raise SettingRefused("collection", f"choose one of {', '.join(sorted(known))}")
    return known[name]


def collection_folder(settings: Settings) -> Path:
    """Returns where the collection's generations live."""
    return settings.data_dir.absolute() / "collections" / settings.collection


def collection_for(corpus: Path) -> str:
    """Returns the collection named after a folder: `default` for the seeds, else its own name."""
    name = corpus.absolute().name
    slug = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:64]
    return "default" if name == "seeds" or not slug else slug


def embed_spec(settings: Settings) -> "EmbedSpec":
    """Returns which embedding model is used, here and in the sync's child."""
    from index.embed.factory import EmbedSpec

    embed = settings.embed
    embedded: Literal["minilm", "openvino"]
    embedded = "openvino" if embed.runtime == "openvino" else "minilm"
    return EmbedSpec(
        kind="openai" if embed.model else embedded,
        model=embed.model,
        base_url=(embed.base_url or OPENAI_URL) if embed.model else None,
        api_key=embed.api_key.get_secret_value() if embed.model and embed.api_key else None,
        models_dir=settings.data_dir.absolute() / "models",
    )


def sync_request(settings: Settings, *, replace: bool = False) -> "SyncRequest":
    """Returns what a sync of the settings' corpus is asked for; raises CorpusMissing."""
    from index.errors import CorpusMissing
    from index.sync.process import SyncRequest

    if not settings.corpus.is_dir():
        raise CorpusMissing(settings.corpus.absolute())
    return SyncRequest(
        corpus=settings.corpus.absolute(),
        folder=collection_folder(settings),
        collection=settings.collection,
        formats=settings.formats,
        embed=embed_spec(settings),
        cache=settings.data_dir.absolute() / "embeddings.sqlite3",
        replace=replace,
        max_file_bytes=settings.max_file_bytes,
    )


def open_parts(settings: Settings, *, watch: "Observer | None" = None) -> Parts:
    """Returns the working parts; takes seconds, for the imports. `watch` hears how answers end.

    Raises index.errors.EmbedderUnavailable when the weights or the endpoint cannot be used.
    """
    from index.embed.factory import open_embedder
    from index.store.serving import Serving
    from rag.answer import Limits, Pipeline
    from rag.timing import ignore_outcome

    embedder = open_embedder(embed_spec(settings))
    chat = open_chat(settings.llm)
    limits = Limits(settings.llm.history_chars, settings.llm.passage_chars)
    pipeline = Pipeline(
        embedder=embedder,
        chat=chat,
        support_mode=settings.support_mode,
        limits=limits,
        observer=watch or ignore_outcome,
        reranker=open_reranker(settings.rerank),
        judge=chat if settings.support_judge == "model" else None,
    )
    servings = {
        one.collection: Serving(collection_folder(one), one.collection) for one in each(settings)
    }
    return Parts(servings, pipeline, embedder, "model" if chat else "extractive")


def records(settings: Settings) -> "Records":
    """Returns the kept answers of the data folder."""
    from .state.answer_log import Records

    return Records(state_file(settings))


def feedback(settings: Settings) -> "Feedback":
    """Returns what readers thought of answers, as the data folder keeps it."""
    from .state.feedback import Feedback

    return Feedback(state_file(settings), days=settings.feedback_days)


def keys(settings: Settings) -> "KeyStore":
    """Returns the keys of the data folder."""
    from .security.keys import KeyStore

    return KeyStore(state_file(settings))


def links(settings: Settings) -> "LinkSigner":
    """Returns what makes and checks signed links."""
    from .wire.signed_links import LinkSigner

    base = settings.public_url or settings.root_path
    return LinkSigner(state_file(settings), base=base, ttl_s=settings.link_ttl_s)


def writes(settings: Settings, turn: threading.Lock) -> "Writes | None":
    """Returns what changes the articles; None unless that is allowed."""
    if not settings.allow_writes:
        return None
    from .service.job_runner import Writes
    from .state.jobs import Jobs

    known = {one.collection: one for one in each(settings)}
    corpora = {name: one.corpus.absolute() for name, one in known.items()}
    jobs = Jobs(state_file(settings))
    return Writes(corpora, jobs, lambda name: sync_request(known[name]), turn)


def state_file(settings: Settings) -> Path:
    """Returns where keys, kept answers and whatever else cannot be derived are kept."""
    return settings.data_dir.absolute() / "state.sqlite3"


def open_reranker(group: RerankGroup) -> "EndpointReranker | None":
    """Returns what orders the hits anew; None unless an endpoint is named."""
    if group.base_url is None:
        return None
    from rag.retrieval.rerank import EndpointReranker, RerankSettings

    key = group.api_key.get_secret_value() if group.api_key else None
    return EndpointReranker(
        RerankSettings(
            base_url=group.base_url,
            model=group.model,
            api_key=key,
            candidates=group.candidates,
            timeout_s=group.timeout_s,
        )
    )


def open_chat(group: ModelGroup) -> "ChatModel | None":
    """Returns the model that words answers; None unless one is named, whatever keys lie around."""
    if group.model is None:
        return None
    from rag.model.openai_chat import ModelSettings, OpenAIChat

    return OpenAIChat(
        ModelSettings(
            model=group.model,
            base_url=group.base_url or OPENAI_URL,
            api_key=group.api_key.get_secret_value() if group.api_key else None,
            temperature=group.temperature,
            max_tokens=group.max_tokens,
            total_s=group.deadline_s,
            between_tokens_s=group.between_tokens_s,
            max_bytes=group.max_bytes,
            headers={name: value.get_secret_value() for name, value in group.headers.items()},
            query={name: value.get_secret_value() for name, value in group.query.items()},
        )
    )
