"""`.footnoteignore` at the corpus's root, in gitignore's syntax → what is left out unseen."""

from collections.abc import Callable
from pathlib import Path

from .errors import SettingInvalid

NAME = ".footnoteignore"


def ignored_by(root: Path) -> Callable[[str], bool]:
    """Returns whether a path below the root (folders end in `/`) is to be ignored.

    Raises SettingInvalid where the file cannot be read: what it hides must not be indexed.
    """
    path = root / NAME
    if not path.exists():
        return lambda path: False
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(path.read_text("utf-8-sig").splitlines()).match_file
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"{NAME} cannot be understood: {error}") from error
