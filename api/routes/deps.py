"""What routes are given: the service, its address, who is calling, validated questions."""

from typing import Annotated

from fastapi import Depends, Request

from ..errors import RequestInvalid
from ..security.auth import Caller, get_caller
from ..service.service import Service
from ..wire.signed_links import LinkSigner


async def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def _caller(request: Request) -> Caller:
    return get_caller(request.scope)


def absolute(service: Service, request: Request) -> LinkSigner:
    """Returns what makes absolute links to this service, by the address it was asked at."""
    return service.links.with_base(service.settings.public_url or str(request.base_url))


async def _links(request: Request) -> LinkSigner:
    return absolute(await _service(request), request)


Given = Annotated[Service, Depends(_service)]
Asking = Annotated[Caller, Depends(_caller)]
Linking = Annotated[LinkSigner, Depends(_links)]
"""What makes absolute links, for programs that do not know our address."""


def validate_question(field: str, text: str, service: Service) -> str:
    """Returns `text` without white space around it; raises RequestInvalid: empty or too long."""
    limit = service.settings.max_question_chars
    text = text.strip()
    if not text:
        raise RequestInvalid(field, "must not be empty")
    if len(text) > limit:
        raise RequestInvalid(field, f"has {len(text):,} characters; at most {limit:,} are taken")
    return text
