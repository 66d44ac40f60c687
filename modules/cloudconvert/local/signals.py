"""Something changed: whoever waits for that is woken."""

import asyncio


class Signal:
    """Wakes everybody who waits for it, inside one event loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def give(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        await self._event.wait()
