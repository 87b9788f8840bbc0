"""`footnote state import`."""

from .command import app

__all__ = ["app"]
