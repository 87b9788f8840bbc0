"""The routes of those who run the service, which the page at `/console` uses; scope `admin`."""

from . import files

ROUTERS = (files.router,)
