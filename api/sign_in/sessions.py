"""Open sessions by their cookies: looked up, kept fresh, given new cookies, ended.

A cookie is 256 random bits, stored as a hash. Each process remembers what it read for a second, so
a revoked session is refused everywhere within that. Cookies are replaced hourly; where the provider
gave a refresh token it is asked again when its access token has expired, by one worker alone.
"""

import asyncio
import hashlib
import logging
import re
import secrets
import time

from ..state.sessions import Session, SessionStore, Tokens
from .client import OpenIdClient
from .failure import GrantInvalid, SignInFailed
from .people import Person

log = logging.getLogger("footnote")

MAX_AGE_S = 1.0
"""What was read longer ago than this decides no request."""
ROTATE_S = 3_600.0
GRACE_S = 60.0
"""How long a replaced cookie stays valid, for requests that were on their way."""
TOUCH_S = 60.0
"""How often the use of a session is recorded."""
RETRY_S = 60.0
"""When to ask the provider again if it could not be reached."""
MAX_CACHED = 10_000
_COOKIE = re.compile(r"[A-Za-z0-9_-]{43}")


class Sessions:
    """The sessions of one service; raises StateUnreadable."""

    def __init__(self, store: SessionStore, client: OpenIdClient | None) -> None:
        """Without a `client` nothing is refreshed."""
        self._store, self._client = store, client
        self._cache: dict[bytes | str, tuple[float, Session]] = {}
        self._refreshing: dict[str, asyncio.Task[Session | None]] = {}

    async def start(self, person: Person, tokens: Tokens, *, expires_s: float) -> str:
        """Starts a session and returns its cookie."""
        cookie = secrets.token_urlsafe(32)

        def create() -> None:
            self._store.create(
                _digest(cookie),
                subject=person.subject,
                name=person.name,
                groups=person.groups,
                expires_s=expires_s,
                tokens=tokens,
            )

        await asyncio.to_thread(create)
        return cookie

    async def find(self, cookie: str) -> Session | None:
        """Returns the open session of a cookie, whose use is recorded."""
        if not _COOKIE.fullmatch(cookie):
            return None
        digest = _digest(cookie)
        session = await self._read(digest)
        if session is None or not _is_valid(session, digest, time.time()):
            return None
        is_news = digest == session.sha256 and not session.is_confirmed
        if is_news or time.time() - session.used_s > TOUCH_S:
            await asyncio.to_thread(self._store.touch, session, digest)
            self._forget(session, digest)
        return await self._fresh(session)

    async def get(self, session_id: str) -> Session | None:
        """Returns an open session by its id."""
        session = await self._read(session_id)
        if session is None or session.has_ended(time.time()):
            return None
        return await self._fresh(session)

    async def rotate(self, session: Session, cookie: str) -> str | None:
        """Returns a new cookie for a session that has had its one for an hour, else None."""
        wait_s = ROTATE_S if _digest(cookie) == session.sha256 else GRACE_S
        if time.time() - session.rotated_s < wait_s:
            return None
        new = secrets.token_urlsafe(32)
        old = _digest(cookie)
        is_ours = await asyncio.to_thread(self._store.rotate, session, old, _digest(new))
        self._forget(session, old)
        return new if is_ours else None

    async def end(self, session: Session) -> None:
        """Ends a session."""
        await asyncio.to_thread(self._store.delete, [session.id])
        self._cache.clear()

    async def end_all(self, *, subject: str | None, provider_session: object) -> int:
        """Ends the sessions of a person, of a session at the provider alone if that is named."""

        def end() -> int:
            return self._store.delete(
                [
                    one.id
                    for one in self._store.all()
                    if subject in (None, one.subject)
                    and provider_session in (None, one.tokens.provider_session)
                ]
            )

        n_ended = await asyncio.to_thread(end)
        self._cache.clear()
        return n_ended

    async def use_sign_in(self, sign_in_id: str) -> bool:
        """Records that a sign-in was completed; False if it was before."""
        return await asyncio.to_thread(self._store.use_sign_in, sign_in_id)

    async def _read(self, name: bytes | str) -> Session | None:
        read_at, session = self._cache.get(name, (0.0, None))
        if session is not None and time.monotonic() - read_at <= MAX_AGE_S:
            return session
        started_at = time.monotonic()
        session = await asyncio.to_thread(
            lambda: self._store.find(name) if isinstance(name, bytes) else self._store.get(name)
        )
        if session is None:
            self._cache.pop(name, None)
            return None
        if len(self._cache) >= MAX_CACHED:
            self._cache.clear()
        self._cache[name] = (started_at, session)
        return session

    def _forget(self, session: Session, digest: bytes) -> None:
        for name in (digest, session.id):
            self._cache.pop(name, None)

    async def _fresh(self, session: Session) -> Session | None:
        """Returns the session as the provider sees it by now; None if that has ended it."""
        refresh_s = session.tokens.refresh_s
        if self._client is None or refresh_s is None or refresh_s > time.time():
            return session
        task = self._refreshing.get(session.id)
        if task is None:
            task = asyncio.create_task(self._refresh(session, self._client))
            self._refreshing[session.id] = task
            task.add_done_callback(lambda _: self._refreshing.pop(session.id, None))
        # the request may be cancelled; a refresh token that was sent must not get lost
        return await asyncio.shield(task)

    async def _refresh(self, session: Session, client: OpenIdClient) -> Session | None:
        next_s = time.time() + RETRY_S
        if not await asyncio.to_thread(self._store.claim_refresh, session, next_s):
            return await asyncio.to_thread(self._store.get, session.id)
        self._cache.clear()
        try:
            person, tokens = await client.refresh(session.tokens, session.subject)
        except GrantInvalid as error:
            log.info("the session of %s has ended: %s", session.subject, error.cause)
            await self.end(session)
            return None
        except SignInFailed as error:
            log.warning("a session could not be refreshed: %s", error.cause)
            return session

        def store() -> Session | None:
            now = person or Person(session.subject, session.name, session.groups)
            self._store.store_refreshed(session.id, name=now.name, groups=now.groups, tokens=tokens)
            return self._store.get(session.id)

        return await asyncio.to_thread(store)


def _is_valid(session: Session, digest: bytes, now_s: float) -> bool:
    """Returns whether a cookie opens a session now: the newest does, the one before for a while."""
    is_replaced = digest != session.sha256 and session.is_confirmed
    is_late = is_replaced and now_s > session.rotated_s + GRACE_S
    return not is_late and not session.has_ended(now_s)


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
