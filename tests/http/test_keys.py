"""`footnote keys`, and the keys themselves: shown once, kept as hashes, closed for good."""

import json
import stat
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app, run
from api.errors import KeyInvalid
from api.security.keys import KeyStore
from api.state.db import Database
from api.state.sqlite import SqliteFile

INVOKE = CliRunner()


def keys(*arguments: object) -> str:
    done = INVOKE.invoke(app, ["keys", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


def found(store: KeyStore, presented: str) -> bool:
    store.refresh()
    return store.find(presented) is not None


def test_a_key_is_shown_once_and_its_hash_alone_is_kept(bare_environment: Path) -> None:
    key = keys("create", "--name", "a site").strip()
    state = bare_environment / ".data" / "state.sqlite3"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert key.rpartition("_")[2].encode() not in state.read_bytes()
    assert key not in keys("list")
    assert key[3:11] in keys("list")


def test_the_list_names_scopes_collections_and_what_became_of_a_key(
    bare_environment: Path,
) -> None:
    made = ["--scope", "read", "--scope", "write", "--collection", "news", "--days", "1"]
    key = json.loads(keys("create", "--json", *made))
    keys("create", "--days", "0")
    keys("revoke", key["id"])
    first, second = json.loads(keys("list", "--json"))["keys"]
    assert (first["id"], first["status"]) == (key["id"], "revoked")
    assert (first["scopes"], first["collections"]) == (["read", "write"], ["news"])
    assert first["expires_at"] > first["created_at"]
    assert (second["status"], second["scopes"]) == ("expired", ["read"])


@pytest.mark.parametrize(
    "arguments", [["create", "--scope", "root"], ["revoke", "nothing"], ["create", "--days", "-1"]]
)
def test_what_cannot_be_done_is_a_usage_error(arguments: list[str], bare_environment: Path) -> None:
    assert run(["keys", *arguments]) == 2


def test_a_valid_key_is_found_and_no_other_text(store: KeyStore) -> None:
    key = store.create(scopes=["read"])
    assert found(store, key)
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    for presented in (
        "",
        "fn_",
        wrong,
        key + "A",
        key.upper(),
        f" {key}",
        "fn_00000000_" + "A" * 43,
    ):
        assert not found(store, presented)


def test_a_key_ends_when_it_expires_without_being_read_anew(store: KeyStore) -> None:
    key = store.create(scopes=["read"], expires_s=time.time() + 60)
    store.refresh()
    [kept] = store.all()
    assert kept.expires_s is not None
    assert kept.status(kept.expires_s - 1) == "valid"
    assert kept.status(kept.expires_s) == "expired"
    assert store.find(key)
    assert not found(store, store.create(scopes=["read"], expires_s=time.time() - 1))


def test_another_process_revokes_for_all(store: KeyStore, database: Database) -> None:
    key = store.create(scopes=["read"])
    assert found(store, key)
    KeyStore(database).revoke(key[3:11])
    assert not found(store, key)
    assert store.any_exist, "the last key's end does not open the service"


def test_revoking_twice_keeps_the_first_time(store: KeyStore) -> None:
    key_id = store.create(scopes=["read"])[3:11]
    store.revoke(key_id)
    first = store.all()
    store.revoke(key_id)
    assert store.all() == first
    with pytest.raises(KeyInvalid):
        store.revoke("00000000")


def test_a_key_made_elsewhere_is_taken_from_a_file_once(
    bare_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = KeyStore(SqliteFile(tmp_path_factory.mktemp("elsewhere") / "state.sqlite3"))
    key = elsewhere.create(scopes=["read"])
    held = bare_environment / "secret"
    held.write_text(key + "\n")
    assert key not in keys("create", "--key-file", held, "--scope", "read")
    store = KeyStore(SqliteFile(bare_environment / ".data" / "state.sqlite3"))
    assert found(store, key)
    store.revoke(key[3:11])
    keys("create", "--key-file", held)
    assert len(store.all()) == 1
    assert not found(store, key)


def test_what_is_no_key_is_not_taken_from_a_file(bare_environment: Path) -> None:
    held = bare_environment / "secret"
    key = keys("create").strip()
    for text in ("", "hello", "fn_0_short", key[:-1] + ("A" if key[-1] != "A" else "B")):
        held.write_text(text)
        assert run(["keys", "create", "--key-file", str(held)]) == 2
    assert run(["keys", "create", "--key-file", str(bare_environment / "none")]) == 2
    assert len(KeyStore(SqliteFile(bare_environment / ".data" / "state.sqlite3")).all()) == 1
