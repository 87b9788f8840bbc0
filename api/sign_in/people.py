"""People: who somebody is by the claims of a token or a proxy's headers, and what they may do.

Logs name a person by a hash of issuer and subject alone: an e-mail address is in no log.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from index.text.limits import shorten

from ..security.auth import Caller
from ..security.keys import SCOPES
from ..settings_auth import AccessGroup
from .failure import SignInFailed
from .provider import Json

EVERYBODY = "*"
"""The group of everybody who signs in."""
MAX_GROUPS = 1_000
MAX_GROUP_CHARS = 255
MAX_NAME_CHARS = 100
_SUBJECT_CHARS = 20


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    subject: str
    """`person_` and a hash: the same for each sign-in, and for logs."""
    name: str
    """As the provider or the proxy names them, to be shown to themselves."""
    groups: frozenset[str]


class Grants:
    """What groups may do: scopes and collections."""

    def __init__(self, groups: Mapping[str, AccessGroup]) -> None:
        """Without groups everybody who signs in may read."""
        self._groups = groups or {EVERYBODY: AccessGroup()}

    def caller(
        self, person: Person, *, session_id: str | None = None, expires_s: float | None = None
    ) -> Caller:
        """Returns what a person may do; without scopes if none of their groups may do anything.

        They have the scopes of all their groups in the collections of all their groups.
        """
        names = person.groups | {EVERYBODY}
        granted = [group for name, group in self._groups.items() if name in names]
        scopes = {scope for group in granted for scope in group.scopes}
        is_limited = all(group.collections for group in granted) or not scopes
        collections = frozenset(name for group in granted for name in group.collections)
        reads_all = any(group.all_articles for group in granted)
        return Caller(
            frozenset(scope for scope in SCOPES if scope in scopes),
            collections if is_limited else None,
            subject=person.subject,
            name=person.name,
            groups=None if reads_all else person.groups,
            session_id=session_id,
            expires_s=expires_s,
        )


def person_of_claims(claims: Json, *, groups_claim: str) -> Person:
    """Returns the person of a verified token's claims; raises SignInFailed if they are odd."""
    names = (claims.get(key) for key in ("name", "preferred_username"))
    name = next((name for name in names if isinstance(name, str) and name.strip()), "")
    groups = find_claim(claims, groups_claim)
    return Person(
        subject_id(str(claims["iss"]), str(claims["sub"])),
        clean_name(name),
        check_groups([groups] if isinstance(groups, str) else groups),
    )


def find_claim(claims: Json, name: str) -> object:
    """Returns a claim by its name, or by a path with dots into an object; None if it is missing."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def check_groups(groups: object) -> frozenset[str]:
    """Returns a list of groups as a set; raises SignInFailed if it is something else."""
    if groups is None:
        return frozenset()
    if not isinstance(groups, list) or len(groups) > MAX_GROUPS:
        raise SignInFailed("invalid", f"the groups are not a list of up to {MAX_GROUPS:,}")
    # a group called `*` would be everybody's
    names = {group for group in groups if isinstance(group, str) and group != EVERYBODY}
    return frozenset(name for name in names if 0 < len(name) <= MAX_GROUP_CHARS)


def subject_id(issuer: str, subject: str) -> str:
    """Returns a stable id of a person, from which nothing can be read."""
    digest = hashlib.sha256(f"{issuer}\n{subject}".encode("utf-8", "surrogateescape"))
    return f"person_{digest.hexdigest()[:_SUBJECT_CHARS]}"


def clean_name(name: str) -> str:
    """Returns a name without control characters, shortened."""
    return shorten("".join(char for char in name if char.isprintable()).strip(), MAX_NAME_CHARS)
