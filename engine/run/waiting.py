"""What waits in a store for its turn: events of hooks, and retries of incomplete executions.

Parts of `engine.run.ports.Store`; each call is one transaction, and has committed to disk when it
returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from engine.model.events import Event, Hook

ACKNOWLEDGED: Final = "$event"
"""Key of the trigger's mark by which a run acknowledges the event that its value names.

The store takes it with the run's other marks, in their transaction: the event is gone then, and
only its id is remembered.
"""

CLOCK_GRAIN: Final = timedelta(minutes=1)
"""How exactly a store remembers the latest moment; each memory is a write."""


class Events(Protocol):
    """Events by scenario, in order of arrival, and the hooks that they come to."""

    async def add(self, event: Event) -> bool:
        """Store an event; false if its scenario has had one of this id already."""

    async def first(self, scenario_id: str) -> Event | None:
        """Return the event that came first of those that wait, due or not."""

    async def waiting(self, scenario_id: str) -> int:
        """Count the events that wait."""

    async def payloads(self) -> list[Mapping[str, Any]]:
        """Return what all events tell that wait, of whatever scenario."""

    async def postpone(self, event: Event, due_at: datetime) -> None:
        """Count one more attempt at an event that waits, the next not before a moment."""

    async def set_hook(self, hook: Hook) -> None:
        """Remember the hook of a scenario, in place of the one before."""

    async def remove_hook(self, scenario_id: str) -> None:
        """Forget the hook of a scenario, if there is one."""

    async def hooks(self) -> list[Hook]:
        """Return all hooks, by scenario."""


@dataclass(frozen=True, slots=True)
class Due:
    """An incomplete execution whose retry is due."""

    id: str
    scenario_id: str


class Retries(Protocol):
    """Pending incomplete executions by the moment at which they are due.

    A store remembers the latest moment that it was told. If the clock goes back, all that is due
    later goes back with it, so every wait stays as long as it was.
    """

    async def saw(self, now: datetime) -> None:
        """Be told the moment, before something is stored that is due after it."""

    async def due(
        self, now: datetime, *, scenario_id: str | None = None, limit: int = 100
    ) -> list[Due]:
        """Return those that are due and not in progress, oldest first."""

    async def next_at(self, scenario_id: str | None = None) -> datetime | None:
        """Return when the next one is due; None if nothing is pending."""

    async def postpone(self, incomplete_id: str, due_at: datetime) -> None:
        """Let a pending one be due at another moment; it counts as no attempt."""
