"""Whether a browser's request comes from the service's own pages, against forgery across sites.

`Origin` and `Sec-Fetch-Site` (W3C Fetch Metadata) are set by browsers, and no page can change them.
"""

from starlette.datastructures import Headers
from starlette.types import Scope

from ..origins import OriginPolicy

_SAFE_METHODS = frozenset({"GET", "HEAD"})


def is_safe_method(scope: Scope) -> bool:
    """Returns whether a request changes nothing."""
    return scope["method"] in _SAFE_METHODS


def comes_from_own_page(scope: Scope, origins: OriginPolicy) -> bool:
    """Returns whether a request may count for the person whom the browser is signed in as.

    One that may change something must say that it comes from here; of the others those must not
    that another page sends in the background. Following a link is nobody else's request.
    """
    headers = Headers(scope=scope)
    given, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    host = headers.get("host", "")
    is_own = [origins.is_same_origin(origin, scope["scheme"], host) for origin in given]
    if not is_safe_method(scope):
        is_named = is_own == [True] or (not given and sites == ["same-origin"])
        return is_named and sites in ([], ["same-origin"])
    is_followed = headers.get("sec-fetch-mode") == "navigate"
    return all(is_own) and (sites in ([], ["same-origin"], ["none"]) or is_followed)
