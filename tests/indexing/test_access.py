"""Rules of who may read what, and a generation as if what is forbidden did not exist."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.access import AccessPolicy, folder_access, path_rules, read_folder_rules, rules_of
from index.corpus import source_id
from index.embed.factory import EmbedSpec
from index.errors import SettingInvalid
from index.formats import FORMATS
from index.store.generation import Generation
from index.store.opened import OpenGeneration
from index.store.restricted import AccessTable
from index.types import ACCESS, FOLDER_ACCESS, Source
from tests.support.corpus_builder import (
    open_generation,
    sync_in_process,
    sync_request,
    write_files,
)

A = Source("1", "hr/pay/a.md", "A", "", 0, 0, 0)


def rules(**metadata: str) -> list[set[str]]:
    return [set(rule) for rule in rules_of(replace(A, metadata=metadata))]


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("access: hr", [{"hr"}]),
        ("access: [hr, legal]", [{"hr", "legal"}]),
        ("access:\n  - hr\n  - the board", [{"hr", "the board"}]),
        ("access: hr, legal", [{"hr", "legal"}]),
        ("access: []", [set()]),
        ("access:", [set()]),
        ("Access: hr", [{"hr"}]),
        ("title: A", []),
        ("title: a: b\naccess: hr", [{"hr"}]),
        ("title: [a\naccess: hr", [{"hr"}]),
        ("- x: [\naccess: hr", [set()]),
    ],
)
@pytest.mark.parametrize("name", ["md", "txt"])
def test_front_matter_names_the_groups_that_may_read(
    name: str, front: str, expected: list[set[str]]
) -> None:
    document = FORMATS[name].extract(f"---\n{front}\n---\nText.".encode())
    assert rules(**document.metadata) == expected


@pytest.mark.parametrize(
    "text", ["# Access\n\naccess: hr", "---\n\nA rule.\n\naccess: hr\n", "access: hr\nText."]
)
def test_what_is_no_front_matter_is_no_rule(text: str) -> None:
    assert rules(**FORMATS["md"].extract(text.encode()).metadata) == []


def test_an_unfinished_block_with_access_lets_nobody_in() -> None:
    assert rules(**FORMATS["md"].extract(b"---\ntitle: A\naccess: hr\nText.").metadata) == [set()]


def test_rules_of_folders_add_up(tmp_path: Path) -> None:
    files = {"hr/.footnote-access": "hr\n# a comment\n\n", "hr/pay/.footnote-access": "pay\nhr\n"}
    write_files(
        tmp_path, {**files, "hr/pay/a.md": "A", "b.md": "B", ".hidden/.footnote-access": "x"}
    )
    found = read_folder_rules(tmp_path)
    assert found == {"hr/": ("hr",), "hr/pay/": ("pay", "hr")}
    assert rules(**{FOLDER_ACCESS: folder_access("hr/pay/a.md", found)}) == [{"hr"}, {"pay", "hr"}]
    assert folder_access("b.md", found) == ""
    assert path_rules(tmp_path, "hr/pay/new.md") == (frozenset({"hr"}), frozenset({"pay", "hr"}))
    assert path_rules(tmp_path, "new/deep/new.md") == ()


@pytest.mark.parametrize("make", ["folder", "link", "bytes", "unreadable", "huge"])
def test_an_access_file_that_cannot_be_read_is_an_error(make: str, tmp_path: Path) -> None:
    file = tmp_path / ".footnote-access"
    match make:
        case "folder":
            file.mkdir()
        case "link":
            file.symlink_to(tmp_path / "elsewhere")
        case "bytes":
            file.write_bytes(b"\xff\xfe\x00")
        case "huge":
            file.write_text("x" * 70_000)
        case _:
            os.mkfifo(file)
    with pytest.raises(SettingInvalid, match="footnote-access"):
        read_folder_rules(tmp_path)


def test_the_settings_name_folders_files_and_collections() -> None:
    def policy(**paths: list[str]) -> AccessPolicy:
        return AccessPolicy({path: frozenset(groups) for path, groups in paths.items()})

    def of(**paths: list[str]) -> list[set[str]]:
        return [set(rule) for rule in policy(**paths).rules(A)]

    assert of(**{"hr/": ["hr"], "h": ["x"], "hr": ["x"], "a.md": ["x"]}) == [{"hr"}]
    assert of(**{"/": ["staff"], "hr/pay/": ["hr"]}) == [{"staff"}, {"hr"}]
    assert of(**{"hr/pay/a.md": []}) == [set()]
    named = AccessPolicy({}, {"default": frozenset({"staff"}), "other": frozenset({"x"})})
    own = replace(A, id=source_id("default", A.path))
    assert [set(rule) for rule in named.rules(own)] == [{"staff"}]
    assert named.allows_collection("default", frozenset({"staff"}))
    assert not named.allows_collection("other", frozenset({"staff"}))
    assert named.allows_collection("third", frozenset())


def test_malformed_rules_of_another_format_let_nobody_in() -> None:
    for text in ("hr", "{", "3", '["hr"', "null"):
        assert rules(**{ACCESS: text}) == [set()]


GROUPS = ("red", "blue")
WORDS = ("harbour", "lantern", "granite", "orchard", "compass", "bellows")


def corpus(folder: Path, groups: tuple[str, ...]) -> Path:
    files: dict[str, str | bytes] = {}
    for group in groups:
        for number, word in enumerate(WORDS):
            text = f"The {word} of {group} has {number + 2} doors. Each {word} is painted {group}."
            front = f"---\naccess: {group}\n---\n" if group != "open" else ""
            files[f"{group}/{word}.md"] = f"{front}# {word} {group}\n\n{text}\n"
    return write_files(folder, files)


@pytest.fixture
def pair(tmp_path: Path, hosted: EmbedSpec) -> Iterator[tuple[OpenGeneration, Generation]]:
    """What red may read of everything, and an index of that alone."""
    requests = [
        sync_request(corpus(tmp_path / name / "corpus", groups), tmp_path / name / "data", hosted)
        for name, groups in (("all", ("open", *GROUPS)), ("own", ("open", "red")))
    ]
    for request in requests:
        sync_in_process(request)
    with (
        open_generation(requests[0]) as whole,
        open_generation(requests[1]) as own,
    ):
        assert whole.manifest.restricted
        yield AccessTable(whole, AccessPolicy()).view(frozenset({"red", "other"})), own


def test_the_others_do_not_exist(pair: tuple[OpenGeneration, Generation]) -> None:
    view, own = pair
    assert (view.info.sources, view.info.chunks) == (own.info.sources, own.info.chunks)
    assert [one.path for one in view.sources()] == [one.path for one in own.sources()]
    assert [one.path for one in view.sources(after="red/a", limit=2)] == [
        one.path for one in own.sources(after="red/a", limit=2)
    ]
    assert view.all_sources().keys() == own.all_sources().keys()
    terms = ["harbour", "red", "blue", "door", "the"]
    known, expected = view.vocabulary(terms), own.vocabulary(terms)
    assert {term: count for term, (_, count) in known.items()} == {
        term: count for term, (_, count) in expected.items()
    }
    assert "blue" not in known
    counts = [count for _, count in expected.values()]
    assert view.idf(counts).tolist() == own.idf(counts).tolist()
    assert [text for _, text in view.sample(5)] == [text for _, text in own.sample(5)]


def test_words_are_searched_and_weighed_as_if_alone(
    pair: tuple[OpenGeneration, Generation],
) -> None:
    view, own = pair

    def found(generation: OpenGeneration) -> list[tuple[str, float]]:
        rows = np.array(sorted(generation.find_lexical(["paint", "door"], limit=50)), np.int64)
        ids = np.array([generation.vocabulary([w])[w][0] for w in ("paint", "door")])
        idf = generation.idf([generation.vocabulary([w])[w][1] for w in ("paint", "door")])
        terms = generation.evidence(rows).terms
        scores = terms.bm25(terms.positions(ids).frequencies(), idf).tolist()
        return [
            (c.id, score)
            for (c, _), score in zip(generation.chunks(rows.tolist()), scores, strict=True)
        ]

    assert found(view) == found(own)
    assert len(view.find_lexical(["paint"], limit=3)) == 3


def test_nothing_of_the_others_can_be_read_by_name(
    pair: tuple[OpenGeneration, Generation], tmp_path: Path, hosted: EmbedSpec
) -> None:
    view, _ = pair
    request = sync_request(tmp_path / "all" / "corpus", tmp_path / "all" / "data", hosted)
    with open_generation(request) as whole:
        hidden = next(one for one in whole.sources() if one.path.startswith("blue/"))
        rows = list(whole.source_rows[hidden.id])
        (chunk, _), *_ = whole.chunks(rows)
    assert view.source(hidden.id) is None
    assert view.chunk_at(hidden.id, 30) is None
    assert hidden.id not in view.source_rows
    for read in (
        lambda: view.text(hidden.id),
        lambda: view.source_chunks(hidden.id),
        lambda: view.chunks(rows),
        lambda: view.neighbours(chunk, 1, 1),
    ):
        with pytest.raises(KeyError):
            read()
    assert not set(view.count_documents(np.array(rows)).tolist()) - {0}


def test_a_changed_access_file_changes_who_may_read(tmp_path: Path, hosted: EmbedSpec) -> None:
    root = write_files(tmp_path / "corpus", {"hr/a.md": "The lamp is red."})
    request = sync_request(root, tmp_path / "data", hosted)
    reports = [sync_in_process(request)]
    for groups in ("hr\n", "hr\n", "board\n", None):
        file = root / "hr" / ".footnote-access"
        file.unlink() if groups is None else file.write_text(groups)
        reports.append(sync_in_process(request))
        with open_generation(request) as generation:
            (source,) = generation.sources()
            expected = [] if groups is None else [{groups.strip()}]
            assert [set(rule) for rule in rules_of(source)] == expected
            assert generation.manifest.restricted == bool(groups)
    assert [report.published for report, _ in reports] == [True, True, False, True, True]


def test_without_rules_a_view_is_the_generation_itself(generation: Generation) -> None:
    assert AccessTable(generation, AccessPolicy()).view(frozenset()) is generation
