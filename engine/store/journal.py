"""The journal in SQLite: `engine.run.ports.Journal`, part of a `SqliteStore`.

What is noted waits in memory for a few milliseconds and is written by the next transaction,
whatever that is for, so that many entries share a commit and nothing overtakes them.
"""

import asyncio
from typing import Any, Final

from engine.errors import StoreError
from engine.model.journal import Entry, OperationPlace, Origin, Stage, Tally, Unfinished
from engine.store.database import Database, Waiting
from engine.store.entries import (
    entry_of,
    entry_payload,
    files_of_origin,
    origin_of,
    origin_payload,
)
from engine.store.files import FolderFiles
from engine.store.records import execution_of
from engine.store.seal import Seal
from engine.store.thread import StoreThread

SOON_SECONDS: Final = 0.005
"""How long an entry may wait for others to share its commit."""

MANY: Final = 256
"""Entries that are written without waiting for more."""

MANY_BYTES: Final = 4_000_000
"""The same, by the bytes of their payloads."""


class SqliteJournal:
    """What is noted by one process goes to disk in the order in which it was noted."""

    def __init__(
        self, database: Database, files: FolderFiles, seal: Seal, in_worker: StoreThread
    ) -> None:
        self._database = database
        self._files = files
        self._seal = seal
        self._in_worker = in_worker
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._failure: StoreError | None = None

    def note(self, entry: Entry) -> bool:
        self._tell()
        self.add(entry)
        waiting = len(self._database.waiting)
        if self._writing is not None:
            return waiting >= 2 * MANY
        if waiting >= MANY or self._bytes >= MANY_BYTES:
            self._write_soon()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SOON_SECONDS, self._write_soon)
        return False

    async def room(self) -> None:
        if self._writing is not None:
            await asyncio.wait([self._writing])
        self._tell()

    async def keep(self, entry: Entry) -> None:
        self.add(entry)
        await self.flush()

    async def flush(self) -> None:
        """Return when all that was noted is on disk."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._bytes = 0
        await self._in_worker(self._write)
        self._tell()

    async def close(self) -> None:
        """Write what waits, before the database is closed."""
        if self._timer is not None or self._database.waiting:
            await self.flush()

    async def entry(self, place: OperationPlace) -> Entry | None:
        row = await self._in_worker(self._row, place)
        return None if row is None else entry_of(place, row, self._files.path_of)

    async def unfinished(self, scenario_id: str) -> list[Unfinished]:
        return await self._in_worker(self._unfinished, scenario_id)

    async def tally(self, execution_id: str) -> list[Tally]:
        return await self._in_worker(self._tally, execution_id)

    def _tell(self) -> None:
        """Raise what kept earlier entries from disk, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def add(self, entry: Entry) -> None:
        """Let an entry be written by the next transaction. Raises UnstorableError."""
        payload, files = entry_payload(entry)
        place = entry.place
        if entry.is_confidential:
            payload = self._seal.closed(payload, place.key)
        self._bytes += len(payload)
        row = {
            "execution_id": place.execution_id,
            "node_id": place.node_id,
            "path": place.path,
            "stage": entry.stage.value,
            "payload": payload,
        }
        self._database.waiting.append(Waiting(row, files))

    def _write_soon(self) -> None:
        """Write what waits in the background; what fails is told by the next call."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is not None:
            return
        self._bytes = 0
        self._writing = self._in_worker(self._write)
        self._writing.add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[None]") -> None:
        self._writing = None
        failure = None if writing.cancelled() else writing.exception()
        if isinstance(failure, StoreError):
            self._failure = failure
        elif failure is not None:
            self._failure = StoreError(f"the journal could not be written: {failure}")
        elif self._database.waiting:
            self._write_soon()

    # What follows runs in the worker thread.

    def begin(self, execution_id: str, origin: Origin) -> None:
        """Store where an execution began, inside a transaction."""
        payload = origin_payload(origin)
        if origin.is_confidential:
            payload = self._seal.closed(payload, execution_id)
        self._database.change("keep_origin", id=execution_id, payload=payload)
        for file in files_of_origin(origin):
            self._database.change("name_journal_file", id=execution_id, sha256=file.sha256)

    def stored(self, place: OperationPlace, record_id: str) -> None:
        """Say in which record the failure of an operation is kept, inside a transaction."""
        self._database.change(
            "entry_is_stored",
            execution_id=place.execution_id,
            node_id=place.node_id,
            path=place.path,
            stage=Stage.PASSED.value,
            record_id=record_id,
            payload=b"{}",
        )

    def forget(self, execution_id: str) -> None:
        """Forget an execution that has finished, inside a transaction."""
        for query in ("forget_origin", "forget_journal", "forget_journal_files"):
            self._database.change(query, id=execution_id)

    def _write(self) -> None:
        if self._database.waiting:
            with self._database.transaction():
                pass

    def _row(self, place: OperationPlace) -> Any:
        rows = self._database.query(
            "entry", execution_id=place.execution_id, node_id=place.node_id, path=place.path
        )
        if not rows:
            return None
        return {**rows[0], "payload": self._seal.opened(rows[0]["payload"], place.key)}

    def _unfinished(self, scenario_id: str) -> list[Unfinished]:
        found = []
        for row in self._database.query("unfinished", scenario_id=scenario_id):
            if row["ended_at"] is None and self._database.processes.lives(row["process"]):
                continue
            payload = self._seal.opened(row["origin"], row["id"])
            origin = origin_of(payload, self._files.path_of)
            found.append(Unfinished(execution_of(row, self._files.path_of, runs=False), origin))
        return found

    def _tally(self, execution_id: str) -> list[Tally]:
        rows = self._database.query("tally", id=execution_id)
        return [Tally(**row) for row in rows]
