"""A store in memory, whole and without a disk but for files: for tests and trial runs.

Rows are kept as the other stores keep them, so that what cannot be stored there cannot be here.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from engine.model.execution import (
    Execution,
    Incomplete,
    IncompleteStatus,
    Registered,
)
from engine.model.history import History
from engine.model.journal import Entry, OperationPlace, Origin
from engine.model.retention import Forgotten, Retention
from engine.model.selection import Cause, Changed, Page, Selection, Summary
from engine.run.ports import NOTHING_MORE, CursorChange, Ending
from engine.run.waiting import ACKNOWLEDGED
from engine.store import refused
from engine.store.encode import decode, encode
from engine.store.files import FolderFiles
from engine.store.history import history_of, history_payload
from engine.store.memory_journal import JournalRecords, MemoryJournal
from engine.store.memory_tidying import forget
from engine.store.memory_waiting import MemoryEvents, MemoryRetries, Waiting
from engine.store.records import (
    Row,
    execution_of,
    execution_row,
    files_of,
    from_moment,
    incomplete_of,
    incomplete_row,
    registered_of,
    summary_of,
    to_moment,
)
from engine.store.summaries import cause_row, sought
from engine.store.where import wanted_statuses

Rows: TypeAlias = dict[str, dict[str, Any]]


@dataclass(slots=True)
class Records:
    """What several `MemoryStore`s share, as processes share a file; rows by id, oldest first."""

    scenarios: Rows = field(default_factory=dict)
    executions: Rows = field(default_factory=dict)
    histories: dict[str, bytes] = field(default_factory=dict)
    """Payloads, by execution."""
    incompletes: Rows = field(default_factory=dict)
    marks: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    journal: JournalRecords = field(default_factory=JournalRecords)
    runs: dict[str, asyncio.Lock] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)
    """Numbers of the stores that are open."""
    opened: int = 0
    causes: dict[str, dict[str, str]] = field(default_factory=dict)
    parked: int = 0
    """Highest number of arrival of an incomplete execution."""
    looks: set[datetime] = field(default_factory=set)


class MemoryStore:
    """`engine.run.ports.Store` in memory; each one stands for a process of its own."""

    def __init__(self, files: FolderFiles, records: Records | None = None) -> None:
        self.files = files
        self._records = records or Records()
        self._records.opened += 1
        self._own = self._records.opened
        self._records.open.add(self._own)
        self.events = MemoryEvents(self._records.waiting)
        self.retries = MemoryRetries(
            self._records.incompletes, self._claimed, self._records.waiting
        )
        self.journal = MemoryJournal(files, self._records.journal, self._interrupted)

    def another(self) -> "MemoryStore":
        """Return a store of the same records, as another process would open it."""
        return MemoryStore(self.files, self._records)

    @contextlib.asynccontextmanager
    async def run_lock(
        self, scenario_id: str, *, wait: bool, on_wait: Callable[[str], None]
    ) -> AsyncIterator[None]:
        lock = self._records.runs.setdefault(scenario_id, asyncio.Lock())
        if lock.locked() and not wait:
            raise refused.running(scenario_id, "this process")
        if lock.locked():
            on_wait(f"waiting for this process, which is running scenario `{scenario_id}`")
        async with lock:
            yield

    async def register_scenario(self, scenario_id: str, path: Path) -> None:
        fresh = {"id": scenario_id, "path": path, "active": True, "errors_in_row": 0}
        row = self._records.scenarios.get(scenario_id, fresh)
        refused.check_free(scenario_id, path, row["path"])
        self._records.scenarios[scenario_id] = row | {"path": path}

    async def scenario(self, scenario_id: str) -> Registered:
        row = self._scenario(scenario_id)
        runs = self._records.executions.values()
        started = [run["started_at"] for run in runs if run["scenario_id"] == scenario_id]
        waiting = await self.incompletes(scenario_id=scenario_id)
        counts = {
            "last_run_at": started[-1] if started else None,
            "incomplete": len(waiting),
            "events": await self.events.waiting(scenario_id),
        }
        return registered_of(row | counts)

    async def scenarios(self) -> list[Registered]:
        return [await self.scenario(scenario_id) for scenario_id in sorted(self._records.scenarios)]

    async def set_active(self, scenario_id: str, *, active: bool) -> None:
        self._scenario(scenario_id).update(active=active, errors_in_row=0)

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        row = execution_row(execution)
        if origin is not None:
            self.journal.begin(execution.id, origin)
        self._records.executions[execution.id] = row | {"process": self._own}

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        if execution.id not in self._records.executions:
            raise refused.never_begun(execution.id)
        row, marks = execution_row(execution), _encoded(ending.cursor)
        payload = None if ending.history is None else history_payload(ending.history)
        if ending.incomplete is not None:
            await self.park(ending.incomplete)
        for entry in ending.entries:
            self.journal.note(entry)
        if not ending.resumes:
            self.journal.forget(execution.id)
        self._records.executions[execution.id].update(row)
        streak = ending.streak
        self._set_marks(execution.scenario_id, marks)
        if scenario := self._records.scenarios.get(execution.scenario_id):
            errors = 0 if streak.over else scenario["errors_in_row"] + streak.errors
            scenario["errors_in_row"] = errors
            scenario["active"] &= not (streak.errors and errors >= streak.limit)
        if payload is not None:
            self._records.histories[execution.id] = payload

    async def commit_cursor(
        self, scenario_id: str, cursor: Sequence[CursorChange], entries: Sequence[Entry] = ()
    ) -> None:
        self._set_marks(scenario_id, _encoded(cursor))
        for entry in entries:
            self.journal.note(entry)

    async def cursor(self, scenario_id: str, node_id: str) -> Mapping[str, Any]:
        marks = self._records.marks.get((scenario_id, node_id), {})
        return {key: decode(value, self.files.path_of) for key, value in marks.items()}

    async def reset_cursor(self, scenario_id: str, node_id: str) -> int:
        return len(self._records.marks.pop((scenario_id, node_id), {}))

    async def park(self, incomplete: Incomplete, failed: OperationPlace | None = None) -> None:
        row = incomplete_row(incomplete)
        files = files_of(incomplete)
        self.files.sync(files)
        known = self._records.incompletes.get(incomplete.id)
        if known and known["claimed_by"] != self._own and self._claimed(known):
            raise refused.in_progress(incomplete.id)
        status, claim = incomplete.status, None
        if status is IncompleteStatus.IN_PROGRESS:
            claim = self._own
            status = known["status"] if known else IncompleteStatus.UNRESOLVED
        row |= {"status": status, "claimed_by": claim, "files": {file.sha256 for file in files}}
        row["seq"] = known["seq"] if known else self._records.parked + 1
        self._records.parked = max(self._records.parked, row["seq"])
        self._records.causes[row["cause"]] = cause_row(incomplete)
        self._records.incompletes[incomplete.id] = row
        if failed is not None:
            self.journal.stored(failed, incomplete.id)

    async def incomplete(self, incomplete_id: str) -> Incomplete:
        row = _find("incomplete", self._records.incompletes, incomplete_id)
        return incomplete_of(self._shown(row), self.files.path_of)

    async def incompletes(
        self,
        *,
        scenario_id: str | None = None,
        execution_id: str | None = None,
        statuses: Sequence[IncompleteStatus] = (),
    ) -> list[Incomplete]:
        wanted = set(statuses or set(IncompleteStatus) - {IncompleteStatus.RESOLVED})
        rows = (self._shown(row) for row in self._records.incompletes.values())
        selected = [
            incomplete_of(row, self.files.path_of)
            for row in rows
            if row["status"] in wanted
            and scenario_id in {None, row["scenario_id"]}
            and execution_id in {None, row["execution_id"]}
        ]
        return sorted(selected, key=lambda incomplete: incomplete.created_at)

    async def summary(self, incomplete_id: str) -> Summary:
        row = _find("incomplete", self._records.incompletes, incomplete_id)
        return summary_of(self._shown(row))

    async def page_of(
        self, selection: Selection, *, behind: Summary | None = None, limit: int
    ) -> Page:
        rows = [row for row in self._selected(selection) if _is_behind(row, behind)]
        return Page(tuple(map(summary_of, rows[:limit])), more=len(rows) > limit)

    async def count_of(self, selection: Selection) -> int:
        return len(self._selected(selection))

    async def causes_of(self, selection: Selection) -> list[Cause]:
        groups: dict[str, list[Row]] = {}
        for row in self._selected(selection):
            groups.setdefault(row["cause"], []).append(row)
        causes = (_cause(self._records.causes[one], rows) for one, rows in groups.items())
        return sorted(causes, key=lambda cause: (-cause.count, cause.id))

    async def delete_incompletes(self, ids: Sequence[str]) -> Changed:
        def delete(row: dict[str, Any]) -> None:
            del self._records.incompletes[row["id"]]

        return self._change_each(ids, delete)

    async def resolve_incompletes(self, ids: Sequence[str]) -> Changed:
        def resolve(row: dict[str, Any]) -> None:
            row |= {"status": IncompleteStatus.RESOLVED, "claimed_by": None, "due_at": None}

        unresolved = [one for one in ids if not _is_resolved(self._records.incompletes.get(one))]
        return self._change_each(unresolved, resolve)

    async def claim(self, incomplete_id: str) -> Incomplete:
        row = _find("incomplete", self._records.incompletes, incomplete_id)
        if self._claimed(row):
            raise refused.in_progress(row["id"])
        if row["status"] == IncompleteStatus.RESOLVED:
            raise refused.resolved(row["id"])
        row["claimed_by"] = self._own
        return incomplete_of(row, self.files.path_of)

    async def execution(self, execution_id: str) -> Execution:
        return self._execution_of(_find("execution", self._records.executions, execution_id))

    async def history(self, execution_id: str) -> History | None:
        payload = self._records.histories.get(execution_id)
        return None if payload is None else history_of(payload, self.files.path_of)

    async def executions(
        self, *, scenario_id: str | None = None, limit: int = 20
    ) -> list[Execution]:
        latest = reversed(self._records.executions.values())
        rows = [row for row in latest if scenario_id in {None, row["scenario_id"]}]
        return [self._execution_of(row) for row in rows[:limit]]

    async def tidy(self, retention: Retention, now: datetime) -> Forgotten:
        forgotten = forget(self._records, retention, now)
        return replace(forgotten, bytes=await self.sweep_files())

    async def sweep_files(self) -> int:
        if self._records.open != {self._own}:
            return 0
        rows = self._records.incompletes.values()
        open_rows = (row for row in rows if row["status"] != IncompleteStatus.RESOLVED)
        kept = set().union(*(row["files"] for row in open_rows))
        return self.files.sweep(kept | self.journal.files_in_use())

    async def close(self) -> None:
        self._records.open.discard(self._own)

    def _set_marks(
        self, scenario_id: str, changes: Sequence[tuple[str, str, bytes | None]]
    ) -> None:
        for node_id, key, value in changes:
            if key == ACKNOWLEDGED and value is not None:
                self._records.waiting.acknowledge(scenario_id, decode(value, self.files.path_of))
                continue
            marks = self._records.marks.setdefault((scenario_id, node_id), {})
            if value is None:
                marks.pop(key, None)
            else:
                marks[key] = value

    def _selected(self, selection: Selection) -> list[Row]:
        """Return the rows that are selected, oldest first, with the status that people see."""
        rows = (self._shown(row) for row in self._records.incompletes.values())
        chosen = [row for row in rows if _agrees(row, selection)]
        return sorted(chosen, key=lambda row: (row["created_at"], row["seq"]))

    def _change_each(self, ids: Sequence[str], change: Callable[[dict[str, Any]], None]) -> Changed:
        rows = [row for one in ids if (row := self._records.incompletes.get(one)) is not None]
        free = [row for row in rows if not self._claimed(row)]
        for row in free:
            change(row)
        busy = tuple(row["id"] for row in rows if row not in free)
        return Changed(tuple(row["id"] for row in free), busy)

    def _scenario(self, scenario_id: str) -> dict[str, Any]:
        if scenario_id not in self._records.scenarios:
            raise refused.unknown_scenario(scenario_id)
        return self._records.scenarios[scenario_id]

    def _claimed(self, row: Row) -> bool:
        return row["claimed_by"] in self._records.open

    def _shown(self, row: Row) -> Row:
        """Return the row with the status that people see."""
        if not self._claimed(row):
            return row
        return dict(row) | {"status": IncompleteStatus.IN_PROGRESS}

    def _interrupted(self, scenario_id: str) -> list[Execution]:
        rows = self._records.executions.values()
        every = [self._execution_of(row) for row in rows if row["scenario_id"] == scenario_id]
        return [one for one in every if one.interrupted]

    def _execution_of(self, row: Row) -> Execution:
        return execution_of(row, self.files.path_of, runs=row["process"] in self._records.open)


def _encoded(cursor: Sequence[CursorChange]) -> list[tuple[str, str, bytes | None]]:
    return [
        (change.node_id, change.key, None if change.value is None else encode(change.value))
        for change in cursor
    ]


def _find(kind: str, rows: Rows, id_or_prefix: str) -> dict[str, Any]:
    """Return the row with an id, or the only one whose id begins like this."""
    if id_or_prefix in rows:
        return rows[id_or_prefix]
    like: list[str] = []
    if len(id_or_prefix) >= refused.SHORTEST_PREFIX:
        like = [record_id for record_id in rows if record_id.startswith(id_or_prefix)][:3]
    if len(like) != 1:
        raise refused.not_found(kind, id_or_prefix, like)
    return rows[like[0]]


def _agrees(row: Row, selection: Selection) -> bool:
    """Say whether a row is selected; its status is the one that people see."""
    origin = all(
        wanted in {None, row[name]}
        for name, wanted in (
            ("scenario_id", selection.scenario_id),
            ("node_id", selection.node_id),
            ("error_type", selection.error_type),
            ("cause", selection.cause),
        )
    )
    before, since = selection.created_before, selection.created_since
    return (
        origin
        and row["status"] in wanted_statuses(selection)
        and (before is None or row["created_at"] < to_moment(before))
        and (since is None or row["created_at"] >= to_moment(since))
        and sought(selection.text or "") in row["words"]
    )


def _is_behind(row: Row, other: Summary | None) -> bool:
    if other is None:
        return True
    return bool((row["created_at"], row["seq"]) > (to_moment(other.created_at), other.position))


def _is_resolved(row: Row | None) -> bool:
    return row is not None and row["status"] == IncompleteStatus.RESOLVED


def _cause(known: Mapping[str, str], rows: Sequence[Row]) -> Cause:
    moments = [from_moment(row["created_at"]) for row in rows]
    return Cause(
        **known,
        count=len(rows),
        oldest_id=rows[0]["id"],
        oldest_at=min(moments),
        newest_at=max(moments),
    )
