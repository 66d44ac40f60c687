"""How fast a connection may ask its service, whatever the flow would do.

Source: CloudConvert API v2, rate limits; any service that counts requests is asked so.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Final

from engine.module import Connection
from engine.run.ports import Clock

MINUTE: Final = 60.0


class Pace:
    """The limits of one connection; requests take their turns first come, first served."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        at_once, per_minute = connection.requests_at_once, connection.requests_per_minute
        self._clock = clock
        self._waits = None if at_once is None else at_once // 2
        """Requests more that may only wait, so that others do not have to; None: any number."""
        self._places = asyncio.Semaphore(at_once) if at_once else nullcontext()
        self._begun: deque[float] | None = deque(maxlen=per_minute) if per_minute else None
        """When the latest requests began or will, by the clock; as many as a minute may have."""

    def place(self) -> AbstractAsyncContextManager[None]:
        """Return what waits until fewer requests than allowed are under way, and then is one."""
        return self._places

    @contextmanager
    def wait(self) -> Iterator[bool]:
        """Say whether a request may be under way that only waits, and count it as one."""
        if self._waits is None:
            yield True
            return
        allowed = self._waits > 0
        self._waits -= allowed
        try:
            yield allowed
        finally:
            self._waits += allowed

    async def turn(self) -> float:
        """Wait until a request may begin; return the seconds that this took."""
        if self._begun is None:
            return 0.0
        now = self._clock.monotonic()
        full = len(self._begun) == self._begun.maxlen
        turn = max(now, self._begun[0] + MINUTE) if full else now
        self._begun.append(turn)
        if turn > now:
            await self._clock.sleep(timedelta(seconds=turn - now))
        return self._clock.monotonic() - now
