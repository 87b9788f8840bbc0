"""The permission table: route → who may call it. A route without an entry is closed to everybody.

Path templates have the router's own syntax and are compiled by its own function, so that both match
the same paths. `tests/http/test_auth.py` requires an entry for every route of the app.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.routing import compile_path
from starlette.types import Scope as AsgiScope

from .keys import Scope


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may call a route: holders of a key with `scope`; None: anyone."""

    scope: Scope | None
    allows_widget: bool = False
    """Whether a widget token of an allowed origin suffices."""
    allows_link: bool = False
    """Whether a signed link to a view of this source suffices."""
    needs_caller: bool = False
    """Whether a key or a person is needed, whatever their scopes."""


ANYONE = Permission(None)
PAGE = Permission(None, allows_widget=True)
"""Anyone, and pages of allowed origins may read the response."""
READ = Permission("read", allows_widget=True)
READ_KEY = Permission("read")
VIEW = Permission("read", allows_widget=True, allows_link=True)
WRITE = Permission("write")
ADMIN = Permission("admin")
CALLER = Permission(None, needs_caller=True)
"""Anyone with a key, and everybody who is signed in."""

MethodPermissions = Mapping[str, Permission]
"""HTTP method → permission, for one path."""

PERMISSIONS: dict[str, MethodPermissions] = {
    "/livez": {"GET": ANYONE},
    "/readyz": {"GET": PAGE},
    "/": {"GET": ANYONE},
    "/console": {"GET": ANYONE},
    "/console/v1.js": {"GET": ANYONE},
    "/openapi.json": {"GET": ANYONE},
    "/docs": {"GET": ANYONE},
    "/docs/{name}": {"GET": ANYONE},
    "/pages/{path:path}": {"GET": ANYONE},
    "/widget/v1.js": {"GET": ANYONE},
    "/widget/v1.d.ts": {"GET": ANYONE},
    "/widget/{version}/widget.js": {"GET": ANYONE},
    "/sign-in": {"GET": ANYONE},
    "/sign-in/callback": {"GET": ANYONE},
    "/sign-out": {"POST": ANYONE},
    "/sign-out/back-channel": {"POST": ANYONE},
    "/v1/me": {"GET": CALLER},
    "/v1/widget/token": {"POST": PAGE},
    "/v1/answers": {"POST": READ},
    "/v1/answers/{answer_id}/feedback": {"POST": READ},
    "/v1/search": {"POST": READ},
    "/v1/suggestions": {"GET": READ},
    "/v1/sources": {"GET": READ},
    "/v1/sources/{source_id}": {"GET": READ},
    "/v1/sources/{source_id}/text": {"GET": READ},
    "/v1/sources/{source_id}/view": {"GET": VIEW},
    "/v1/sources/{source_id}/original": {"GET": VIEW},
    "/v1/sources/{source_id}/pages/{page}.png": {"GET": VIEW},
    "/articles": {"GET": READ},
    "/v1/chat/completions": {"POST": READ_KEY},
    "/v1/models": {"GET": READ_KEY},
    "/v1/models/{model:path}": {"GET": READ_KEY},
    "/mcp": {"POST": READ_KEY},
    "/mcp/": {"POST": READ_KEY},
    "/v1/files": {"GET": ADMIN, "POST": WRITE},
    "/v1/files/{path:path}/passages": {"GET": ADMIN},
    "/v1/files/{path:path}": {"PUT": WRITE, "DELETE": WRITE},
    "/v1/sync": {"POST": WRITE},
    "/v1/jobs": {"GET": ADMIN},
    "/v1/jobs/{job_id}": {"GET": WRITE},
    "/v1/generations": {"GET": ADMIN},
    "/v1/generations/rollback": {"POST": ADMIN},
    "/v1/feedback": {"GET": ADMIN},
    "/v1/feedback/export": {"GET": ADMIN},
    "/v1/feedback/{answer_id}": {"DELETE": ADMIN},
    "/v1/feedback/{answer_id}/case": {"POST": ADMIN},
    "/v1/cases": {"GET": ADMIN},
    "/v1/questions": {"GET": ADMIN},
    "/v1/questions/groups": {"GET": ADMIN},
    "/v1/questions/export": {"GET": ADMIN},
    "/v1/questions/{question_id}": {"GET": ADMIN},
    "/v1/questions/{question_id}/replay": {"POST": ADMIN},
    "/v1/evaluations": {"GET": ADMIN, "POST": ADMIN},
    "/v1/evaluations/compare": {"GET": ADMIN},
    "/v1/evaluations/{evaluation_id}": {"GET": ADMIN},
    "/v1/evaluations/{evaluation_id}/report": {"GET": ADMIN},
    "/v1/keys": {"GET": ADMIN, "POST": ADMIN},
    "/v1/keys/{key_id}": {"DELETE": ADMIN},
    "/v1/widget/origins": {"GET": ADMIN},
    "/v1/doctor": {"GET": ADMIN},
    "/metrics": {"GET": ADMIN},
}


class PermissionTable:
    """The compiled table; the first template that matches a path decides."""

    def __init__(self, permissions: Mapping[str, MethodPermissions]) -> None:
        self._exact: dict[str, MethodPermissions] = {}
        self._patterns: list[tuple[re.Pattern[str], MethodPermissions]] = []
        for template, methods in permissions.items():
            self.add(template, methods)

    def add(self, template: str, methods: MethodPermissions) -> None:
        """Adds an entry."""
        if "{" in template:
            self._patterns.append((compile_path(template)[0], methods))
        else:
            self._exact[template] = methods

    def find(self, path: str) -> MethodPermissions | None:
        """Returns the permissions of a path by method; None if the path is unknown."""
        if methods := self._exact.get(path):
            return methods
        return next((methods for regex, methods in self._patterns if regex.match(path)), None)


def route_path(scope: AsgiScope) -> str:
    """Returns the path that the router matches: without `root_path`, if that is there."""
    return get_route_path(scope)
