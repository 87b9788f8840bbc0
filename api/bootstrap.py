"""The composition root: builds the components from the settings, and joins them.

Heavy libraries are imported inside the functions, so that a command that needs none loads none.
"""

import threading
from functools import partial
from typing import TYPE_CHECKING, Literal

from .settings import Settings
from .settings_types import ModelGroup, RerankGroup

if TYPE_CHECKING:
    from index.access import AccessPolicy
    from index.embed.factory import EmbedSpec
    from index.shared.follow import Follower
    from index.sync.pool.worker import WorkerRequest
    from index.sync.process import SyncRequest
    from rag.model.protocol import ChatModel
    from rag.retrieval.reader import Reader
    from rag.retrieval.rerank import EndpointReranker
    from rag.timing import Observer

    from .security.keys import KeyStore
    from .service.collection import Components
    from .service.corpus_files import Corpus
    from .service.job_runner import JobRunner
    from .sign_in.service import SignIn
    from .state.answer_log import AnswerLog
    from .state.databases import State
    from .state.feedback import FeedbackStore
    from .state.jobs import JobStore
    from .web.fetch import Fetcher
    from .wire.signed_links import LinkSigner

DAY_S = 86_400
OPENAI_URL = "https://api.openai.com/v1"
"""The endpoint of a model for which none is set."""


def embed_spec(settings: Settings) -> "EmbedSpec":
    """Returns which embedding model is used, in this process and in the sync's child."""
    from index.embed.factory import EmbedSpec

    embed, models_dir = settings.embed, settings.data_dir.absolute() / "models"
    if embed.path:
        return EmbedSpec("folder", None, None, None, models_dir, embed.path.absolute())
    if embed.model is None:
        kind: Literal["openvino", "minilm", "multilingual"]
        kind = "openvino" if embed.runtime == "openvino" else embed.built_in
        return EmbedSpec(kind, model=None, base_url=None, api_key=None, models_dir=models_dir)
    return EmbedSpec(
        kind="openai",
        model=embed.model,
        base_url=embed.base_url or OPENAI_URL,
        api_key=embed.api_key.get_secret_value() if embed.api_key else None,
        models_dir=models_dir,
    )


def sync_request(settings: Settings, *, replace: bool = False) -> "SyncRequest":
    """Returns the request to sync the settings' corpus; raises CorpusMissing."""
    from index.errors import CorpusMissing
    from index.sync.process import SyncRequest

    corpus = settings.corpus.absolute()
    if not corpus.is_dir():
        raise CorpusMissing(corpus)
    return SyncRequest(
        corpus=corpus,
        folder=settings.collection_folder,
        collection=settings.collection,
        formats=settings.formats,
        embed=embed_spec(settings),
        cache=settings.data_dir.absolute() / "embeddings.sqlite3",
        replace=replace,
        max_file_bytes=settings.max_file_bytes,
        pool=settings.pool,
        shared=settings.shared,
        engine=settings.engine,
    )


def open_follower(settings: Settings) -> "Follower | None":
    """Returns what follows the shared generations of the settings' collection; None without any.

    It connects to nothing yet. Raises SettingInvalid where the extra is missing.
    """
    if settings.shared is None:
        return None
    from index.object_store import ObjectStore
    from index.shared.collection import DATASET, SharedCollection
    from index.shared.follow import Follower
    from index.sync.process import writer_lock

    return Follower(
        SharedCollection(ObjectStore(settings.shared), settings.collection),
        settings.collection_folder,
        partial(writer_lock, settings.collection_folder, settings.collection),
        poll_s=settings.shared_poll_s,
        leave=lambda name: settings.in_place and name.startswith(DATASET),
    )


def worker_request(settings: Settings, pool: str) -> "WorkerRequest":
    """Returns the request of a worker: its model and its data folder are its own."""
    from index.sync.pool.worker import WorkerRequest

    folder = settings.data_dir.absolute() / "worker"
    return WorkerRequest(pool, embed_spec(settings), folder, settings.shared)


def open_components(settings: Settings, *, observer: "Observer | None" = None) -> "Components":
    """Returns what answers questions; takes seconds, for the imports.

    The `observer` is told how each question ended. Raises index.errors.EmbedderUnavailable if the
    weights or the endpoint of the embedding model cannot be used.
    """
    from index.embed.factory import open_embedder
    from index.serving import Serving
    from rag.answer import Limits, Pipeline
    from rag.timing import ignore_outcome

    from .service.collection import Components

    embedder = open_embedder(embed_spec(settings))
    chat = open_chat(settings.llm)
    pipeline = Pipeline(
        embedder=embedder,
        chat=chat,
        support_mode=settings.support_mode,
        limits=Limits(passage_chars=settings.llm.passage_chars),
        observer=observer or ignore_outcome,
        reranker=open_reranker(settings.rerank),
        judge=chat if settings.support_judge == "model" else None,
        reader=open_reader(settings),
    )
    servings = {
        one.collection: Serving(one.collection_folder, one.collection, bucket=_tables_url(one))
        for one in settings.per_collection()
    }
    return Components(servings, pipeline, embedder, "model" if chat else "extractive")


def access_policy(settings: Settings) -> "AccessPolicy":
    """Returns who may read what, as far as the settings say."""
    from index.access import AccessPolicy

    groups = {name: one.access for name, one in settings.collections.items()}
    return AccessPolicy(
        {path: frozenset(named) for path, named in settings.access.items()},
        {name: frozenset(named) for name, named in groups.items() if named is not None},
    )


def open_state(settings: Settings) -> "State":
    """Returns the databases of keys, jobs, feedback and logged answers; connects to none yet.

    Raises SettingRefused if PostgreSQL is set and its client is not installed.
    """
    from .state import databases

    return databases.open_state(settings.data_dir.absolute(), settings.state)


def answer_log(settings: Settings) -> "AnswerLog":
    """Returns the answer log, whether or not answers are added to it."""
    from .state.answer_log import AnswerLog

    days = settings.keep_questions_days
    return AnswerLog(open_state(settings).answers, max_age_s=days * DAY_S if days else None)


def feedback_store(settings: Settings, answers: "AnswerLog") -> "FeedbackStore":
    """Returns the readers' feedback, whose words are those of `answers` where it has them."""
    from .state.feedback import FeedbackStore

    return FeedbackStore(open_state(settings).feedback, answers)


def key_store(settings: Settings) -> "KeyStore":
    """Returns the API keys."""
    from .security.keys import KeyStore

    return KeyStore(open_state(settings).main)


def job_store(settings: Settings) -> "JobStore":
    """Returns the jobs."""
    from .state.jobs import JobStore

    return JobStore(open_state(settings).main)


def _tables_url(settings: Settings) -> str | None:
    """Returns where the tables of Lance generations are read that are not pulled; or None."""
    if not settings.in_place or settings.shared is None:
        return None
    return f"{settings.shared.rstrip('/')}/collections/{settings.collection}/dataset"


def link_signer(settings: Settings) -> "LinkSigner":
    """Returns what builds and verifies signed links."""
    from .wire.signed_links import LinkSigner

    return LinkSigner(open_state(settings).main, base=settings.public_url or settings.root_path)


def open_sign_in(settings: Settings, links: "LinkSigner") -> "SignIn | None":
    """Returns what signs people in; None unless `auth` is set. Raises SettingRefused."""
    if not settings.auth.is_set:
        return None
    from .sign_in.service import SignIn
    from .state.sessions import SessionStore

    return SignIn(
        settings.auth,
        SessionStore(open_state(settings).main),
        links,
        public_url=settings.public_url,
        root_path=settings.root_path,
    )


def job_runner(settings: Settings, sync_slots: threading.Semaphore) -> "JobRunner | None":
    """Returns the runner of file and sync jobs; None unless `allow_writes` is set.

    A replica has none: what it serves is synced elsewhere.
    """
    if not settings.allow_writes or settings.role == "replica":
        return None
    from .service.job_runner import JobRunner

    served = {one.collection: one for one in settings.per_collection()}
    return JobRunner(
        {name: writable_corpus(one) for name, one in served.items()},
        job_store(settings),
        lambda name: sync_request(served[name]),
        sync_slots,
    )


def writable_corpus(settings: Settings) -> "Corpus":
    """Returns the settings' corpus as HTTP clients may change it."""
    from .service.corpus_files import Corpus, count_corpus
    from .state.corpus_usage import CorpusUsage

    root = settings.corpus.absolute()
    usage = CorpusUsage(
        open_state(settings).uploads,
        settings.collection,
        lambda: count_corpus(root),
        max_bytes=settings.max_corpus_bytes,
        max_files=settings.max_corpus_files,
    )
    needs_mark = not settings.allow_unmarked_corpora
    return Corpus(settings.collection, root, usage, needs_mark=needs_mark)


def page_fetcher(settings: Settings) -> "Fetcher":
    """Returns what fetches web pages; it connects to nothing before it is asked to."""
    from .web.fetch import Fetcher

    return Fetcher(settings.add_networks)


def open_reranker(group: RerankGroup) -> "EndpointReranker | None":
    """Returns the reranker; None unless an endpoint is set."""
    if group.base_url is None:
        return None
    from rag.retrieval.rerank import EndpointReranker, RerankSettings

    key = group.api_key.get_secret_value() if group.api_key else None
    return EndpointReranker(RerankSettings(group.base_url, group.model, key))


def open_reader(settings: Settings) -> "Reader | None":
    """Returns the reader; None if it is switched off. Raises EmbedderUnavailable."""
    if not settings.reader:
        return None
    from rag.retrieval.reader import Reader

    return Reader(settings.data_dir.absolute() / "models")


def open_chat(group: ModelGroup) -> "ChatModel | None":
    """Returns the chat model; None unless one is named, whatever keys the environment has."""
    if group.model is None:
        return None
    from rag.model.openai_chat import OpenAIChat
    from rag.model.protocol import ModelSettings

    return OpenAIChat(
        ModelSettings(
            model=group.model,
            base_url=group.base_url or OPENAI_URL,
            api_key=group.api_key.get_secret_value() if group.api_key else None,
            temperature=group.temperature,
            max_tokens=group.max_tokens,
            total_s=group.deadline_s,
            headers={name: value.get_secret_value() for name, value in group.headers.items()},
            query={name: value.get_secret_value() for name, value in group.query.items()},
        )
    )
