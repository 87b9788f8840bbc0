"""When each API key was last used, to the minute; collected in memory, and stored now and then."""

import threading
import time

from .db import Database

_SCHEMA = "CREATE TABLE IF NOT EXISTS key_uses (id TEXT PRIMARY KEY, used_s REAL NOT NULL);"
_PUT = (
    "INSERT INTO key_uses VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET "
    "used_s = CASE WHEN excluded.used_s > key_uses.used_s THEN excluded.used_s "
    "ELSE key_uses.used_s END"
)


class KeyUses:
    """The uses of one service's keys; what reads and stores blocks and raises StateUnreadable."""

    def __init__(self, database: Database) -> None:
        """Opens nothing yet."""
        self._database = database
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}

    def note(self, key_id: str) -> None:
        """Remembers that a key is used now."""
        self._used[key_id] = time.time()

    def store(self) -> None:
        """Stores what was remembered since the last time."""
        with self._lock:
            used, self._used = self._used, {}
            if used:
                with self._database.connect(_SCHEMA) as db:
                    db.executemany(_PUT, list(used.items()))

    def all(self) -> dict[str, float]:
        """Returns when each key was last used, in seconds since 1970, in whatever process."""
        self.store()
        if not self._database.exists():
            return {}
        with self._database.connect(_SCHEMA) as db:
            return dict(db.execute("SELECT id, used_s FROM key_uses").fetchall())
