"""`footnote ask` and `footnote search`."""

from .command import ask, search
from .text import format_answer

__all__ = ["ask", "format_answer", "search"]
