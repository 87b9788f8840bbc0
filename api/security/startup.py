"""What a service must have before it starts: keys where others reach it, state where many serve."""

import logging

from ..errors import SettingRefused, StateUnreadable
from ..settings import Settings
from .auth import is_loopback
from .keys import KeyStore

log = logging.getLogger("footnote")


def require_keys(settings: Settings, keys: KeyStore) -> None:
    """Raises SettingRefused if others reach a service without API keys, where nobody signs in.

    Where the state cannot be read the service starts, and refuses requests until it can.
    """
    if settings.insecure or settings.auth.is_set or is_loopback(settings.host):
        return
    try:
        has_keys = bool(keys.all())
    except StateUnreadable as error:
        log.warning("the API keys cannot be read yet: %s", error)
        return
    if not has_keys:
        raise SettingRefused(
            "host",
            f"other machines can reach {settings.host}, and there is no API key; create one with "
            "`footnote keys create`, or allow everyone with --insecure",
        )


def require_shared_state(settings: Settings, keys: KeyStore) -> None:
    """Raises SettingRefused if several machines would each have keys or jobs of their own."""
    if settings.state:
        return
    hint = "set FOOTNOTE_STATE=postgresql://… to a database that all of them use"
    if settings.shared and settings.allow_writes:
        raise SettingRefused("state", f"with shared and allow_writes, jobs must be shared: {hint}")
    if settings.role != "replica":
        return
    is_reachable = not (settings.insecure or is_loopback(settings.host))
    if settings.auth.issuer:
        raise SettingRefused("state", f"replicas must share the sessions of people: {hint}")
    if is_reachable or keys.all():
        raise SettingRefused("state", f"replicas with API keys must share them: {hint}")


def warn_of_own_counters(settings: Settings) -> None:
    """Warns of a rate limit that each replica counts for itself."""
    counts_alone = settings.rate_limit_storage == "memory://" and settings.rate_limit_per_minute
    if settings.role == "replica" and counts_alone:
        log.warning(
            "each replica counts requests for itself; for one common limit set "
            "FOOTNOTE_RATE_LIMIT_STORAGE to a redis:// URL"
        )
