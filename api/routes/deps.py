"""FastAPI dependencies: the parts that `create_app` built, the caller, absolute links."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from ..errors import RequestError, RequestInvalid
from ..security.auth import Caller, get_caller
from ..security.middleware import Security
from ..service.job_runner import JobRunner
from ..service.service import Service
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
    return service.links.with_base(service.settings.public_url or str(request.base_url))


async def _links(service: ServiceDep, request: Request) -> LinkSigner:
    return absolute_links(service, request)


async def _job_runner(request: Request) -> JobRunner:
    runner: JobRunner | None = request.app.state.job_runner
    if runner is None:
        message = "this service is read-only; set FOOTNOTE_ALLOW_WRITES=true to allow changes"
        raise RequestError("forbidden", message)
    return runner


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
