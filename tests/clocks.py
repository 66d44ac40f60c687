"""Time in tests."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Given = TypeVarTuple("Given")

START = datetime(2026, 5, 4, 12, tzinfo=UTC)


def never() -> float:
    """Chance that adds nothing to a wait."""
    return 0.0


@dataclass
class StandingClock:
    """Time moves only where something sleeps; `slept` holds the waits in seconds."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, wait: timedelta) -> None:
        self.seconds += wait.total_seconds()
        self.slept.append(wait.total_seconds())


class _Skipping(selectors.DefaultSelector):
    """Waits for nothing: what would be waited for is skipped."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self.skipped += timeout
            timeout = 0
        return super().select(timeout)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time moves once nobody has anything left to do, straight to the next moment waited for."""

    def __init__(self, skipping: "_Skipping | None" = None) -> None:
        self._skipping = skipping or _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped


PATIENCE_SECONDS = 0.03
"""How long sockets of this machine may take for what is on its way."""


class _Patient(_Skipping):
    """Skips a wait only once no socket and no thread has anything to say."""

    working = 0
    """Calls that run in threads."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        found = selectors.DefaultSelector.select(self, PATIENCE_SECONDS)
        while self.working and not found:
            found = selectors.DefaultSelector.select(self, PATIENCE_SECONDS)
        return found or super().select(timeout)


class SocketLoop(VirtualLoop):
    """A virtual loop whose two ends of a socket are both in it, and that waits for threads."""

    def __init__(self) -> None:
        self._patient = _Patient()
        super().__init__(self._patient)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Given]], T], *args: *Given
    ) -> "asyncio.Future[T]":
        future = super().run_in_executor(executor, func, *args)
        self._patient.working += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: "asyncio.Future[Any]") -> None:
        self._patient.working -= 1


@dataclass
class LoopClock(StandingClock):
    """The time of a virtual loop: several may sleep at once. Made while the loop runs."""

    seconds: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    """When it was made, by the loop."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() - self.seconds

    async def sleep(self, wait: timedelta) -> None:
        self.slept.append(wait.total_seconds())
        await asyncio.sleep(wait.total_seconds())


def virtually(work: Coroutine[Any, Any, T], loop: Callable[[], VirtualLoop] = VirtualLoop) -> T:
    """Run something to its end in virtual time."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work)
