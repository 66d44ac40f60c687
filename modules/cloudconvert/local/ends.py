"""Who waits for the end of which job or task: each is told of its own, however many wait."""

import asyncio
from collections import defaultdict

from modules.cloudconvert.local.refusal import Refusal


class Ends:
    """Waiting by id, inside one event loop."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._closed = False

    async def wait(self, one: str) -> None:
        """Return once this one has ended or is gone. Raises Refusal 503 if the server ends first.

        Whoever looked whether it has, and waits without awaiting anything between, misses nothing.
        """
        if not self._closed:
            told = asyncio.get_running_loop().create_future()
            self._waiting[one].add(told)
            try:
                await told
            finally:
                self._forget(one, told)
        if self._closed:
            raise Refusal(503, "SERVICE_UNAVAILABLE", "The server is stopping; ask again.")

    def tell(self, one: str) -> None:
        """This one has ended, or is gone."""
        for told in self._waiting.get(one, ()):
            if not told.done():
                told.set_result(None)

    def close(self) -> None:
        """Nothing will end any more."""
        self._closed = True
        for one in list(self._waiting):
            self.tell(one)

    def _forget(self, one: str, told: "asyncio.Future[None]") -> None:
        self._waiting[one].discard(told)
        if not self._waiting[one]:
            del self._waiting[one]
