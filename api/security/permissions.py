"""The table route → who may call it; what is not in it is called by nobody.

A template is the router's own syntax, compiled by the router's own function, so that both see
the same path. `tests/test_api_auth.py` walks the app's routes and wants a row for each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette._utils import get_route_path
from starlette.routing import compile_path
from starlette.types import Scope as Asgi

from .keys import Scope


@dataclass(frozen=True, slots=True)
class Who:
    """Who may call a route: holders of a key with `scope`; None: anyone."""

    scope: Scope | None
    widget: bool = False
    """A widget token of an allowed origin will do, too."""
    link: bool = False
    """A signed link to exactly this view will do, too."""


ANYONE = Who(None)
PAGE = Who(None, widget=True)
"""Anyone, and pages of allowed origins may read the answer."""
READ = Who("read", widget=True)
READ_KEY = Who("read")
VIEW = Who("read", widget=True, link=True)
WRITE = Who("write")
ADMIN = Who("admin")

TABLE: dict[str, dict[str, Who]] = {
    "/livez": {"GET": ANYONE},
    "/readyz": {"GET": PAGE},
    "/": {"GET": ANYONE},
    "/openapi.json": {"GET": ANYONE},
    "/pages/{path:path}": {"GET": ANYONE},
    "/widget/v1.js": {"GET": ANYONE},
    "/widget/{version}/widget.js": {"GET": ANYONE},
    "/v1/widget/token": {"POST": PAGE},
    "/v1/answers": {"POST": READ},
    "/v1/answers/{answer_id}/feedback": {"POST": READ},
    "/v1/search": {"POST": READ},
    "/v1/sources": {"GET": READ},
    "/v1/sources/{source_id}": {"GET": READ},
    "/v1/sources/{source_id}/text": {"GET": READ},
    "/v1/sources/{source_id}/view": {"GET": VIEW},
    "/v1/chat/completions": {"POST": READ_KEY},
    "/v1/models": {"GET": READ_KEY},
    "/v1/models/{model:path}": {"GET": READ_KEY},
    "/mcp": {"POST": READ_KEY},
    "/mcp/": {"POST": READ_KEY},
    "/v1/files/{path:path}": {"PUT": WRITE, "DELETE": WRITE},
    "/v1/sync": {"POST": WRITE},
    "/v1/jobs/{job_id}": {"GET": WRITE},
    "/metrics": {"GET": ADMIN},
}

Rules = Mapping[str, Who]
"""Method → who, of one path."""


class Access:
    """The table, compiled; the first template that matches a path decides."""

    def __init__(self, table: Mapping[str, Rules]) -> None:
        self._exact: dict[str, Rules] = {}
        self._patterns: list[tuple[re.Pattern[str], Rules]] = []
        for template, rules in table.items():
            self.declare(template, rules)

    def declare(self, template: str, rules: Rules) -> None:
        """Adds a row."""
        if "{" in template:
            self._patterns.append((compile_path(template)[0], rules))
        else:
            self._exact[template] = rules

    def rules(self, path: str) -> Rules | None:
        """Returns who may call which method of a path; None: nobody any."""
        if found := self._exact.get(path):
            return found
        return next((rules for shape, rules in self._patterns if shape.match(path)), None)


def route_path(scope: Asgi) -> str:
    """Returns the path as the router sees it: without `root_path`, whether or not it is there."""
    return get_route_path(scope)
