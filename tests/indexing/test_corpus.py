"""Which files of a folder are read, and why the others are skipped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from index.corpus import CorpusFile, read_file, scan, source_id
from index.errors import CorpusMissing, SettingInvalid, SourceUnreadable
from tests.support.corpus_builder import write_files

FORMATS = ("txt", "md")


def scanned(root: Path, *, most: int = 1000) -> tuple[list[str], dict[str, str]]:
    files, skipped = scan(root, formats=FORMATS, max_file_bytes=most)
    return [file.path for file in files], {entry.path: entry.cause for entry in skipped}


def test_files_are_found_in_subfolders_by_path(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.txt": "b", "a/c.md": "c", "a/B.TXT": "B"})
    assert scanned(tmp_path) == (["a/B.TXT", "a/c.md", "b.txt"], {})


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    write_files(tmp_path, {".env": "x", ".git/a.txt": "x", "a.txt": "a"})
    assert scanned(tmp_path) == (["a.txt"], {})


def test_files_in_footnoteignore_are_ignored(tmp_path: Path) -> None:
    files = ["a.txt", "draft.txt", "old/b.txt", "old/c/d.txt", "keep/draft.txt", "x/old.txt"]
    write_files(tmp_path, dict.fromkeys(files, "text"))
    rules = "# no drafts\ndraft*\n!keep/draft.txt\n\nold/\n*.pdf\n"
    write_files(tmp_path, {".footnoteignore": rules, "y.pdf": "x"})
    assert scanned(tmp_path) == (["a.txt", "keep/draft.txt", "x/old.txt"], {})


def test_a_footnoteignore_that_cannot_be_read_ends_the_scan(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a", ".footnoteignore": b"\xff\xfe"})
    with pytest.raises(SettingInvalid, match="footnoteignore cannot be read"):
        scanned(tmp_path)


def test_a_link_out_of_the_corpus_is_refused(tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"secret.txt": "s"})
    root = write_files(tmp_path / "corpus", {"a.txt": "a"})
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    files, causes = scanned(root)
    assert files == ["a.txt"]
    assert causes == {
        "link.txt": "links to a target outside the corpus",
        "folder": "links to a target outside the corpus",
    }


def test_a_link_within_the_corpus_is_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a"})
    (tmp_path / "b.txt").symlink_to("a.txt")
    assert scanned(tmp_path)[0] == ["a.txt", "b.txt"]


def test_broken_and_looping_links_are_reported(tmp_path: Path) -> None:
    (tmp_path / "broken.txt").symlink_to("nowhere.txt")
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    files, causes = scanned(tmp_path)
    assert files == []
    assert set(causes) == {"broken.txt", "loop.txt"}


def test_a_fifo_is_skipped_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert scanned(tmp_path) == ([], {"pipe.txt": "is not a regular file"})


def test_reading_a_file_that_became_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(SourceUnreadable, match="not a regular file"):
        read_file(tmp_path, CorpusFile("pipe.txt", "txt", 1, 1, ""), max_file_bytes=10)


def test_a_file_that_became_a_link_out_is_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"secret.txt": "s", "corpus/a.txt": "a"})
    (tmp_path / "corpus" / "b.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(SourceUnreadable, match="outside the corpus"):
        read_file(tmp_path / "corpus", CorpusFile("b.txt", "txt", 1, 1, ""), max_file_bytes=10)


def test_other_formats_and_large_files_are_reported(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.pdf": "x", "README": "x", "big.txt": "x" * 1001})
    files, causes = scanned(tmp_path)
    assert files == []
    assert causes == {
        "a.pdf": ".pdf is not among the enabled formats",
        "README": "a file without a suffix is not among the enabled formats",
        "big.txt": "has 1,001 bytes, more than 1,000",
    }


def test_a_file_that_grew_since_is_not_read_past_the_limit(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "x" * 50})
    with pytest.raises(SourceUnreadable, match="more than 10 bytes"):
        read_file(tmp_path, CorpusFile("a.txt", "txt", 5, 1, ""), max_file_bytes=10)


def test_a_removed_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="No such file"):
        read_file(tmp_path, CorpusFile("gone.txt", "txt", 5, 1, ""), max_file_bytes=10)


def test_a_name_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    assert scanned(tmp_path) == ([], {"caf\\udce9.txt": "its name is not UTF-8"})


def test_unusual_names_are_accepted(tmp_path: Path) -> None:
    names = ["a..txt", "new\nline.txt", "rtl\u202etxt.txt", "%2e%2e.txt", "a b'.txt"]
    write_files(tmp_path, dict.fromkeys(names, "text"))
    assert scanned(tmp_path)[0] == sorted(names)


def test_a_very_deep_folder_is_read(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    (tmp_path / "d" / "a.txt").write_text("a")
    assert scanned(tmp_path)[0] == ["d/a.txt"]
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


def test_a_corpus_that_is_missing_or_a_file_is_an_error(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.txt": "a"})
    for root in (tmp_path / "nowhere", tmp_path / "a.txt"):
        with pytest.raises(CorpusMissing, match=str(root)):
            scan(root, formats=FORMATS, max_file_bytes=10)


def test_files_without_permission_are_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    """As another user where this one may read everything."""
    root = write_files(tmp_path / "corpus", {"a.txt": "a", "closed/b.txt": "b", "c.txt": "c"})
    (root / "closed").chmod(0)
    (root / "c.txt").chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o711)
    program = (
        "import sys; from pathlib import Path; from index import corpus\n"
        "if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "files, skipped = corpus.scan(Path(sys.argv[1]), formats=('txt',), max_file_bytes=99)\n"
        "print([f.path for f in files], [(s.path, s.cause) for s in skipped])\n"
        "try: corpus.read_file(Path(sys.argv[1]), files[1], max_file_bytes=99)\n"
        "except Exception as error: print(error)\n"
    )
    command = [sys.executable, "-c", "import os\n" + program, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (root / "closed").chmod(0o755)
    assert done.stdout.splitlines() == [
        "['a.txt', 'c.txt'] [('closed', 'cannot be listed: Permission denied')]",
        "c.txt: cannot be read: Permission denied",
    ], done.stderr


def test_a_sources_id_is_that_of_its_collection_and_path() -> None:
    assert source_id("default", "a.txt") == source_id("default", "a.txt")
    assert len({source_id("x", "a"), source_id("y", "a"), source_id("x", "b")}) == 3


def test_a_path_above_the_limit_is_skipped(tmp_path: Path) -> None:
    folder = "/".join(["d" * 200] * 5)
    write_files(tmp_path, {f"{folder}/a.txt": "text", "b.txt": "text"})
    files, skipped = scan(tmp_path, formats=("txt",), max_file_bytes=100)
    assert [file.path for file in files] == ["b.txt"]
    assert skipped[0].cause == "its path has more than 1,000 characters"
