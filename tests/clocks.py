"""Time in tests."""

import asyncio
import selectors
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

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

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped


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


def virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run something to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
