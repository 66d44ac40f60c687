"""A store that cannot be used: every command says so, which file, and what to do; nothing changes.

Of a full and of a read-only disk, `crash/test_unusable_disk.py` tells.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from front_door import PEOPLE, advice, fusion, only_incomplete, write

from engine.cli.exits import Exit
from engine.store.lock import FileLock
from engine.store.sqlite import open_sqlite

DATABASE = Path(".fusion/store.db")
COMMANDS = (
    "run people.yaml",
    "incomplete list",
    "incomplete show ID",
    "replay ID",
    "replay --all",
    "replay --due",
    "runs",
    "scenarios",
    "activate people",
    "serve people.yaml",
)


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with an incomplete execution; return its id."""
    monkeypatch.chdir(tmp_path)
    fusion("run", write("people.yaml", PEOPLE))
    return only_incomplete()


def contents() -> dict[Path, bytes]:
    """Return all files of the store, without the lock, in which each command leaves its process."""
    found = Path(".fusion").rglob("*")
    return {path: path.read_bytes() for path in found if path.is_file() and path.suffix != ".lock"}


def results(stored: str) -> Iterator[tuple[str, Result]]:
    for command in COMMANDS:
        yield command, fusion(*(stored if word == "ID" else word for word in command.split()))


def garbage() -> None:
    DATABASE.write_bytes(b"no database, and as long as one" * 1000)


def cut_short() -> None:
    DATABASE.write_bytes(DATABASE.read_bytes()[:20_000])


def emptied() -> None:
    DATABASE.write_bytes(b"")


def foreign() -> None:
    DATABASE.unlink()
    with closing(sqlite3.connect(DATABASE)) as other:
        other.execute("CREATE TABLE precious (a)")


def newer() -> None:
    with closing(sqlite3.connect(DATABASE)) as store:
        store.execute("PRAGMA user_version = 999")


def gone_but_for_its_log() -> None:
    DATABASE.rename(DATABASE.with_name("store.db-wal"))


@pytest.mark.parametrize(
    ("damage", "says", "tells"),
    [
        (garbage, "is damaged: file is not a database", "move the folder aside"),
        (cut_short, "is damaged: ", "move the folder aside"),
        (emptied, "is damaged: it is not a store of fusion", "move the folder aside"),
        (foreign, "is damaged: it is not a store of fusion", "move the folder aside"),
        (newer, "was written by a newer version of fusion (format 999", "upgrade fusion"),
        (gone_but_for_its_log, "is damaged: the file is gone, its log", "move the folder aside"),
    ],
)
def test_a_store_that_is_damaged_or_too_new_is_named_and_left_as_it_is(
    stored: str, damage: Callable[[], None], says: str, tells: str
) -> None:
    damage()
    before = contents()

    for command, result in results(stored):
        told = result.output + result.stderr
        assert result.exit_code == Exit.STORE, f"{command}: {told}"
        assert f"the store {DATABASE.absolute()} {says}" in told, command
        assert tells in told, command
        assert "Traceback" not in told, command
        assert contents() == before, command

    doctor = fusion(*advice(told))
    assert doctor.exit_code == Exit.FAILED
    [line] = [one for one in doctor.stdout.splitlines() if one.startswith("fail  store ")]
    assert str(DATABASE.absolute()) in line
    assert tells in doctor.stdout
    assert contents() == before


def test_damage_inside_of_a_store_is_told_by_what_meets_it(stored: str) -> None:
    with closing(sqlite3.connect(DATABASE)) as store:
        query = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'incomplete_payloads'"
        roots = [root for (root,) in store.execute(query)]
        page = store.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(DATABASE.read_bytes())
    for root in roots:
        data[page * (root - 1) : page * root] = b"\xff" * page
    DATABASE.write_bytes(data)

    for words in (("incomplete", "show", stored), ("replay", stored), ("run", "people.yaml")):
        result = fusion(*words)
        assert result.exit_code == Exit.STORE, result.output
        assert f"the store {DATABASE.absolute()} is damaged: " in result.stderr
        assert "Traceback" not in result.stderr
    doctor = fusion("doctor")
    assert doctor.exit_code == Exit.FAILED
    assert "is damaged: " in doctor.stdout
    assert fusion("runs").exit_code == Exit.OK  # what is whole can still be read


def test_a_copy_in_its_place_makes_a_damaged_store_whole_again(stored: str) -> None:
    shutil.copytree(".fusion", "copy")
    garbage()
    assert fusion("incomplete", "list").exit_code == Exit.STORE

    Path(".fusion").rename("aside")
    shutil.copytree("copy", ".fusion")

    assert only_incomplete() == stored


@pytest.fixture
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are waited for only a moment."""
    monkeypatch.setattr("engine.app.open_sqlite", partial(open_sqlite, busy_seconds=0.02))
    monkeypatch.setattr("engine.store.health.PATIENCE_SECONDS", 0.02)


@pytest.mark.usefixtures("_hasty")
def test_a_store_that_another_process_holds_is_busy_and_told_by_whom(stored: str) -> None:
    before = contents()

    with FileLock(Path(".fusion/store.lock")).held(1):
        for command, result in results(stored):
            assert result.exit_code == Exit.STORE, f"{command}: {result.output}"
            assert "error[E602] store busy" in result.stderr, command
            assert "the store is busy: process " in result.stderr, command
            assert str(Path(".fusion/store.lock").absolute()) in result.stderr, command
            assert "try again when it is done" in result.stderr, command

    assert contents() == before
    assert fusion("replay", stored).exit_code == Exit.INCOMPLETE


@pytest.mark.usefixtures("_hasty")
def test_a_store_that_another_program_holds_is_busy(stored: str) -> None:
    with closing(sqlite3.connect(DATABASE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        for command, result in results(stored):
            assert result.exit_code == Exit.STORE, f"{command}: {result.output}"
            assert f"the store {DATABASE.absolute()} is busy: " in result.stderr, command
            assert "another program has the file open" in result.stderr, command
        doctor = fusion("doctor")
        assert "warn  store" in doctor.stdout, doctor.stdout
        other.execute("ROLLBACK")

    assert fusion("replay", stored).exit_code == Exit.INCOMPLETE


def test_a_program_reads_the_same_from_json(stored: str) -> None:
    emptied()

    result = fusion("incomplete", "list", "--json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"]) == (Exit.STORE, Exit.STORE)
    [problem] = document["problems"]
    assert problem["code"] == "E601"
    assert str(DATABASE.absolute()) in problem["message"]
