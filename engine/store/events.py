"""Events and hooks of the SQLite store: `engine.run.waiting.Events`."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.model.events import Event, Hook
from engine.store.database import Database
from engine.store.encode import decode, encode
from engine.store.records import Row, from_moment, to_moment
from engine.store.seal import Seal, is_sealed
from engine.store.thread import StoreThread


def event_row(event: Event) -> dict[str, Any]:
    """Return the columns of an event, but for its place in the order."""
    return {
        "scenario_id": event.scenario_id,
        "id": event.id,
        "received_at": to_moment(event.received_at),
        "attempts": event.attempts,
        "due_at": event.due_at and to_moment(event.due_at),
        "payload": encode(event.payload),
    }


def event_of(row: Row, *, confidential: bool) -> Event:
    """Return the event of a row whose payload can be read; it has no files."""
    return Event(
        scenario_id=row["scenario_id"],
        id=row["id"],
        received_at=from_moment(row["received_at"]),
        payload=decode(row["payload"], Path),
        attempts=row["attempts"],
        due_at=None if row["due_at"] is None else from_moment(row["due_at"]),
        confidential=confidential,
    )


def _about(row: Row) -> str:
    """Name an event among all others, so that no other can stand in for it."""
    return f"{row['scenario_id']} {row['id']}"


def acknowledge(database: Database, scenario_id: str, event_id: Any) -> None:
    """Remember nothing of an event but its id; inside a transaction of the caller's."""
    database.change("acknowledge_event", scenario_id=scenario_id, id=event_id)


class SqliteEvents:
    """Part of `engine.store.sqlite.SqliteStore`."""

    def __init__(self, database: Database, seal: Seal, in_worker: StoreThread) -> None:
        self._database = database
        self._seal = seal
        self._in_worker = in_worker

    async def add(self, event: Event) -> bool:
        return bool(await self._in_worker(self._add, event))

    async def first(self, scenario_id: str) -> Event | None:
        return await self._in_worker(self._first, scenario_id)

    async def waiting(self, scenario_id: str) -> int:
        rows = await self._in_worker(self._query, "waiting_events", {"scenario_id": scenario_id})
        return int(rows[0]["waiting"])

    async def payloads(self) -> list[Mapping[str, Any]]:
        return await self._in_worker(self._payloads)

    async def postpone(self, event: Event, due_at: datetime) -> None:
        again = {
            "scenario_id": event.scenario_id,
            "id": event.id,
            "attempts": event.attempts + 1,
            "due_at": to_moment(due_at),
        }
        await self._in_worker(self._change, "postpone_event", again)

    async def set_hook(self, hook: Hook) -> None:
        row = {
            "scenario_id": hook.scenario_id,
            "node_id": hook.node_id,
            "url": hook.url,
            "data": encode(hook.data),
        }
        await self._in_worker(self._change, "set_hook", row)

    async def remove_hook(self, scenario_id: str) -> None:
        await self._in_worker(self._change, "remove_hook", {"scenario_id": scenario_id})

    async def hooks(self) -> list[Hook]:
        rows = await self._in_worker(self._query, "hooks", {})
        return [
            Hook(row["scenario_id"], row["node_id"], row["url"], decode(row["data"], Path))
            for row in rows
        ]

    # What follows runs in the worker thread.

    def _add(self, event: Event) -> int:
        row = event_row(event)
        if event.confidential:
            row["payload"] = self._seal.closed(row["payload"], _about(row))
        return self._change("add_event", row)

    def _first(self, scenario_id: str) -> Event | None:
        rows = self._query("first_event", {"scenario_id": scenario_id})
        if not rows:
            return None
        payload = rows[0]["payload"]
        row = {**rows[0], "payload": self._seal.opened(payload, _about(rows[0]))}
        return event_of(row, confidential=is_sealed(payload))

    def _payloads(self) -> list[Mapping[str, Any]]:
        rows = self._query("payloads_waiting", {})
        opened = (self._seal.opened(row["payload"], _about(row)) for row in rows)
        return [decode(payload, Path) for payload in opened]

    def _change(self, name: str, parameters: dict[str, Any]) -> int:
        with self._database.transaction():
            return self._database.change(name, **parameters)

    def _query(self, name: str, parameters: dict[str, Any]) -> list[Row]:
        return self._database.query(name, **parameters)
