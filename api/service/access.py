"""What a caller may see: collections, and in them the sources that their groups may read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """`collections` None: all of them; `groups` None: every source, whatever its rules are."""

    collections: frozenset[str] | None = None
    groups: frozenset[str] | None = None


ALL = Access()
"""Of the operator, and of everybody where there are no keys."""
