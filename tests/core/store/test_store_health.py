"""How a store is, told without changing anything in it."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from engine.model.health import Finding, Health
from engine.store import health
from engine.store.health import store_findings
from engine.store.lock import FileLock
from engine.store.queries import migrations
from engine.store.sqlite import open_sqlite


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return the folder of a store that is closed."""
    found = tmp_path / ".fusion"
    await (await open_sqlite(found, create=True)).close()
    return found


def by_name(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {one.about: one for one in findings}


def healths(folder: Path) -> dict[str, Health]:
    return {one.about: one.health for one in store_findings(folder)}


def contents(folder: Path) -> dict[str, bytes]:
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name != "store.lock"]
    return {str(path): path.read_bytes() for path in kept}


def test_a_good_store_is_well_and_stays_as_it_is(folder: Path) -> None:
    before = contents(folder)

    found = by_name(store_findings(folder))

    assert set(found) == {"space", "access", "locks", "store", "integrity"}
    assert {one.health for one in found.values()} == {Health.OK}
    assert found["locks"].text == "no other process has the store open"
    assert f"(format {migrations()[-1].number})" in found["store"].text
    assert contents(folder) == before


def test_a_folder_without_a_store_yet_is_well(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert set(healths(tmp_path).values()) == {Health.OK}
    assert not (tmp_path / "store.db").exists()


def test_damage_is_found_and_told_with_advice(folder: Path) -> None:
    path = folder / "store.db"
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 3] = b"\xff" * 8192
    path.write_bytes(data)

    found = [one for one in store_findings(folder) if one.health is Health.FAIL]

    assert found
    assert "is damaged" in found[0].text
    assert "move the folder aside" in found[0].advice


def test_another_programs_file_is_no_store(folder: Path) -> None:
    path = folder / "store.db"
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE things (a)")

    assert healths(folder)["store"] is Health.FAIL


@pytest.mark.parametrize(("shift", "expected"), [(1, Health.FAIL), (-1, Health.OK)])
def test_a_store_of_another_version_is_told(folder: Path, shift: int, expected: Health) -> None:
    number = migrations()[-1].number + shift
    with closing(sqlite3.connect(folder / "store.db")) as store:
        store.execute(f"PRAGMA user_version = {number}")
    before = contents(folder)

    found = by_name(store_findings(folder))["store"]

    assert found.health is expected
    assert ("newer version" in found.text) is (shift > 0)
    assert ("upgrades it" in found.text) is (shift < 0)
    assert contents(folder) == before


CODE = """
import json, sys
from pathlib import Path
from engine.store.health import store_findings
print(json.dumps([one.text for one in store_findings(Path(sys.argv[1]))]))
"""


async def test_a_process_that_has_the_store_open_is_told(folder: Path) -> None:
    store = await open_sqlite(folder, create=False)
    try:
        words = [sys.executable, "-c", CODE, str(folder)]
        ended = await asyncio.to_thread(subprocess.check_output, words, text=True)
    finally:
        await store.close()

    assert f"the store is open in process {os.getpid()}" in json.loads(ended)


def test_a_store_that_is_written_to_for_long_is_busy_and_not_broken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_SECONDS", 0.01)
    lock = FileLock(folder / "store.lock")
    assert lock.acquire()
    try:
        found = by_name(store_findings(folder))["store"]
    finally:
        lock.release()

    assert found.health is Health.WARN
    assert "busy" in found.text


def test_a_folder_that_others_may_look_into_is_a_warning(folder: Path) -> None:
    folder.chmod(0o755)

    found = by_name(store_findings(folder))["access"]

    assert (found.health, found.advice) == (Health.WARN, f"chmod 700 {folder}")


@pytest.mark.parametrize(("mode", "expected"), [(0o600, Health.OK), (0o644, Health.FAIL)])
def test_a_key_that_others_may_read_is_refused(folder: Path, mode: int, expected: Health) -> None:
    key = folder / "key"
    key.write_text("0" * 64)
    key.chmod(mode)

    assert healths(folder)["key"] is expected


@pytest.mark.parametrize(
    ("free", "expected"),
    [(2_000_000_000, Health.OK), (500_000_000, Health.WARN), (10_000_000, Health.FAIL)],
)
def test_little_space_is_a_warning_and_none_a_failure(
    folder: Path, free: int, expected: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage)

    assert healths(folder)["space"] is expected
