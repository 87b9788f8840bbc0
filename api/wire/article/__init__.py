"""An article's text and units → HTML that looks like the article, with the cited characters marked.

What is hidden are markers (`**`, `|`, the target of a link); all else is the text's own characters.
"""

from .blocks import render_article

__all__ = ["render_article"]
