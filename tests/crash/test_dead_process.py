"""A process that holds a store and is killed: what it held is free, what it stored is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import StoreBusyError
from engine.model.execution import Execution, Failure, Incomplete, IncompleteStatus, Kind, Status
from engine.store.sqlite import SqliteStore, open_sqlite

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

HOLDER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from engine.model.execution import Execution, Kind, Status
from engine.store.sqlite import open_sqlite

async def main() -> None:
    store = await open_sqlite(Path(sys.argv[1]), create=False)
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    async with store.run_lock("videos", wait=False, on_wait=print):
        await store.begin(Execution("theirs", "videos", Kind.SCENARIO, Status.RUNNING, at))
        await store.claim("i1")
        print("holding", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that runs `videos` and has claimed `i1`."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline() == "holding\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


@pytest.fixture
async def store(tmp_path: Path) -> SqliteStore:
    store = await open_sqlite(tmp_path / ".fusion", create=True)
    await store.park(
        Incomplete(
            id="i1",
            scenario_id="videos",
            execution_id="e1",
            node_id="convert",
            status=IncompleteStatus.PENDING,
            created_at=AT,
            failure=Failure("DataError", "no moov"),
            source="",
            source_path="",
            bundles={},
        )
    )
    return store


async def test_what_a_killed_process_held_is_free(store: SqliteStore) -> None:
    with holder(store.folder) as child:
        assert (await store.incomplete("i1")).status is IncompleteStatus.IN_PROGRESS
        assert not (await store.execution("theirs")).interrupted
        assert await store.sweep_files() == 0
        with pytest.raises(StoreBusyError):
            await store.claim("i1")
        with pytest.raises(StoreBusyError, match=f"process {child.pid}"):
            async with store.run_lock("videos", wait=False, on_wait=print):
                pass
        child.kill()
        child.wait()
        assert (await store.incomplete("i1")).status is IncompleteStatus.PENDING
        died = Execution("theirs", "videos", Kind.SCENARIO, Status.RUNNING, AT, interrupted=True)
        assert await store.execution("theirs") == died
        async with store.run_lock("videos", wait=False, on_wait=print):
            assert (await store.claim("i1")).status is IncompleteStatus.PENDING
    await store.close()


async def test_what_a_killed_process_left_is_cleaned_away(store: SqliteStore) -> None:
    with holder(store.folder):
        assert len(os.listdir(store.folder / "processes")) == 2
    await (await open_sqlite(store.folder, create=False)).close()
    assert len(os.listdir(store.folder / "processes")) == 1
    await store.close()
    assert os.listdir(store.folder / "processes") == []
