"""The store of one machine: SQLite, one connection on one worker thread, files beside it.

    .fusion/store.db          rows
    .fusion/files/            contents by hash (`engine.store.files`)
    .fusion/store.lock, locks/, processes/    (`engine.store.lock`)

A claim or a running execution names its process; when that process is gone, neither holds.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

from engine.model.execution import (
    Execution,
    Incomplete,
    IncompleteStatus,
    Registered,
    Streak,
)
from engine.model.history import History
from engine.model.journal import Entry, OperationPlace, Origin
from engine.model.retention import Forgotten, Retention
from engine.model.selection import Cause, Changed, Page, Selection, Summary
from engine.run.durable import to_the_end
from engine.run.ports import NOTHING_MORE, CursorChange, Ending
from engine.run.waiting import ACKNOWLEDGED
from engine.store import refused
from engine.store.database import Database
from engine.store.deferred import Written
from engine.store.encode import decode, encode
from engine.store.entries import files_of_origin
from engine.store.events import SqliteEvents, acknowledge
from engine.store.files import FolderFiles
from engine.store.history import history_of, history_payload
from engine.store.journal import SqliteJournal
from engine.store.lookup import find
from engine.store.parked import Parked
from engine.store.records import Row, execution_of, execution_row, files_of, registered_of
from engine.store.retries import SqliteRetries
from engine.store.seal import KeyOf, Seal
from engine.store.thread import StoreThread
from engine.store.tidying import compact, forget

BUSY_SECONDS: Final = 30.0
"""How long a write waits for other processes before it gives up."""

POLL_SECONDS: Final = 0.1
"""Pause between two looks whether another run of the scenario has ended."""


async def open_sqlite(
    folder: Path,
    *,
    create: bool,
    busy_seconds: float = BUSY_SECONDS,
    key_of: KeyOf | None = None,
    seconds: Callable[[], float] = monotonic,
) -> "SqliteStore":
    """Open the store in a folder (`.fusion`), made with mode 0700 if `create` is true.

    `key_of` gives the key for confidential records; by default it lies in the folder. `seconds` is
    a clock that all processes of the machine share: it tells which of them stand still. The caller
    closes the store. Raises NoStoreError if there is none and `create` is false, StoreError for
    one that is damaged, of a newer version or closed to us, StoreBusyError if another process holds
    on too long.
    """
    store = SqliteStore(folder, busy_seconds, key_of, seconds)
    try:
        await store.open(create=create)
    except BaseException:
        await store.close()
        raise
    return store


class SqliteStore:
    """`engine.run.ports.Store` in a folder. Made by `open_sqlite`."""

    def __init__(
        self,
        folder: Path,
        busy_seconds: float = BUSY_SECONDS,
        key_of: KeyOf | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self.folder = folder
        self.files = FolderFiles(folder / "files")
        self._database = Database(folder, busy_seconds, seconds)
        self._database.sync = self.files.sync
        seal = Seal(folder, key_of)
        self._in_worker = StoreThread()
        self._closed = False
        self.journal = SqliteJournal(self._database, self.files, seal, self._in_worker)
        self._parked = Parked(self._database, self.files, seal, self.journal)
        self.events = SqliteEvents(self._database, seal, self._in_worker)
        self.retries = SqliteRetries(self._database, self._in_worker)

    async def open(self, *, create: bool) -> None:
        await self._in_worker(lambda: self._database.open(create=create))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self.journal.close()
            await self._in_worker(self._database.close)
        finally:
            self._in_worker.end()

    @contextlib.asynccontextmanager
    async def run_lock(
        self, scenario_id: str, *, wait: bool, on_wait: Callable[[str], None]
    ) -> AsyncIterator[None]:
        holder = await self._leased(scenario_id)
        if holder and not wait:
            raise refused.running(scenario_id, holder)
        if holder:
            on_wait(f"waiting for {holder}, which is running scenario `{scenario_id}`")
        while holder:
            await asyncio.sleep(POLL_SECONDS)
            holder = await self._leased(scenario_id)
        try:
            yield
        finally:
            await to_the_end(self._in_worker(self._database.give_lease_back, scenario_id))

    async def _leased(self, scenario_id: str) -> str:
        """Take a lease; return who has it, empty if it is ours. An interruption leaves it free."""
        taking = self._in_worker(self._database.take_lease, scenario_id)
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            if not await taking:
                await self._in_worker(self._database.give_lease_back, scenario_id)
            raise

    async def register_scenario(self, scenario_id: str, path: Path) -> None:
        await self._in_worker(self._register, scenario_id, path)

    async def scenario(self, scenario_id: str) -> Registered:
        rows = await self._query("scenarios", id=scenario_id)
        if not rows:
            raise refused.unknown_scenario(scenario_id)
        return registered_of(rows[0])

    async def scenarios(self) -> list[Registered]:
        return [registered_of(row) for row in await self._query("scenarios", id=None)]

    async def set_active(self, scenario_id: str, *, active: bool) -> None:
        await self._in_worker(self._set_active, scenario_id, int(active))

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        await self._in_worker(self._begin, execution, origin)

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        for entry in ending.entries:
            self.journal.add(entry)
        await self._in_worker(self._finish, execution, ending)

    async def commit_cursor(
        self, scenario_id: str, cursor: Sequence[CursorChange], entries: Sequence[Entry] = ()
    ) -> None:
        for entry in entries:
            self.journal.add(entry)
        await self._in_worker(self._commit_cursor, scenario_id, cursor)

    async def cursor(self, scenario_id: str, node_id: str) -> Mapping[str, Any]:
        rows = await self._query("marks", scenario_id=scenario_id, node_id=node_id)
        return {row["mark"]: decode(row["value"], self.files.path_of) for row in rows}

    async def reset_cursor(self, scenario_id: str, node_id: str) -> int:
        return await self._in_worker(self._reset_cursor, scenario_id, node_id)

    async def park(self, incomplete: Incomplete, failed: OperationPlace | None = None) -> None:
        await self._in_worker(self._parked.park, incomplete, failed)

    async def incomplete(self, incomplete_id: str) -> Incomplete:
        return await self._in_worker(self._parked.one, incomplete_id)

    async def incompletes(
        self,
        *,
        scenario_id: str | None = None,
        execution_id: str | None = None,
        statuses: Sequence[IncompleteStatus] = (),
    ) -> list[Incomplete]:
        wanted = set(statuses or set(IncompleteStatus) - {IncompleteStatus.RESOLVED})
        return await self._in_worker(self._parked.all, scenario_id, execution_id, wanted)

    async def summary(self, incomplete_id: str) -> Summary:
        return await self._in_worker(self._parked.summary, incomplete_id)

    async def page_of(
        self, selection: Selection, *, behind: Summary | None = None, limit: int
    ) -> Page:
        return await self._in_worker(self._parked.page, selection, behind, limit)

    async def count_of(self, selection: Selection) -> int:
        return await self._in_worker(self._parked.count, selection)

    async def causes_of(self, selection: Selection) -> list[Cause]:
        return await self._in_worker(self._parked.causes, selection)

    async def delete_incompletes(self, ids: Sequence[str]) -> Changed:
        return await self._in_worker(self._parked.delete, ids)

    async def resolve_incompletes(self, ids: Sequence[str]) -> Changed:
        return await self._in_worker(self._parked.resolve, ids)

    async def claim(self, incomplete_id: str) -> Incomplete:
        return await self._in_worker(self._parked.claim, incomplete_id)

    async def claim_ahead(self, ids: Sequence[str]) -> list[Incomplete]:
        """Claim several by their whole ids; those that cannot be claimed are left out."""
        return await self._in_worker(self._parked.claim_ahead, ids)

    async def let_go(self, ids: Sequence[str]) -> None:
        """Give up claims of this process, which then have changed nothing."""
        await self._in_worker(self._parked.let_go, ids)

    async def write(self, ended: Sequence[Written]) -> None:
        """Store executions that have ended, each with what it stored, in one transaction."""
        await self._in_worker(self._write, ended)

    async def execution(self, execution_id: str) -> Execution:
        return self._execution_of(
            await self._in_worker(find, self._database, "execution", execution_id)
        )

    async def history(self, execution_id: str) -> History | None:
        return await self._in_worker(self._history, execution_id)

    async def executions(
        self, *, scenario_id: str | None = None, limit: int = 20
    ) -> list[Execution]:
        if scenario_id is None:
            rows = await self._query("executions", limit=limit)
        else:
            rows = await self._query("executions_of_scenario", scenario_id=scenario_id, limit=limit)
        return [self._execution_of(row) for row in rows]

    async def tidy(self, retention: Retention, now: datetime) -> Forgotten:
        return await self._in_worker(self._tidy, retention, now)

    async def sweep_files(self) -> int:
        return await self._in_worker(self._sweep)

    async def _query(self, name: str, **parameters: Any) -> list[Any]:
        return await self._in_worker(lambda: self._database.query(name, **parameters))

    # What follows runs in the worker thread.

    def _register(self, scenario_id: str, path: Path) -> None:
        path = path.resolve()
        with self._database.transaction():
            rows = self._database.query("scenario_path", id=scenario_id)
            known = Path(os.fsdecode(rows[0]["path"])) if rows else path
            refused.check_free(scenario_id, path, known)
            self._database.change("set_scenario_path", id=scenario_id, path=os.fsencode(path))

    def _set_active(self, scenario_id: str, active: int) -> None:
        with self._database.transaction():
            if not self._database.change("set_active", id=scenario_id, active=active):
                raise refused.unknown_scenario(scenario_id)

    def _begin(self, execution: Execution, origin: Origin | None) -> None:
        row = execution_row(execution)
        if origin is not None:
            self._database.flush(files_of_origin(origin))
        with self._database.transaction():
            self._database.change("begin_execution", **row, process=self._database.processes.own)
            if origin is not None:
                self.journal.begin(execution.id, origin)

    def _finish(self, execution: Execution, ending: Ending) -> None:
        row = execution_row(execution)
        payload = None if ending.history is None else history_payload(ending.history)
        if ending.incomplete is not None:
            self._database.flush(files_of(ending.incomplete))
        with self._database.transaction():
            if not self._database.change("finish_execution", **row):
                raise refused.never_begun(execution.id)
            if not ending.resumes:
                self.journal.forget(execution.id)
            self._end(execution, ending, payload)

    def _end(self, execution: Execution, ending: Ending, history: bytes | None) -> None:
        """Store what an end changes besides the execution, inside a transaction."""
        if ending.incomplete is not None:
            self._parked.put(ending.incomplete)
        self._set_marks(execution.scenario_id, ending.cursor)
        if ending.streak != Streak():
            row = {name: int(value) for name, value in asdict(ending.streak).items()}
            self._database.change("change_streak", id=execution.scenario_id, **row)
        if history is not None:
            at = {"scenario_id": execution.scenario_id}
            self._database.change("keep_history", id=execution.id, payload=history, **at)

    def _write(self, ended: Sequence[Written]) -> None:
        for one in ended:
            if one.ending.incomplete is not None:
                self._database.flush(files_of(one.ending.incomplete))
        with self._database.transaction():
            for one in ended:
                self._begin(one.execution, None)
                for incomplete in one.parked:
                    self._parked.park(incomplete, None)
                history = (
                    None if one.ending.history is None else history_payload(one.ending.history)
                )
                self._end(one.execution, one.ending, history)

    def _history(self, execution_id: str) -> History | None:
        rows = self._database.query("history", id=execution_id)
        return history_of(rows[0]["payload"], self.files.path_of) if rows else None

    def _commit_cursor(self, scenario_id: str, cursor: Sequence[CursorChange]) -> None:
        with self._database.transaction():
            self._set_marks(scenario_id, cursor)

    def _set_marks(self, scenario_id: str, cursor: Sequence[CursorChange]) -> None:
        for change in cursor:
            if change.key == ACKNOWLEDGED:
                acknowledge(self._database, scenario_id, change.value)
                continue
            at = {"scenario_id": scenario_id, "node_id": change.node_id, "mark": change.key}
            if change.value is None:
                self._database.change("remove_mark", **at)
            else:
                self._database.change("set_mark", **at, value=encode(change.value))

    def _reset_cursor(self, scenario_id: str, node_id: str) -> int:
        with self._database.transaction():
            return self._database.change("reset_marks", scenario_id=scenario_id, node_id=node_id)

    def _sweep(self) -> int:
        with self._database.alone() as alone:
            if not alone:
                return 0
            rows = self._database.query("files_in_use")
            return self.files.sweep({row["sha256"] for row in rows})

    def _tidy(self, retention: Retention, now: datetime) -> Forgotten:
        forgotten = forget(self._database, retention, now)
        with self._database.alone() as alone:
            if alone:
                forgotten = compact(self._database, forgotten)
        return replace(forgotten, bytes=forgotten.bytes + self._sweep())

    def _execution_of(self, row: Row) -> Execution:
        runs = row["ended_at"] is not None or self._database.processes.lives(row["process"])
        return execution_of(row, self.files.path_of, runs=runs)
