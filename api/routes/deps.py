"""FastAPI dependencies: the parts that `create_app` built, the caller, absolute links."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from index.access import Rule, path_rules, rules_of
from index.corpus import source_id
from index.errors import IndexingError

from ..errors import IndexBuilding, RequestError, RequestInvalid
from ..operations.console import Console
from ..security.auth import Caller, get_caller
from ..security.middleware import Security
from ..service.access import ALL
from ..service.job_runner import JobRunner
from ..service.service import Service
from ..settings import Settings
from ..sign_in.service import SignIn
from ..state.feedback import FeedbackStore
from ..telemetry.metrics import Metrics
from ..wire.signed_links import LinkSigner

MAX_QUESTION_CHARS = 4_000

T = TypeVar("T")


def _from_state(name: str, kind: type[T]) -> Callable[[Request], Awaitable[T]]:
    async def dependency(request: Request) -> T:
        value = getattr(request.app.state, name)
        assert isinstance(value, kind)
        return value

    return dependency


async def _caller(request: Request) -> Caller:
    return get_caller(request.scope)


ServiceDep = Annotated[Service, Depends(_from_state("service", Service))]
FeedbackDep = Annotated[FeedbackStore, Depends(_from_state("feedback", FeedbackStore))]
MetricsDep = Annotated[Metrics, Depends(_from_state("metrics", Metrics))]
SecurityDep = Annotated[Security, Depends(_from_state("security", Security))]
CallerDep = Annotated[Caller, Depends(_caller)]


def absolute_links(service: Service, request: Request) -> LinkSigner:
    """Returns a signer of absolute links, with the base URL of the settings or of the request."""
    base = service.settings.public_url or str(request.base_url)
    return service.links.with_base(base, service.named_groups(get_caller(request.scope).access))


def collection_settings(service: Service, name: str) -> Settings:
    """Returns the settings of one served collection; raises KeyError."""
    return {one.collection: one for one in service.settings.per_collection()}[name]


async def _links(service: ServiceDep, request: Request) -> LinkSigner:
    return absolute_links(service, request)


async def _job_runner(request: Request) -> JobRunner:
    runner: JobRunner | None = request.app.state.job_runner
    if runner is None:
        message = "this service is read-only; set FOOTNOTE_ALLOW_WRITES=true to allow changes"
        raise RequestError("forbidden", message)
    return runner


async def require_every_article(service: ServiceDep, caller: CallerDep) -> None:
    """Raises RequestError for a caller who may not read every article."""
    if service.is_restricted(caller.access):
        raise RequestError("forbidden", "this is for those who may read every article")


async def check_may_change(service: Service, caller: Caller, collection: str, path: str) -> None:
    """Raises RequestError where a caller may not read what is at a path, and so not change it."""
    groups = caller.groups
    if groups is None:
        return
    corpus = service.settings.corpus_of(collection)

    def rules() -> Iterator[Rule]:
        yield from path_rules(corpus, path)
        yield from service.policy.path_rules(path)
        with suppress(IndexBuilding, IndexingError), service.lease(collection, access=ALL) as lease:
            source = lease[1].source(source_id(collection, path))
            yield from rules_of(source) if source else ()

    if not await asyncio.to_thread(lambda: all(rule & groups for rule in rules())):
        raise RequestError("forbidden", "this path is for other groups")


async def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn | None = request.app.state.sign_in
    if sign_in is None or not sign_in.has_provider:
        raise RequestError("not_found", "Not Found")  # as where there is no such route
    return sign_in


SignInDep = Annotated[SignIn, Depends(_sign_in)]
ConsoleDep = Annotated[Console, Depends(_from_state("console", Console))]
LinksDep = Annotated[LinkSigner, Depends(_links)]
"""Absolute links, for clients that do not know the service's address."""
JobRunnerDep = Annotated[JobRunner, Depends(_job_runner)]


def validate_question(field: str, text: str) -> str:
    """Returns `text` stripped of white space; raises RequestInvalid if it is empty or too long."""
    text = text.strip()
    if not text:
        raise RequestInvalid(field, "must not be empty")
    if len(text) > MAX_QUESTION_CHARS:
        limit = f"the limit is {MAX_QUESTION_CHARS:,}"
        raise RequestInvalid(field, f"has {len(text):,} characters; {limit}")
    return text
