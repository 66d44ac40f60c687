"""A store of an earlier version keeps its incomplete executions when it is upgraded."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from engine.model.retention import Retention
from engine.model.selection import Selection
from engine.store.database import APPLICATION_ID, upgrade
from engine.store.queries import migrations
from engine.store.seal import Seal
from engine.store.sqlite import open_sqlite

PAYLOAD = {
    "source": "flow: []\n",
    "source_path": "/home/ann/videos.yaml",
    "bundles": {"video": {"name": "Holiday.mov", "tags": ["beach", 7]}},
    "inputs": {},
    "variables": {},
    "attempts": 2,
    "allowed": 3,
    "interval_seconds": 0,
    "failure": {"type": "DataError", "message": "moov atom not found", "detail": {}, "where": ""},
}


def first_store(folder: Path, rows: dict[str, tuple[str, bytes]]) -> None:
    """Make a store as version 3 left it, with incomplete executions by id."""
    folder.mkdir(mode=0o700)
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as database:
        database.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("PRAGMA journal_mode = WAL")
        upgrade(database, migrations()[:3])
        for seq, (name, (status, payload)) in enumerate(rows.items(), 1):
            database.execute(
                "INSERT INTO incompletes VALUES (?,?,'videos','e1','convert',?,NULL,?,?,?)",
                (name, seq, status, seq, None, payload),
            )


async def test_incomplete_executions_of_an_earlier_store_are_listed_and_whole(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".fusion"
    payload = orjson.dumps(PAYLOAD)
    first_store(folder, {"i1": ("unresolved", payload), "i2": ("resolved", payload)})
    store = await open_sqlite(folder, create=False)
    try:
        (one,) = (await store.page_of(Selection(text="BEACH"), limit=2)).summaries
        assert (one.id, one.error_type, one.message) == ("i1", "DataError", "moov atom not found")
        assert (one.attempts, one.allowed) == (2, 3)
        (cause,) = await store.causes_of(Selection())
        assert (cause.count, cause.oldest_id) == (1, "i1")
        whole = await store.incomplete("i1")
        assert whole.bundles == PAYLOAD["bundles"]
        assert (whole.fields, whole.earlier, whole.confidential) == (None, (), False)
        await store.park(whole)
        assert await store.incomplete("i1") == whole
        assert await store.count_of(Selection()) == 1
    finally:
        await store.close()


async def test_a_confidential_one_stays_so_when_its_store_is_upgraded(tmp_path: Path) -> None:
    folder = tmp_path / ".fusion"
    folder.mkdir(mode=0o700)
    sealed = Seal(folder).closed(orjson.dumps({**PAYLOAD, "confidential": True}), "i1")
    (folder / "key").rename(tmp_path / "key")
    folder.rmdir()
    first_store(folder, {"i1": ("unresolved", sealed)})
    (tmp_path / "key").rename(folder / "key")
    store = await open_sqlite(folder, create=False)
    try:
        (one,) = (await store.page_of(Selection(), limit=2)).summaries
        assert (one.message, one.hint) == ("", "")
        whole = await store.incomplete("i1")
        assert whole.confidential
        assert whole.bundles == PAYLOAD["bundles"]
    finally:
        await store.close()


async def test_an_earlier_store_forgets_what_is_old_once_a_look_a_day_later_confirms_it(
    tmp_path: Path,
) -> None:
    folder, now = tmp_path / ".fusion", datetime(2026, 1, 31, tzinfo=UTC)
    first_store(folder, {})
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as earlier:
        for seq, name in enumerate(("old", "latest"), 1):
            earlier.execute(
                "INSERT INTO executions VALUES (?,?,'videos','scenario',1,0,0,'gone','{}')",
                (name, seq),
            )
    store = await open_sqlite(folder, create=False)
    try:
        assert (await store.tidy(Retention(), now)).executions == 0
        assert (await store.tidy(Retention(), now + timedelta(days=1))).executions == 1
    finally:
        await store.close()
    with closing(sqlite3.connect(folder / "store-v3.db")) as copy:
        assert copy.execute("SELECT COUNT(*) FROM executions").fetchone() == (2,)
