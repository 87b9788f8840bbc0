"""No network access on import, start or use: the kernel kills any process that connects.

Child processes inherit a seccomp filter on `connect` or `socket`, which also covers compiled code
that no hook in Python sees. `CI` is unset, since it disables telemetry, and HOME is empty, since
telemetry writes there.
"""

import ctypes
import platform
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, AF_INET6

import httpx
import pytest

from tests.support.extras import needs
from tests.support.processes import COMMAND, SEEDS, clean_environment

_SYSCALLS = {"x86_64": (0xC000003E, 42, 41), "aarch64": (0xC00000B7, 203, 198)}
"""The audit number of the architecture, and the numbers of `connect` and `socket`."""
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


def forbid_connections() -> None:
    """Makes the kernel kill this process or its children when they connect to anything."""
    architecture, connect, _ = _SYSCALLS[platform.machine()]
    _install_filter(
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 0, 3, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 0, 1, connect),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    )


def forbid_sockets() -> None:
    """Makes the kernel kill them when they create an internet socket; a service needs one."""
    architecture, _, socket = _SYSCALLS[platform.machine()]
    _install_filter(
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 0, 6, architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_EQUAL, 0, 4, socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_JUMP_IF_EQUAL, 1, 0, AF_INET),
        (_JUMP_IF_EQUAL, 0, 1, AF_INET6),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, _ALLOW),
    )


def _install_filter(*steps: tuple[int, int, int, int]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(_SET_SECCOMP, _FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def start(
    command: list[str], cwd: Path, home: Path, *, forbid: Callable[[], None], runtime: str = ""
) -> "subprocess.Popen[str]":
    env = clean_environment({"HOME": str(home), "FOOTNOTE_EMBED__RUNTIME": runtime})
    for name in ("CI", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        env.pop(name, None)
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        preexec_fn=forbid,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def stopping(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="module", autouse=True)
def enforced(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Checks that the filter kills a process that connects; else these tests prove nothing."""
    folder = tmp_path_factory.mktemp("control")
    if sys.platform != "linux" or platform.machine() not in _SYSCALLS:
        pytest.skip("SKIPPED: this test has seccomp filters for Linux on x86_64 and aarch64 only")
    create = "import socket; one = socket.socket()"
    connect = f"{create}; one.connect_ex(('127.0.0.1', 9))"
    for forbid, code in ((forbid_connections, connect), (forbid_sockets, create)):
        process = start([sys.executable, "-c", code], folder, folder, forbid=forbid)
        process.communicate()
        assert process.returncode == -signal.SIGSYS


@pytest.mark.parametrize(
    "runtime", ["onnxruntime", pytest.param("openvino", marks=needs("openvino"))]
)
def test_a_sync_creates_no_socket_and_leaves_home_empty(tmp_path: Path, runtime: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "lake.txt").write_text("The lake froze for 142 days in 1998.\n")
    command = [*COMMAND, "sync", "articles"]
    process = start(command, tmp_path, home, forbid=forbid_sockets, runtime=runtime)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "1 added" in out
    assert list(home.rglob("*")) == []


def test_a_service_connects_to_nothing_and_leaves_home_empty(
    seeds_data: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = [*COMMAND, "serve", str(SEEDS), "--data-dir", str(seeds_data), "--port", "0"]
    with stopping(start(command, tmp_path, home, forbid=forbid_connections)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        url = lines[2].split()[-1].rstrip("/")
        question = "How many showrooms for Xiaomi cars are there?"
        answer = httpx.post(f"{url}/v1/answers", json={"question": question}, timeout=30).json()
        page = httpx.get(url).text
        assert process.poll() is None
    assert answer["passages"]
    assert "https://" not in page
    assert "http://" not in page
    assert list(home.rglob("*")) == []
