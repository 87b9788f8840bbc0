"""A process that is watched while paths of every kind are put and deleted over HTTP.

python -m tests.audited FOLDER COUNT SEED [resolver]

An audit hook sees each file that is opened, made, renamed or removed meanwhile. Prints, as JSON,
what was outside of FOLDER/corpus and how many requests were taken.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from starlette.testclient import TestClient

from api.app import create_app
from api.errors import ApiError
from api.service.corpus_files import names_of, receiving, remove
from api.settings import load_settings

PIECES = (
    *(
        "..",
        ".",
        "",
        "a",
        "b",
        "inner",
        "out",
        "loop",
        "file.txt",
        "b.txt",
        "c.md",
        "d.exe",
        "é.txt",
    ),
    *("%2e%2e", "..%2f", "%2e", "%00", "\x00", "\n", "\\", "..\\", "c:", "con.txt", "~", "~root"),
    *(" ", "a ", ".txt", ".git", ".footnoteignore", "x" * 300 + ".txt", "\u202e.txt", "\ufffd.txt"),
    *(
        "%",
        "%zz.txt",
        "*",
        "a.txt.",
        "...",
        "\uff0e\uff0e",
        "𝔸.txt",
        "proc",
        "self",
        "etc",
        "passwd",
    ),
)
JOINTS = ("/", "/", "/", "//", "\\", "%2f", "%5c", "/./", "/../")
FOLDERS = ("inner", "out", "loop", "a", "..", "%2e%2e", "file.txt")
FILES = ("file.txt", "b.txt", "c.md")
WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
READ_ROOTS = tuple(os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, Path.cwd()))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def paths(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    while True:
        if chance.random() < 0.5:  # nearly right ones
            folders = chance.choices(FOLDERS, k=chance.randint(0, 3))
            yield "/".join([*folders, chance.choice(FILES)])
            continue
        pieces = chance.choices(PIECES, k=chance.randint(1, 5))
        yield "".join(piece + chance.choice(JOINTS) for piece in pieces[:-1]) + pieces[-1]


class Watch:
    """What was touched outside of a folder, while `on`."""

    def __init__(self, corpus: Path, data: Path) -> None:
        self.corpus, self.data = os.path.realpath(corpus), os.path.realpath(data)
        self.on, self.outside = False, list[str]()
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event == "sqlite3.connect":
            self.check(event, arguments[0], -1)
        elif event == "open":
            flags = arguments[2]
            reads = isinstance(flags, int) and not flags & WRITES
            self.check(event, arguments[0], -1, reads=reads)
        elif event == "os.rename":
            self.check(event, arguments[0], arguments[2])
            self.check(event, arguments[1], arguments[3])
        elif event in WATCHED:
            self.check(event, arguments[0], arguments[-1])

    def check(self, event: str, path: object, folder: object, *, reads: bool = False) -> None:
        if isinstance(path, int):  # an open file
            return
        name = os.fsdecode(path)  # type: ignore[arg-type]  # str, bytes or a path
        if name.startswith("/proc/self/fd/"):  # our own look, below
            return
        if os.path.isabs(name):
            whole = os.path.realpath(name)
            allowed = whole in (self.corpus, self.data)
            allowed |= whole.startswith(self.data + "/state.sqlite3")
            allowed |= reads and whole.startswith(READ_ROOTS)
        else:  # one name, below a folder that is open
            allowed = "/" not in name and name not in ("", ".", "..")
            if isinstance(folder, int) and folder >= 0:
                where = os.readlink(f"/proc/self/fd/{folder}")
                allowed &= where == self.corpus or where.startswith(self.corpus + "/")
            elif event != "open":  # relative to where the process stands
                allowed = False
        if not allowed:
            self.outside.append(f"{event} {name!r}")


def main() -> None:
    """Does what the docstring says."""
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    corpus, data = folder / "corpus", folder / "data"
    watch = Watch(corpus, data)
    taken = 0
    if sys.argv[4:] == ["resolver"]:
        watch.on = True
        for path, _ in zip(paths(seed), range(count), strict=False):
            try:
                names = names_of(path, {".txt", ".md"})
                with receiving(corpus, names, 100) as upload:
                    upload.write(path.encode())
                    upload.keep()
                if taken % 2:
                    remove(corpus, names)
                taken += 1
            except (ApiError, OSError):
                continue
    else:
        settings = load_settings({"corpus": corpus, "data_dir": data, "allow_writes": True})
        # without its lifespan: the jobs wait, so that only the requests are watched
        client = TestClient(create_app(settings), base_url="http://127.0.0.1:8000")
        client.get("/livez")
        for number, path in zip(range(count), paths(seed), strict=False):
            url = "/v1/files/" + quote(path, safe="%/" if number % 2 else "%")
            watch.on = True
            reply = client.put(url, content=path.encode()) if number % 3 else client.delete(url)
            watch.on = False
            assert reply.status_code in (202, 404, 405, 422), (path, reply.text)
            taken += reply.status_code == 202
    watch.on = False
    sys.stdout.write(json.dumps({"outside": watch.outside[:10], "taken": taken}))


if __name__ == "__main__":
    main()
