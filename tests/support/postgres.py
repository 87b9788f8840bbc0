"""A real PostgreSQL on a free port of loopback, which can be stopped, hung and started again."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from .processes import descendant_pids, free_port, wait_until

PASSWORD = "a-Password_1"
FLAGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
}


def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    return Path(program).parent if program else None


class PostgresServer:
    """A server with databases of its own; it does not run as root, which it refuses."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder, self.port = programs, folder, free_port()
        self._names = (f"db{n}" for n in itertools.count())
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(folder, user.pw_uid, user.pw_gid)

    def url(self, database: str = "postgres") -> str:
        """The address of a database, with the password."""
        return f"postgresql://footnote:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, password: str | None = None) -> str:
        """Creates an empty database and returns its name; with a password also a role of it."""
        import psycopg

        name = next(self._names)
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if password:
                connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
            owner = name if password else "footnote"
            connection.execute(f"CREATE DATABASE {name} OWNER {owner}".encode())
        return name

    def __enter__(self) -> Self:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        command = [self._programs / "initdb", "-D", self._folder / "data", "-U", "footnote"]
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--no-sync", "-E", "UTF8"]
        subprocess.run(
            [*command, *options, "--locale=C"],
            check=True,
            capture_output=True,
            cwd="/",
            **self._user,  # type: ignore[call-overload]  # the same keywords for both calls
        )
        self.start()
        return self

    def start(self) -> None:
        """Starts it, again after `stop`."""
        flags = [part for name, value in FLAGS.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [
                self._programs / "postgres",
                "-D",
                self._folder / "data",
                "-p",
                f"{self.port}",
                *flags,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._user,  # type: ignore[call-overload]  # as above
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        import psycopg

        assert self.process.poll() is None, "postgres did not start"
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Ends it at once, with all connections."""
        self.resume()
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def hang(self) -> None:
        """Lets it answer nobody, while its port is open."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Ends that."""
        if self.process.poll() is None:
            self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in (self.process.pid, *descendant_pids(self.process.pid)):
            os.kill(pid, number)

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server while the block runs; skips loudly where there is none, which fails in CI."""
    programs = find_programs()
    if programs is None:
        assert not os.environ.get("CI"), "CI must have PostgreSQL: .ci/run installs it"
        pytest.skip("NO POSTGRESQL: it is not installed, so THE SHARED STATE WAS NOT TRIED")
    folder = Path(tempfile.mkdtemp(prefix="footnote-postgres-"))  # pytest's are closed to others
    try:
        with PostgresServer(programs, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)
