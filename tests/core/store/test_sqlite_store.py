"""What only the SQLite store has: a file that may be damaged, closed, full, old or busy."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import NoStoreError, StoreBusyError, StoreError
from engine.model.execution import Execution, Kind, Status
from engine.model.history import History, KeptOperation, Seen
from engine.model.retention import Retention
from engine.run.ports import Ending
from engine.store import database
from engine.store.lock import FileLock
from engine.store.queries import Migration, migrations
from engine.store.sqlite import SqliteStore, open_sqlite

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@asynccontextmanager
async def opened(
    folder: Path, *, create: bool = True, busy_seconds: float = 5
) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite(folder, create=create, busy_seconds=busy_seconds)
    try:
        yield store
    finally:
        await store.close()


def execution(execution_id: str = "e1") -> Execution:
    return Execution(execution_id, "videos", Kind.SCENARIO, Status.RUNNING, AT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".fusion"


async def filled(folder: Path) -> None:
    async with opened(folder) as store:
        await store.begin(execution())


def modes(folder: Path) -> dict[str, int]:
    """Return the access rights of a folder and all below it."""
    paths = [folder, *folder.rglob("*")]
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}


def put(path: Path, content: bytes) -> None:
    """Write a file, in a folder that is made for it."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_a_store_is_made_for_its_owner_only(folder: Path) -> None:
    async with opened(folder) as store:
        await store.begin(execution())
        async with store.run_lock("videos", wait=False, on_wait=print):
            found = modes(folder)
    folders = {".fusion", "processes", "locks"}
    assert {"store.db", "store.db-wal", "store.lock", *folders} <= set(found)
    assert {name for name, mode in found.items() if mode == 0o700} == folders
    assert set(found.values()) == {0o700, 0o600}


async def test_what_was_written_is_there_when_it_is_opened_again(folder: Path) -> None:
    await filled(folder)
    async with opened(folder, create=False) as store:
        assert (await store.execution("e1")).id == "e1"


async def test_closing_leaves_one_file_and_no_process(folder: Path) -> None:
    await filled(folder)
    assert set(everything(folder)) == {"store.db", "store.lock"}
    assert list((folder / "processes").iterdir()) == []


async def test_nothing_is_made_where_there_is_no_store(folder: Path) -> None:
    with pytest.raises(NoStoreError):
        async with opened(folder, create=False):
            pass
    assert os.listdir(folder.parent) == []


async def test_the_promises_to_the_disk_are_on(folder: Path) -> None:
    async with opened(folder) as store:
        connection = store._database._connection
        assert connection is not None

        def pragma(name: str) -> object:
            return connection.execute(f"PRAGMA {name}").fetchone()

        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        for name, value in wanted.items():
            assert await store._in_worker(pragma, name) == {name: value}


async def test_many_writers_lose_nothing(folder: Path) -> None:
    async with opened(folder) as one, opened(folder) as other:
        await asyncio.gather(
            *(
                store.begin(execution(f"{name}{number}"))
                for number in range(20)
                for name, store in (("a", one), ("b", other))
            )
        )
        assert len(await one.executions(limit=100)) == 40


# Damage


async def refused(folder: Path) -> StoreError:
    """Open a store that cannot be used, and check that this changes nothing in it."""
    before = everything(folder)
    with pytest.raises(StoreError) as failure:
        async with opened(folder):
            pass
    left = everything(folder)
    left.setdefault("store.lock", b"")
    assert left == {"store.lock": left["store.lock"]} | before
    assert failure.value.notes
    return failure.value


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"not a database, but long enough to look like a file of some kind" * 20,
        lambda content: content[:50],
        lambda content: b"\0" * len(content),
    ],
)
async def test_a_damaged_store_is_refused_and_left_as_it_is(
    folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    await filled(folder)
    path = folder / "store.db"
    path.write_bytes(damage(path.read_bytes()))
    assert "damaged" in (await refused(folder)).message


async def test_damage_that_shows_later_is_told_too(folder: Path) -> None:
    await filled(folder)
    path = folder / "store.db"
    with closing(sqlite3.connect(path)) as database:
        roots = database.execute(
            "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'executions'"
        ).fetchall()
    content = bytearray(path.read_bytes())
    page = 4096
    for (root,) in roots:
        content[page * (root - 1) : page * root] = b"\xff" * page
    path.write_bytes(content)
    async with opened(folder) as store:
        with pytest.raises(StoreError, match="damaged"):
            await store.executions()
        with pytest.raises(StoreError, match="damaged"):
            await store.begin(execution("e2"))


async def test_another_programs_database_is_refused(folder: Path) -> None:
    put(folder / "store.db", b"")
    with closing(sqlite3.connect(folder / "store.db")) as foreign:
        foreign.execute("CREATE TABLE precious (a)")
    assert "not a store of fusion" in (await refused(folder)).message


async def test_a_log_without_its_store_is_not_thrown_away(folder: Path) -> None:
    put(folder / "store.db-wal", b"the only copy")
    assert "log" in (await refused(folder)).message


async def test_a_folder_in_the_place_of_the_store_is_refused(folder: Path) -> None:
    (folder / "store.db").mkdir(parents=True)
    assert "store.db cannot be written" in (await refused(folder)).message


async def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    put(folder, b"precious")
    with pytest.raises(StoreError, match="cannot be used"):
        async with opened(folder):
            pass
    assert everything(folder.parent) == {folder.name: b"precious"}


async def test_a_store_that_was_half_made_is_made_again(folder: Path) -> None:
    put(folder / "store.db.new", b"half")
    put(folder / "store.db.new-wal", b"half")
    await filled(folder)
    assert set(everything(folder)) == {"store.db", "store.lock"}


# Space and rights


async def test_a_full_disk_is_told_and_work_goes_on_when_space_returns(folder: Path) -> None:
    async with opened(folder) as store:
        connection = store._database._connection
        assert connection is not None

        def allow(pages: int) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        await store.begin(execution("e1"))
        await store._in_worker(allow, 1)
        with pytest.raises(StoreError, match="no space left"):
            await store.begin(execution("x" * 100_000))
        assert [one.id for one in await store.executions()] == ["e1"]
        await store._in_worker(allow, 100_000)
        await store.begin(execution("e2"))
        assert [one.id for one in await store.executions()] == ["e2", "e1"]


async def test_a_store_that_may_only_be_read_says_so(folder: Path) -> None:
    async with opened(folder) as store:
        connection = store._database._connection
        assert connection is not None
        await store._in_worker(connection.execute, "PRAGMA query_only = ON")
        with pytest.raises(StoreError, match="cannot be written") as failure:
            await store.begin(execution())
        assert failure.value.notes


async def test_a_store_that_is_removed_while_open_takes_no_more(folder: Path) -> None:
    async with opened(folder) as store:
        aside = folder.with_name("aside")
        os.rename(folder, aside)
        with pytest.raises(StoreError, match="cannot be used"):
            await store.begin(execution())
        os.rename(aside, folder)


# Others


async def test_a_lock_held_too_long_is_a_busy_store(folder: Path) -> None:
    async with opened(folder, busy_seconds=0.05) as store:
        with FileLock(folder / "store.lock").held(1):
            with pytest.raises(StoreBusyError, match=str(os.getpid())):
                await store.begin(execution())
            assert await store.executions() == []
        await store.begin(execution())


async def test_another_programs_transaction_is_a_busy_store(folder: Path) -> None:
    async with opened(folder, busy_seconds=0.05) as store:
        with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusyError):
                await store.begin(execution())
        await store.begin(execution())


# Versions


def later(*more: str) -> tuple[Migration, ...]:
    return (
        *migrations(),
        *(Migration(len(migrations()) + at, "later", sql) for at, sql in enumerate(more, 1)),
    )


async def test_an_older_store_is_copied_and_then_upgraded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(folder)
    steps = later("CREATE TABLE added (id TEXT);", "INSERT INTO added VALUES ('x');")
    monkeypatch.setattr(database, "migrations", lambda: steps)
    async with opened(folder) as store:
        assert (await store.execution("e1")).id == "e1"
    with closing(sqlite3.connect(folder / "store.db")) as upgraded:
        assert upgraded.execute("SELECT id FROM added").fetchall() == [("x",)]
        assert upgraded.execute("PRAGMA user_version").fetchone() == (steps[-1].number,)
    copy = folder / f"store-v{migrations()[-1].number}.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT id FROM executions").fetchall() == [("e1",)]
        assert old.execute("PRAGMA user_version").fetchone() == (migrations()[-1].number,)


async def test_an_upgrade_that_fails_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(folder)
    with monkeypatch.context() as patch:
        steps = later("CREATE TABLE added (id TEXT); INSERT INTO nowhere VALUES (1);")
        patch.setattr(database, "migrations", lambda: steps)
        with pytest.raises(StoreError, match="nowhere"):
            async with opened(folder):
                pass
    async with opened(folder) as store:
        assert (await store.execution("e1")).id == "e1"
    with closing(sqlite3.connect(folder / "store.db")) as same:
        names = same.execute("SELECT name FROM sqlite_master WHERE name = 'added'").fetchall()
        assert names == []


async def test_a_store_that_others_have_open_is_not_upgraded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(folder):
        monkeypatch.setattr(database, "migrations", lambda: later("CREATE TABLE added (id TEXT);"))
        with pytest.raises(StoreBusyError, match="upgraded"):
            async with opened(folder):
                pass


async def test_a_newer_store_is_refused_and_left_as_it_is(folder: Path) -> None:
    await filled(folder)
    with closing(sqlite3.connect(folder / "store.db")) as newer:
        newer.execute("PRAGMA user_version = 99")
    assert "newer" in (await refused(folder)).message


def test_migrations_are_numbered_without_gaps() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


async def test_what_is_forgotten_gives_its_disk_space_back(folder: Path) -> None:
    text = "x" * 200_000
    async with opened(folder) as store:
        for number in range(40):
            one = execution(f"e{number}")
            await store.begin(one)
            seen = KeptOperation(1, Seen({"order": {"text": f"{number}{text}"}}))
            kept = History("flow: []", "s.yaml", {"each": [seen]})
            await store.finish(
                replace(one, status=Status.SUCCESS, ended_at=AT), Ending(history=kept)
            )
    before = (folder / "store.db").stat().st_size
    async with opened(folder) as store:
        forgotten = await store.tidy(Retention(size=2_000_000), AT)
    after = (folder / "store.db").stat().st_size
    assert after < 3_000_000 < 7_000_000 < before
    assert before - forgotten.bytes == pytest.approx(after, abs=100_000)


async def test_nothing_is_written_anew_while_another_process_uses_the_store(folder: Path) -> None:
    async with opened(folder) as store, opened(folder) as _other:
        await store.begin(execution())
        forgotten = await store.tidy(Retention(size=1), AT)
    assert forgotten.bytes == 0
