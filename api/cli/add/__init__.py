"""`footnote add URL… [CORPUS]`."""

from .command import add

__all__ = ["add"]
