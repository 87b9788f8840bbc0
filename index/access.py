"""Who may read what: rules of collections, folders and files, each a set of groups.

A source may be read by callers with a group of every rule that applies to it, so a rule within a
folder narrows and never opens. A rule without groups lets nobody in; no rule lets everybody. Rules
of folders stand in `.footnote-access`, a group a line, those of files in their front matter; both
become part of the source when it is indexed. Rules of the settings count when a question is asked.
"""

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from . import corpus
from .errors import SettingInvalid
from .types import ACCESS, FOLDER_ACCESS, Source

ACCESS_FILE = ".footnote-access"
MAX_FILE_BYTES = 64_000

Rule = frozenset[str]
"""Groups, of which one suffices."""


def read_folder_rules(root: Path) -> dict[str, tuple[str, ...]]:
    """Returns the groups of each folder with an access file, by path prefix (`hr/`, the root "").

    Raises SettingInvalid where one cannot be read: what it protects must not be indexed.
    """
    rules = {}
    for folder in corpus.list_folders(root):
        if (groups := _read(folder)) is not None:
            prefix = folder.relative_to(root).as_posix()
            rules["" if prefix == "." else f"{prefix}/"] = groups
    return rules


def _read(folder: Path) -> tuple[str, ...] | None:
    """Returns the groups of a folder's access file; None without one."""
    path = folder / ACCESS_FILE
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with open(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise SettingInvalid(f"{path} is not a regular file")
            data = stream.read(MAX_FILE_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{path} cannot be read: {error}") from error
    if len(data) > MAX_FILE_BYTES:
        raise SettingInvalid(f"{path} has more than {MAX_FILE_BYTES:,} bytes")
    return _groups(text.splitlines())


def _groups(lines: Iterable[str]) -> tuple[str, ...]:
    stripped = (line.strip() for line in lines)
    return tuple(dict.fromkeys(line for line in stripped if line and not line.startswith("#")))


def folder_access(path: str, rules: Mapping[str, Sequence[str]]) -> str:
    """Returns the rules of a file's folders as its metadata has them; empty if there is none."""
    own = [list(groups) for prefix, groups in sorted(rules.items()) if path.startswith(prefix)]
    return json.dumps(own, ensure_ascii=False) if own else ""


def rules_of(source: Source) -> tuple[Rule, ...]:
    """Returns the rules that its folders and its front matter had when it was indexed."""
    texts = (source.metadata.get(FOLDER_ACCESS), source.metadata.get(ACCESS))
    if texts == (None, None):
        return ()
    try:
        folders, own = (json.loads(text) if text else [] for text in texts)
        every = [*folders, *([own] if texts[1] is not None else [])]
        return tuple(frozenset(map(str, groups)) for groups in every)
    except (ValueError, TypeError):  # of a format that another package adds
        return (frozenset(),)


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """All rules: those of the sources, and those of the settings.

    `paths` are groups by path or folder (which ends in `/`; `/` is every file), `collections` by
    collection name.
    """

    paths: Mapping[str, Rule] = field(default_factory=dict)
    collections: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the settings have no rule."""
        return not self.paths and not self.collections

    @property
    def groups(self) -> frozenset[str]:
        """All groups that the settings name."""
        return frozenset[str]().union(*self.paths.values(), *self.collections.values())

    def allows_collection(self, name: str, groups: frozenset[str]) -> bool:
        """Returns whether callers of these groups may see a collection at all."""
        rule = self.collections.get(name)
        return rule is None or bool(rule & groups)

    def rules(self, source: Source) -> tuple[Rule, ...]:
        """Returns all rules that apply to a source."""
        of_collections = (
            rule
            for name, rule in self.collections.items()
            if corpus.source_id(name, source.path) == source.id
        )
        return (*rules_of(source), *self.path_rules(source.path), *of_collections)

    def path_rules(self, path: str) -> tuple[Rule, ...]:
        """Returns the rules that apply to a path."""
        folders = [f"{parent.as_posix()}/" for parent in PurePosixPath(path).parents]
        keys = ("/", *folders[:-1], path)  # the last parent is "."
        return tuple(self.paths[key] for key in keys if key in self.paths)


def path_rules(root: Path, path: str) -> tuple[Rule, ...]:
    """Returns the rules that the folders of a path have now; raises SettingInvalid."""
    folders = [root, *(root / part for part in reversed(Path(path).parents) if part != Path("."))]
    return tuple(frozenset(groups) for one in folders if (groups := _read(one)) is not None)
