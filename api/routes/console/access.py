"""`/v1/keys`: who may use the service; `/v1/widget/origins`: which sites' pages may."""

import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ...errors import KeyInvalid, NotFound, RequestError, RequestInvalid
from ...operations.console import Console
from ...operations.widget_embed import blockers, element_tag, script_tag
from ...security.auth import Caller
from ...security.keys import Key, format_utc
from ...service.service import Service
from ...wire.console.access import KeyAsked, KeyBody, KeyMade, KeysBody, OriginsBody
from ...wire.problem_details import problem_responses
from ..deps import CallerDep, ConsoleDep, ServiceDep
from .stored import reading_state

router = APIRouter()

DAY_S = 86_400
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}$", description="The `id` of the key")]


@router.get("/v1/keys", tags=["access"], responses=problem_responses(500, 503))
def list_keys(caller: CallerDep, console: ConsoleDep) -> KeysBody:
    """List the API keys, without the keys themselves; of those the caller may manage."""
    with reading_state():
        keys, used = console.keys.all(), console.key_uses.all()
    return KeysBody(keys=[_key(one, used.get(one.id)) for one in keys if _manages(caller, one)])


def _manages(caller: Caller, key: Key) -> bool:
    """Returns whether a key opens no more collections than the caller's."""
    if caller.collections is None:
        return True
    return key.collections is not None and key.collections <= caller.collections


def _key(key: Key, used_s: float | None) -> KeyBody:
    return KeyBody(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        collections=sorted(key.collections) if key.collections is not None else None,
        groups=sorted(key.groups),
        created=format_utc(key.created_s) or "",
        expires=format_utc(key.expires_s),
        last_used=format_utc(used_s),
        status=key.status(time.time()),
    )


@router.post(
    "/v1/keys",
    tags=["access"],
    status_code=201,
    responses=problem_responses(400, 404, 408, 413, 415, 422, 500, 503),
)
def create_key(
    body: KeyAsked,
    response: Response,
    service: ServiceDep,
    caller: CallerDep,
    console: ConsoleDep,
) -> KeyMade:
    """Create an API key and return it, this once; only its hash is stored.

    It may have any scope, but no more collections and groups than the caller. The first key closes
    the service to everybody without one, so it must have the scope `admin`.
    """
    days = body.expires_days
    with reading_state():
        if not console.keys.all() and "admin" not in body.scopes:
            cause = "must include `admin`, as the first key closes the service to all without one"
            raise RequestInvalid("body.scopes", cause)
        key = console.keys.create(
            scopes=sorted(set(body.scopes)),
            name=body.name,
            collections=_collections(body, service, caller),
            groups=_groups(body, caller),
            expires_s=None if days is None else time.time() + days * DAY_S,
        )
    response.headers["cache-control"] = "no-store"
    return KeyMade(id=key[3:11], key=key)


def _groups(body: KeyAsked, caller: Caller) -> list[str]:
    """Returns the groups of a new key; raises RequestError for others than the caller's.

    An `admin` key without groups reads every article.
    """
    groups = set(body.groups if body.groups is not None else caller.groups or ())
    if caller.groups is not None:
        if others := groups - caller.groups:
            raise RequestError("forbidden", f"the caller is not in {min(others)!r}")
        if "admin" in body.scopes and not groups:
            raise RequestError("forbidden", "the caller may not read every article")
    return sorted(groups)


def _collections(body: KeyAsked, service: Service, caller: Caller) -> list[str]:
    """Returns the collections of a new key, none for all; raises NotFound."""
    visible = service.visible_collections(caller.access)
    for name in body.collections or ():
        if name not in visible:
            raise NotFound("collection", name)
    return sorted(set(body.collections or caller.collections or ()))


@router.delete(
    "/v1/keys/{key_id}",
    tags=["access"],
    status_code=204,
    response_class=Response,
    responses=problem_responses(404, 409, 422, 500, 503),
)
def revoke_key(key_id: KeyId, caller: CallerDep, console: ConsoleDep) -> None:
    """Revoke an API key for good, everywhere within seconds; a key cannot revoke itself."""
    if key_id == caller.key_id:
        message = "a key cannot revoke itself; use another one, or `footnote keys revoke`"
        raise RequestError("own_key", message)
    with reading_state():
        _find(key_id, caller, console)
        try:
            console.keys.revoke(key_id)
        except KeyInvalid:
            raise NotFound("key", key_id) from None


def _find(key_id: str, caller: Caller, console: Console) -> Key:
    for key in console.keys.all():
        if key.id == key_id and _manages(caller, key):
            return key
    raise NotFound("key", key_id)


@router.get("/v1/widget/origins", tags=["widget"], responses=problem_responses(500, 503))
def list_widget_origins(request: Request, service: ServiceDep) -> OriginsBody:
    """List the sites whose pages may use the chat widget, with the lines that they paste."""
    settings = service.settings
    url = (settings.public_url or str(request.base_url)).rstrip("/")
    reasons = [
        f"{origin}: {reason}"
        for origin in settings.widget_origins
        for reason in blockers(settings, origin)
    ]
    if not settings.widget_origins:
        reasons = ["no site is allowed: set FOOTNOTE_WIDGET_ORIGINS=https://site.example"]
    return OriginsBody(
        origins=list(settings.widget_origins),
        script=script_tag(url),
        element=element_tag(),
        blockers=reasons,
    )
