"""A store that keeps what executions write until many can be written in one transaction.

Only for executions without an effect outside: one that is cut off before has then done nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.execution import Execution, Incomplete
from engine.model.journal import OperationPlace, Origin
from engine.run.ports import NOTHING_MORE, Ending, Store


@dataclass(slots=True)
class Written:
    """An execution that has ended, and what it has stored."""

    execution: Execution
    ending: Ending = NOTHING_MORE
    parked: list[Incomplete] = field(default_factory=list)


class Deferred:
    """`engine.run.ports.Store` over another one, for executions one after another.

    What has not ended is never written, `settle` writes the others by `write`. What can be resumed
    is written at once.
    """

    def __init__(self, store: Store, write: Callable[[Sequence[Written]], Awaitable[None]]) -> None:
        self._store = store
        self._write = write
        self._current: Written | None = None
        self.waiting: list[Written] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        if origin is None:
            self._current = Written(execution)
        else:
            await self._store.begin(execution, origin)

    async def park(self, incomplete: Incomplete, failed: OperationPlace | None = None) -> None:
        if self._current is None or failed is not None:
            await self._store.park(incomplete, failed)
        else:
            self._current.parked.append(incomplete)

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        if self._current is None:
            await self._store.finish(execution, ending)
        else:
            self._current.execution, self._current.ending = execution, ending
            self.waiting.append(self._current)
            self._current = None

    async def settle(self) -> None:
        """Write what has ended; if that fails, it is tried again with the next."""
        if self.waiting:
            await self._write(self.waiting)
            self.waiting = []
