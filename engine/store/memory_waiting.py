"""Events, hooks and retries of the store in memory. Rows as the other stores keep them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.model.events import Event, Hook
from engine.model.execution import IncompleteStatus
from engine.run.waiting import CLOCK_GRAIN, Due
from engine.store.encode import decode, encode
from engine.store.events import event_of, event_row
from engine.store.records import Row, from_moment, to_moment


@dataclass(slots=True)
class Waiting:
    """What several stores share; events by scenario and id, in order of arrival."""

    events: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    latest: int | None = None

    def acknowledge(self, scenario_id: str, event_id: str) -> None:
        """Remember nothing of an event but its id."""
        if row := self.events.get((scenario_id, event_id)):
            row |= {"payload": None, "due_at": None}

    def forget(self, before: int) -> None:
        """Forget the ids of acknowledged events that came earlier."""
        rows = self.events.items()
        old = [key for key, row in rows if row["payload"] is None and row["received_at"] < before]
        for key in old:
            del self.events[key]


class MemoryEvents:
    """Part of `engine.store.memory.MemoryStore`."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting

    async def add(self, event: Event) -> bool:
        key = (event.scenario_id, event.id)
        if key in self._waiting.events:
            return False
        self._waiting.events[key] = event_row(event) | {"confidential": event.confidential}
        return True

    async def first(self, scenario_id: str) -> Event | None:
        rows = self._of(scenario_id)
        return event_of(rows[0], confidential=rows[0]["confidential"]) if rows else None

    async def waiting(self, scenario_id: str) -> int:
        return len(self._of(scenario_id))

    async def payloads(self) -> list[Mapping[str, Any]]:
        rows = self._waiting.events.values()
        return [decode(row["payload"], Path) for row in rows if row["payload"] is not None]

    async def postpone(self, event: Event, due_at: datetime) -> None:
        row = self._waiting.events[event.scenario_id, event.id]
        if row["payload"] is not None:
            row |= {"attempts": event.attempts + 1, "due_at": to_moment(due_at)}

    async def set_hook(self, hook: Hook) -> None:
        encode(hook.data)
        self._waiting.hooks[hook.scenario_id] = hook

    async def remove_hook(self, scenario_id: str) -> None:
        self._waiting.hooks.pop(scenario_id, None)

    async def hooks(self) -> list[Hook]:
        return [self._waiting.hooks[name] for name in sorted(self._waiting.hooks)]

    def _of(self, scenario_id: str) -> list[Row]:
        rows = self._waiting.events.values()
        return [
            row for row in rows if row["scenario_id"] == scenario_id and row["payload"] is not None
        ]


class MemoryRetries:
    """Part of `engine.store.memory.MemoryStore`; `claimed` tells who is in progress."""

    def __init__(
        self, rows: dict[str, dict[str, Any]], claimed: Callable[[Row], bool], waiting: Waiting
    ) -> None:
        self._rows = rows
        self._claimed = claimed
        self._waiting = waiting

    async def saw(self, now: datetime) -> None:
        self._look_at_clock(to_moment(now))

    async def due(
        self, now: datetime, *, scenario_id: str | None = None, limit: int = 100
    ) -> list[Due]:
        self._look_at_clock(to_moment(now))
        found = [
            row
            for row in self._pending(scenario_id)
            if row["due_at"] <= to_moment(now) and not self._claimed(row)
        ]
        found.sort(key=lambda row: row["created_at"])
        return [Due(row["id"], row["scenario_id"]) for row in found[:limit]]

    async def next_at(self, scenario_id: str | None = None) -> datetime | None:
        moments = [row["due_at"] for row in self._pending(scenario_id)]
        return from_moment(min(moments)) if moments else None

    async def postpone(self, incomplete_id: str, due_at: datetime) -> None:
        row = self._rows[incomplete_id]
        if row["status"] == IncompleteStatus.PENDING:
            row["due_at"] = to_moment(due_at)

    def _pending(self, scenario_id: str | None) -> list[dict[str, Any]]:
        return [
            row
            for row in self._rows.values()
            if row["status"] == IncompleteStatus.PENDING
            and row["due_at"] is not None
            and scenario_id in {None, row["scenario_id"]}
        ]

    def _look_at_clock(self, now: int) -> None:
        waiting = self._waiting
        if waiting.latest is not None and now < waiting.latest:
            back = waiting.latest - now
            for row in (*self._pending(None), *waiting.events.values()):
                if row["due_at"] is not None:
                    row["due_at"] -= back
        if waiting.latest is None or not 0 <= now - waiting.latest < CLOCK_GRAIN.seconds * 1e6:
            waiting.latest = now
