"""The settings of signing in: the OpenID provider, what groups may do, the proxy's header."""

import re
from ipaddress import ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from .origins import is_loopback_name
from .settings_types import Names

ScopeName = Literal["read", "write", "admin"]

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_NOT_FOR_PEOPLE = frozenset({"authorization", "cookie", "host", "origin", "x-forwarded-for"})


def is_allowed_url(url: str) -> bool:
    """Returns whether a provider may be asked there: https, or http on this machine alone."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_plain = parts.port == 0 or parts.username is not None or parts.fragment
    except ValueError:
        return False
    if is_plain or not host or not url.isascii() or any(char <= " " for char in url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback_name(host))


def _issuer(value: str) -> str:
    if "?" in value or not is_allowed_url(value):
        raise ValueError("must be an https:// address without a user name, a query and a fragment")
    return value


def _openid_scopes(value: str) -> str:
    if "openid" not in value.split():
        raise ValueError("must contain openid")
    return " ".join(value.split())


def _header_name(value: str) -> str:
    if not _HEADER.fullmatch(value) or value.lower() in _NOT_FOR_PEOPLE:
        raise ValueError("must be the name of a header, such as X-Forwarded-User")
    return value.lower()


Issuer = Annotated[str, AfterValidator(_issuer)]
OpenIdScopes = Annotated[str, AfterValidator(_openid_scopes)]
HeaderName = Annotated[str, AfterValidator(_header_name)]


class AccessGroup(BaseModel):
    """What the people of one group may do; without `collections` in all of them.

    With `all_articles` they may read those for other groups, too, as the console needs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    scopes: tuple[ScopeName, ...] = ("read",)
    collections: Names = ()
    all_articles: bool = False


class AuthGroup(BaseModel):
    """Signing in with OpenID Connect, or by a proxy; without an issuer and a header nobody can."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    issuer: Issuer | None = Field(
        default=None,
        description="OpenID provider where people sign in, exactly as it names itself (an extra); "
        "unset: nobody can sign in",
    )
    client_id: str | None = Field(
        default=None, max_length=500, description="This service's client id at the provider"
    )
    client_secret: SecretStr | None = Field(
        default=None, description="Its secret there; unset: a public client, with PKCE alone"
    )
    audience: str | None = Field(
        default=None,
        max_length=500,
        description="Audience of the provider's JWTs that programs may send as `Bearer`; unset: "
        "the client id",
    )
    scopes: OpenIdScopes = Field(
        default="openid profile email",
        description="Scopes to request at sign-in; `offline_access`, where the provider asks for "
        "it, lets the service check every now and then that a person is still allowed",
    )
    groups_claim: str = Field(
        default="groups",
        max_length=200,
        description="Claim that holds a person's groups; a dot leads into an object",
    )
    groups: dict[str, AccessGroup] = Field(
        default={},
        description="What groups may do: in `footnote.toml`, a table `[auth.groups.NAME]` with "
        '`scopes` and `collections` for each, `"*"` being everybody who signs in; unset: '
        "everybody who signs in may read",
    )
    session_hours: float = Field(
        default=8.0, gt=0, le=720, description="How long a person stays signed in at most"
    )
    trusted_header: HeaderName | None = Field(
        default=None,
        description="Header in which a proxy of `trusted_proxies` names the person that it signed "
        "in, such as `X-Forwarded-User`",
    )
    trusted_groups_header: HeaderName | None = Field(
        default=None, description="Header in which it names their groups, with commas"
    )

    @property
    def is_set(self) -> bool:
        """Whether people can sign in, here or at a proxy."""
        return bool(self.issuer or self.trusted_header)

    def conflict(self, trusted_proxies: tuple[str, ...]) -> tuple[str, str] | None:
        """Returns the name of a setting that does not fit the others, and why; None if all do."""
        if self.issuer and not self.client_id:
            return "auth.client_id", "is missing; the provider gave it when you registered there"
        if self.client_id and not self.issuer:
            return "auth.issuer", "is missing, and auth.client_id is set"
        if self.trusted_groups_header and not self.trusted_header:
            return "auth.trusted_header", "is missing, and auth.trusted_groups_header is set"
        if self.trusted_header and self.trusted_header == self.trusted_groups_header:
            return "auth.trusted_groups_header", "must be another header than auth.trusted_header"
        if self.trusted_header and not (trusted_proxies and all(map(_is_network, trusted_proxies))):
            cause = "needs trusted_proxies, as addresses or networks: only they are believed"
            return "auth.trusted_header", cause
        return None


def _is_network(proxy: str) -> bool:
    """Returns whether a proxy is named by an address or a network other than all there are."""
    try:
        return ip_network(proxy).prefixlen > 0
    except ValueError:
        return False
