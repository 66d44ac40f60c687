"""Leases of scenarios: a live run keeps its own, one that stood still may write no more."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import LeaseLostError, StoreBusyError
from engine.model.execution import Execution, Kind, Status
from engine.model.journal import Entry, OperationPlace, Origin, Stage
from engine.store.lock import FROZEN_SECONDS
from engine.store.sqlite import SqliteStore, open_sqlite

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Seconds:
    """A clock that the processes of a machine share, and that stands."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(folder: Path, seconds: Seconds) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite(folder / ".fusion", create=True, seconds=seconds)
    try:
        yield store
    finally:
        await store.close()


def execution(execution_id: str = "e1") -> Execution:
    return Execution(execution_id, "videos", Kind.SCENARIO, Status.RUNNING, AT)


def entry(stage: Stage = Stage.GAVE) -> Entry:
    return Entry(OperationPlace("e1", "save", "1.1"), stage, outputs=({"n": 1},))


async def test_a_run_that_stood_still_is_taken_over_and_may_write_no_more(tmp_path: Path) -> None:
    seconds = Seconds()
    async with opened(tmp_path, seconds) as frozen, opened(tmp_path, seconds) as other:
        async with frozen.run_lock("videos", wait=False, on_wait=print):
            await frozen.begin(execution(), Origin("flow: []", "videos.yaml"))
            seconds.now += FROZEN_SECONDS + 1
            async with other.run_lock("videos", wait=False, on_wait=print):
                [dead] = await other.journal.unfinished("videos")
                await other.begin(dead.execution, dead.origin)
                for write in (
                    frozen.journal.keep(entry()),
                    frozen.begin(execution("e2")),
                    frozen.commit_cursor("videos", [], [entry()]),
                    frozen.finish(execution()),
                ):
                    with pytest.raises(LeaseLostError, match="taken over"):
                        await write
                assert await other.journal.entry(entry().place) is None
                await other.finish(execution())
        await frozen.begin(execution("e3"))  # it holds nothing any more, so nothing is in doubt


async def test_what_was_noted_by_a_run_that_is_taken_over_is_never_written(tmp_path: Path) -> None:
    seconds = Seconds()
    async with opened(tmp_path, seconds) as frozen, opened(tmp_path, seconds) as other:
        async with frozen.run_lock("videos", wait=False, on_wait=print):
            await frozen.begin(execution(), Origin("flow: []", "videos.yaml"))
            seconds.now += FROZEN_SECONDS + 1
            async with other.run_lock("videos", wait=False, on_wait=print):
                frozen.journal.note(entry())
                with pytest.raises(LeaseLostError):
                    await frozen.journal.flush()
        await frozen.journal.flush()
        assert await other.journal.entry(entry().place) is None


async def test_a_run_that_gives_signs_of_life_keeps_its_lease(tmp_path: Path) -> None:
    seconds = Seconds()
    async with (
        opened(tmp_path, seconds) as first,
        opened(tmp_path, seconds) as second,
        first.run_lock("videos", wait=False, on_wait=print),
    ):
        for _ in range(3):
            seconds.now += FROZEN_SECONDS - 1
            first._database.processes.beat()
        with pytest.raises(StoreBusyError):
            async with second.run_lock("videos", wait=False, on_wait=print):
                pass
        await first.begin(execution())


async def test_an_own_lease_cannot_be_taken_twice_in_one_process(tmp_path: Path) -> None:
    async with opened(tmp_path, Seconds()) as store:
        async with store.run_lock("videos", wait=False, on_wait=print):
            for _ in range(2):  # to be refused gives nothing back
                with pytest.raises(StoreBusyError):
                    await store.run_lock("videos", wait=False, on_wait=print).__aenter__()
        async with store.run_lock("videos", wait=False, on_wait=print):
            await store.begin(execution())
            assert [one.id for one in await store.executions()] == [execution().id]


async def test_a_half_written_lease_is_nobodys(tmp_path: Path) -> None:
    async with opened(tmp_path, Seconds()) as store:
        async with store.run_lock("videos", wait=False, on_wait=print):
            [path] = (tmp_path / ".fusion" / "locks").iterdir()
        path.write_text("1234-abc")
        async with store.run_lock("videos", wait=False, on_wait=print):
            await store.begin(execution())
