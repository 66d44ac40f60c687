"""Replays that are written together: all at once, or none of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import StoreBusyError
from engine.model.execution import Execution, Failure, Incomplete, IncompleteStatus, Kind, Status
from engine.run.ports import Ending
from engine.store.deferred import Deferred
from engine.store.sqlite import SqliteStore, open_sqlite

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def record(name: str) -> Incomplete:
    return Incomplete(
        id=name,
        scenario_id="videos",
        execution_id="e1",
        node_id="convert",
        status=IncompleteStatus.UNRESOLVED,
        created_at=AT,
        failure=Failure("DataError", "no moov"),
        source="",
        source_path="",
        bundles={},
    )


async def replayed(store: SqliteStore, names: list[str]) -> Deferred:
    """Claim records and end a replay of each, which resolves it; nothing is written yet."""
    deferred = Deferred(store, store.write)
    for claimed in await store.claim_ahead(names):
        execution = Execution(f"r{claimed.id}", "videos", Kind.REPLAY, Status.RUNNING, AT)
        await deferred.begin(execution)
        done = replace(claimed, status=IncompleteStatus.RESOLVED)
        ended = replace(execution, status=Status.SUCCESS, ended_at=AT)
        await deferred.finish(ended, Ending(incomplete=done))
    return deferred


async def test_what_was_not_written_leaves_records_as_they_were(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / ".fusion", create=True)
    for name in ("a" * 32, "b" * 32):
        await store.park(record(name))
    await replayed(store, ["a" * 32, "b" * 32])
    assert (await store.incomplete("a" * 32)).status is IncompleteStatus.IN_PROGRESS
    await store.close()
    store = await open_sqlite(tmp_path / ".fusion", create=False)
    assert [one.status for one in await store.incompletes()] == [IncompleteStatus.UNRESOLVED] * 2
    assert await store.executions() == []
    await store.close()


async def test_what_has_ended_is_written_together(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / ".fusion", create=True)
    for name in ("a" * 32, "b" * 32):
        await store.park(record(name))
    deferred = await replayed(store, ["a" * 32, "gone", "b" * 32])
    await deferred.settle()
    assert deferred.waiting == []
    assert await store.incompletes() == []
    assert {one.id for one in await store.executions()} == {"r" + "a" * 32, "r" + "b" * 32}
    await store.close()


async def test_one_that_cannot_be_written_keeps_all_from_being_written(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / ".fusion", create=True)
    other = await open_sqlite(tmp_path / ".fusion", create=False)
    await store.park(record("a" * 32))
    await store.park(record("b" * 32))
    deferred = await replayed(store, ["a" * 32, "b" * 32])
    await store.let_go(["b" * 32])
    await other.claim("b" * 32)
    with pytest.raises(StoreBusyError):
        await deferred.settle()
    assert len(deferred.waiting) == 2
    assert await store.executions() == []
    await other.close()
    await deferred.settle()
    assert await store.incompletes() == []
    await store.close()


async def test_claims_are_given_up_by_their_own_process_only(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / ".fusion", create=True)
    other = await open_sqlite(tmp_path / ".fusion", create=False)
    await store.park(record("a" * 32))
    assert [one.id for one in await store.claim_ahead(["a" * 32])] == ["a" * 32]
    assert await other.claim_ahead(["a" * 32]) == []
    await other.let_go(["a" * 32])
    assert (await other.incomplete("a" * 32)).status is IncompleteStatus.IN_PROGRESS
    await store.let_go(["a" * 32])
    assert (await other.incomplete("a" * 32)).status is IncompleteStatus.UNRESOLVED
    await other.close()
    await store.close()
