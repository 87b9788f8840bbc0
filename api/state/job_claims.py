"""Which process runs a job: what the statements of the job store say besides the collection.

With SQLite every process may take every unfinished job, since a lock on the data folder lets one
sync run at a time. In a shared database a job belongs to the process that claimed it, as long as
that one's heartbeat arrives; a job whose process is silent for 30 seconds is anybody's again. Times
are the database's: clocks of machines differ.
"""

import secrets
from dataclasses import dataclass
from typing import Self

HEARTBEAT_S = 10.0
ORPHAN_S = 30.0
"""After this without a heartbeat another process may claim a job."""

UNFINISHED = "status IN ('queued', 'running')"
_NOW_S = "extract(epoch FROM clock_timestamp())"
_SCHEMA = """
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS owner TEXT;
ALTER TABLE jobs ADD COLUMN IF NOT EXISTS beat_s REAL;
"""


@dataclass(frozen=True, slots=True)
class Claims:
    """Parts of SQL, none of them with values."""

    schema: str
    claimable: str
    """Where: a job may be claimed."""
    lock: str
    """At the end of a selection of jobs to claim."""
    claim: str
    """Set, together with the status."""
    release: str
    """Set, together with the status, for a job that is queued again."""
    is_ours: str
    """Where: an unfinished job that no other process has claimed."""

    @classmethod
    def of_one_machine(cls) -> Self:
        """Returns those of SQLite."""
        return cls("", UNFINISHED, "", "", "", UNFINISHED)

    @classmethod
    def of_this_process(cls, *, orphan_s: float) -> Self:
        """Returns those of PostgreSQL, for a new owner of jobs."""
        owner = secrets.token_hex(8)
        is_silent = f"status = 'running' AND coalesce(beat_s, 0) < {_NOW_S} - {orphan_s:f}"
        return cls(
            _SCHEMA,
            f"(status = 'queued' OR {is_silent})",
            "FOR UPDATE SKIP LOCKED",
            f", owner = '{owner}', beat_s = {_NOW_S}",
            ", owner = NULL",
            f"{UNFINISHED} AND (owner = '{owner}' OR owner IS NULL)",
        )
