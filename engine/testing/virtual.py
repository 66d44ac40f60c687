"""Time that passes only where everything waits: hours of back-off take no time in a test."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

Result = TypeVar("Result")
Given = TypeVarTuple("Given")

PATIENCE_SECONDS: Final = 0.01
"""How long threads are waited for between two looks."""


class _Skipping(selectors.DefaultSelector):
    """Skips what would be waited for, once no thread has anything left to say."""

    skipped = 0.0
    working = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if timeout is not None and timeout <= 0:
            return found
        while not found and self.working:
            found = super().select(PATIENCE_SECONDS)
        if found or timeout is None:
            return found or super().select(None)
        self.skipped += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time is what has been skipped."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Given]], Result], *args: *Given
    ) -> "asyncio.Future[Result]":
        future = super().run_in_executor(executor, func, *args)
        self._skipping.working += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: "asyncio.Future[Any]") -> None:
        self._skipping.working -= 1


class VirtualClock:
    """`engine.run.ports.Clock` of a virtual loop. Made while the loop runs."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._began = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    async def sleep(self, wait: timedelta) -> None:
        await asyncio.sleep(wait.total_seconds())


def virtually(work: Coroutine[Any, Any, Result]) -> Result:
    """Run something to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
