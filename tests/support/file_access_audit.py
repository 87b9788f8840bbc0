"""Audits file access while generated paths are uploaded and deleted over HTTP.

python -m tests.support.file_access_audit FOLDER COUNT SEED [resolver]

A `sys.addaudithook` hook sees each file that is opened, created, renamed or removed. Prints, as
JSON, every access outside FOLDER/corpus and how many requests were accepted.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from starlette.testclient import TestClient

from api.app import create_app
from api.bootstrap import writable_corpus
from api.errors import ApiError
from api.service.corpus_files import Upload, delete_file
from api.service.upload_paths import parse_path
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
SEPARATORS = ("/", "/", "/", "//", "\\", "%2f", "%5c", "/./", "/../")
FOLDERS = ("inner", "out", "loop", "a", "..", "%2e%2e", "file.txt")
FILES = ("file.txt", "b.txt", "c.md")
AUDITED_EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
READ_ROOTS = tuple(os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, Path.cwd()))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def generate_paths(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    while True:
        if rng.random() < 0.5:  # nearly valid paths
            folders = rng.choices(FOLDERS, k=rng.randint(0, 3))
            yield "/".join([*folders, rng.choice(FILES)])
            continue
        pieces = rng.choices(PIECES, k=rng.randint(1, 5))
        yield "".join(piece + rng.choice(SEPARATORS) for piece in pieces[:-1]) + pieces[-1]


class FileAccessAudit:
    """Records file accesses outside the corpus while `enabled`."""

    def __init__(self, corpus: Path, data: Path) -> None:
        self.corpus, self.data = os.path.realpath(corpus), os.path.realpath(data)
        self.enabled, self.outside = False, list[str]()
        sys.addaudithook(self.on_event)

    def on_event(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.enabled:
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
        elif event in AUDITED_EVENTS:
            self.check(event, arguments[0], arguments[-1])

    def check(self, event: str, path: object, folder: object, *, reads: bool = False) -> None:
        if isinstance(path, int):  # an open file descriptor
            return
        name = os.fsdecode(path)  # type: ignore[arg-type]  # str, bytes or a path
        if name.startswith("/proc/self/fd/"):  # our own readlink, below
            return
        if os.path.isabs(name):
            resolved = os.path.realpath(name)
            allowed = resolved in (self.corpus, self.data)
            databases = (self.data + "/state.sqlite3", self.data + "/uploads.sqlite3")
            allowed |= resolved.startswith(databases)
            allowed |= resolved == self.corpus + "/.footnote-corpus"
            allowed |= reads and resolved.startswith(READ_ROOTS)
        else:  # a single name, relative to an open folder
            allowed = "/" not in name and name not in ("", ".", "..")
            if isinstance(folder, int) and folder >= 0:
                parent = os.readlink(f"/proc/self/fd/{folder}")
                allowed &= parent == self.corpus or parent.startswith(self.corpus + "/")
            elif event != "open":  # relative to the working folder
                allowed = False
        if not allowed:
            self.outside.append(f"{event} {name!r}")


def main() -> None:
    """Runs the audit and prints its result."""
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    corpus, data = folder / "corpus", folder / "data"
    audit = FileAccessAudit(corpus, data)
    accepted = 0
    settings = load_settings({"corpus": corpus, "data_dir": data, "allow_writes": True})
    writable = writable_corpus(settings)
    if sys.argv[4:] == ["resolver"]:
        audit.enabled = True
        for path, _ in zip(generate_paths(seed), range(count), strict=False):
            try:
                names = parse_path(path, {".txt", ".md"})
                with closing(Upload(writable, names, 4_000)) as upload:
                    upload.write(path.encode())
                    upload.commit()
                if accepted % 2:
                    delete_file(writable, names)
                accepted += 1
            except (ApiError, OSError):
                continue
    else:
        # without its lifespan no job runs, so that only the requests are audited
        client = TestClient(create_app(settings), base_url="http://127.0.0.1:8000")
        client.get("/livez")
        for number, path in zip(range(count), generate_paths(seed), strict=False):
            url = "/v1/files/" + quote(path, safe="%/" if number % 2 else "%")
            audit.enabled = True
            reply = client.put(url, content=path.encode()) if number % 3 else client.delete(url)
            audit.enabled = False
            assert reply.status_code in (202, 404, 405, 422), (path, reply.text)
            accepted += reply.status_code == 202
    audit.enabled = False
    sys.stdout.write(json.dumps({"outside": audit.outside[:10], "accepted": accepted}))


if __name__ == "__main__":
    main()
