"""A process that is stopped: others wait for it at first, then go on, and it may write no more."""

import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from engine.errors import StoreBusyError
from engine.store import lock
from engine.store.sqlite import open_sqlite

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops processes")

RUNNER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from engine.errors import LeaseLostError
from engine.model.execution import Execution, Kind, Status
from engine.store import lock
from engine.store.sqlite import open_sqlite

lock.BEAT_SECONDS = 0.02

async def main() -> None:
    store = await open_sqlite(Path(sys.argv[1]), create=False, seconds=lambda: monotonic() * 60)
    async with store.run_lock("videos", wait=False, on_wait=print):
        print("running", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        at = datetime(2026, 1, 31, 12, tzinfo=UTC)
        try:
            await store.begin(Execution("e1", "videos", Kind.SCENARIO, Status.RUNNING, at))
        except LeaseLostError:
            print("refused", flush=True)
    await store.close()

asyncio.run(main())
"""


def fast() -> float:
    """The machine's clock, on which a minute passes in a second."""
    return monotonic() * lock.FROZEN_SECONDS


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_a_frozen_runner_that_wakes_up_may_not_write(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / ".fusion", create=True, seconds=fast)
    runner = started(store.folder)
    assert runner.stdout is not None
    try:
        assert runner.stdout.readline() == "running\n"
        with pytest.raises(StoreBusyError, match=f"process {runner.pid}"):
            async with store.run_lock("videos", wait=False, on_wait=print):
                pass
        runner.send_signal(signal.SIGSTOP)
        async with store.run_lock("videos", wait=True, on_wait=lambda _text: None):
            runner.send_signal(signal.SIGCONT)
            out, _ = runner.communicate("go on\n", timeout=60)
        assert out == "refused\n"
        assert await store.executions() == []
    finally:
        runner.kill()
        runner.wait()
        await store.close()
