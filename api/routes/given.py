"""What routes are given: the service, its address, who is calling, texts of bearable length."""

from typing import Annotated

from fastapi import Depends, Request

from ..auth import Caller, caller_of
from ..errors import RequestInvalid
from ..service import Service


async def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


async def _caller(request: Request) -> Caller:
    return caller_of(request)


async def _base(request: Request) -> str:
    service = await _service(request)
    return (service.settings.public_url or str(request.base_url)).rstrip("/")


Given = Annotated[Service, Depends(_service)]
Asking = Annotated[Caller, Depends(_caller)]
Base = Annotated[str, Depends(_base)]
"""Where absolute links to this service begin, without a slash at the end."""


def bearable(field: str, text: str, service: Service) -> str:
    """Returns `text` without white space around it; raises RequestInvalid: empty or too long."""
    limit = service.settings.max_question_chars
    text = text.strip()
    if not text:
        raise RequestInvalid(field, "must not be empty")
    if len(text) > limit:
        raise RequestInvalid(field, f"has {len(text):,} characters; at most {limit:,} are taken")
    return text
