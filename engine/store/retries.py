"""Retries of the SQLite store by when they are due: `engine.run.waiting.Retries`."""

from datetime import datetime

from engine.run.waiting import CLOCK_GRAIN, Due
from engine.store.database import Database
from engine.store.records import from_moment, to_moment
from engine.store.thread import StoreThread

GRAIN = CLOCK_GRAIN.seconds * 1_000_000


class SqliteRetries:
    """Part of `engine.store.sqlite.SqliteStore`."""

    def __init__(self, database: Database, in_worker: StoreThread) -> None:
        self._database = database
        self._in_worker = in_worker

    async def saw(self, now: datetime) -> None:
        await self._in_worker(self._look_at_clock, to_moment(now))

    async def due(
        self, now: datetime, *, scenario_id: str | None = None, limit: int = 100
    ) -> list[Due]:
        return await self._in_worker(self._due, to_moment(now), scenario_id, limit)

    async def next_at(self, scenario_id: str | None = None) -> datetime | None:
        rows = await self._in_worker(
            lambda: self._database.query("next_due", scenario_id=scenario_id)
        )
        moment = rows[0]["due_at"]
        return None if moment is None else from_moment(moment)

    async def postpone(self, incomplete_id: str, due_at: datetime) -> None:
        await self._in_worker(self._postpone, incomplete_id, to_moment(due_at))

    # What follows runs in the worker thread.

    def _due(self, now: int, scenario_id: str | None, limit: int) -> list[Due]:
        self._look_at_clock(now)
        found: list[Due] = []
        for row in self._database.query("due", now=now, scenario_id=scenario_id):
            if row["claimed_by"] is None or not self._database.processes.lives(row["claimed_by"]):
                found.append(Due(row["id"], row["scenario_id"]))
            if len(found) == limit:
                break
        return found

    def _look_at_clock(self, now: int) -> None:
        rows = self._database.query("latest_moment")
        if rows and 0 <= now - rows[0]["latest"] < GRAIN:
            return
        with self._database.transaction():
            rows = self._database.query("latest_moment")
            if rows and now < rows[0]["latest"]:
                back = rows[0]["latest"] - now
                self._database.change("bring_retries_back", back=back)
                self._database.change("bring_events_back", back=back)
            self._database.change("set_latest_moment", now=now)

    def _postpone(self, incomplete_id: str, due_at: int) -> None:
        with self._database.transaction():
            self._database.change("postpone", id=incomplete_id, due_at=due_at)
