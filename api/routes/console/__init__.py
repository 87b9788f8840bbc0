"""The routes of those who run the service, which the page at `/console` uses; scope `admin`."""

from . import access, evaluations, feedback, files, generations, health, questions

ROUTERS = (access.router,)
OVERVIEW_ROUTERS = tuple(
    module.router for module in (files, generations, feedback, questions, health, evaluations)
)
"""They show something of every article, and so are for callers who may read all of them."""
