"""What the driver needs from outside: store, clock, ids, watcher."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from engine.model.execution import (
    Execution,
    Incomplete,
    IncompleteStatus,
    NodeCount,
    Registered,
    Streak,
)
from engine.model.history import History
from engine.model.journal import Entry, OperationPlace, Origin, Tally, Unfinished
from engine.model.retention import Forgotten, Retention
from engine.model.selection import Cause, Changed, Page, Selection, Summary
from engine.run.waiting import Events, Retries


class Clock(Protocol):
    """Time, from outside: a run in virtual time is a run with another clock."""

    def now(self) -> datetime:
        """Return the moment in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean anything."""

    async def sleep(self, wait: timedelta) -> None: ...


class Ids(Protocol):
    def new(self) -> str:
        """Return a fresh id: 32 lower-case hex characters."""


@dataclass(frozen=True, slots=True)
class CursorChange:
    """A node's new mark; `value` None removes it."""

    node_id: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Ending:
    """What is stored together with the end of an execution.

    `streak`: what the end does to the scenario's errors in a row, which may deactivate it.
    `incomplete`: the record that it has replayed, as it is now. `resumes`: it was interrupted and
    will be resumed, so its journal stays, with `entries` that came last.
    """

    cursor: Sequence[CursorChange] = ()
    streak: Streak = field(default_factory=Streak)
    history: History | None = None
    incomplete: Incomplete | None = None
    resumes: bool = False
    entries: Sequence[Entry] = ()


NOTHING_MORE: Final = Ending()
"""The execution has ended, and nothing else changes."""


class Journal(Protocol):
    """What the operations of executions have done that have not finished.

    It goes with the end of its execution, in one transaction. Raises as `Store` does.
    """

    def note(self, entry: Entry) -> bool:
        """Remember an entry soon: within milliseconds, and not later than anything that is written
        after it. What keeps it from disk is raised by a later call.

        True: so much is not on disk yet that `room` is to be awaited."""

    async def room(self) -> None:
        """Wait while a great deal of what was noted is not on disk yet."""

    async def keep(self, entry: Entry) -> None:
        """Remember an entry, on disk when this returns, and all that was noted before."""

    async def entry(self, place: OperationPlace) -> Entry | None:
        """Return what is remembered of an operation; None: nothing."""

    async def unfinished(self, scenario_id: str) -> list[Unfinished]:
        """Return the executions of a scenario that can be resumed, oldest first: those that were
        interrupted, and those whose process is gone."""

    async def tally(self, execution_id: str) -> list[Tally]:
        """Return what an unfinished execution has done, node by node."""


class Store(Protocol):
    """Executions, incomplete executions and cursors, each call one transaction.

    Every method that writes has committed to disk when it returns. Ids that are looked up may be
    given as a unique prefix of at least 4 characters. Raises StoreError (disk full, corrupt,
    read-only), NotFoundError for ids, StoreBusyError if another process holds on too long.
    """

    @property
    def events(self) -> Events: ...
    @property
    def retries(self) -> Retries: ...

    def run_lock(
        self, scenario_id: str, *, wait: bool, on_wait: Callable[[str], None]
    ) -> AbstractAsyncContextManager[None]:
        """Keep other runs of a scenario out. If one is on, waits for its end when `wait` is true,
        after one line to `on_wait`; else raises StoreBusyError naming its process."""

    async def register_scenario(self, scenario_id: str, path: Path) -> None:
        """Tie an id to a file. Raises ScenarioTakenError naming both paths if another file has it
        and still exists."""

    async def scenario(self, scenario_id: str) -> Registered:
        """Return one that is registered, by its whole id."""

    async def scenarios(self) -> list[Registered]:
        """Return all that are registered, by id."""

    async def set_active(self, scenario_id: str, *, active: bool) -> None:
        """Activate or deactivate a scenario, and forget its errors in a row. Raises NotFoundError
        if it is not registered."""

    @property
    def journal(self) -> Journal:
        """What operations have done in executions that have not finished."""

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        """Store a new execution, status running, or take an unfinished one up again.

        With an `origin` it can be resumed if this process dies."""

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        """Store how an execution ended, with all that its end changes, and forget its journal.

        Of each scenario the latest histories are kept; what is too large is left out of one."""

    async def commit_cursor(
        self, scenario_id: str, cursor: Sequence[CursorChange], entries: Sequence[Entry] = ()
    ) -> None:
        """Store marks before the last cycle's end, and the operations that they belong to."""

    async def cursor(self, scenario_id: str, node_id: str) -> Mapping[str, Any]:
        """Return all marks of a trigger; empty if it never ran."""

    async def reset_cursor(self, scenario_id: str, node_id: str) -> int:
        """Forget all marks of a node; return how many there were."""

    async def park(self, incomplete: Incomplete, failed: OperationPlace | None = None) -> None:
        """Store an incomplete execution, new or changed, with references to its files, whose
        content is on disk before the row names it. The journal tells of the operation that `failed`
        that it is stored, in the same transaction. Storing the same id again replaces it and ends
        this process's claim, unless the status is in progress. Raises StoreError if the content of
        a file is not in this store, StoreBusyError if another process has claimed it."""

    async def incomplete(self, incomplete_id: str) -> Incomplete:
        """Return one, with `File`s whose `path` is valid here."""

    async def incompletes(
        self,
        *,
        scenario_id: str | None = None,
        execution_id: str | None = None,
        statuses: Sequence[IncompleteStatus] = (),
    ) -> list[Incomplete]:
        """Return those selected, oldest first; no statuses: all but resolved ones."""

    async def summary(self, incomplete_id: str) -> Summary:
        """Return what lists show of one."""

    async def page_of(
        self, selection: Selection, *, behind: Summary | None = None, limit: int
    ) -> Page:
        """Return what lists show of a selection, oldest first; `behind` is the last one before."""

    async def count_of(self, selection: Selection) -> int:
        """Return how many incomplete executions are selected."""

    async def causes_of(self, selection: Selection) -> list[Cause]:
        """Return what a selection failed of, the most frequent first; of very many, the first."""

    async def delete_incompletes(self, ids: Sequence[str]) -> Changed:
        """Delete incomplete executions, by their whole ids, but for those in progress. What is not
        there is passed over."""

    async def resolve_incompletes(self, ids: Sequence[str]) -> Changed:
        """Mark incomplete executions as done without running them, as `delete_incompletes` deletes
        them."""

    async def claim(self, incomplete_id: str) -> Incomplete:
        """Set one to in progress and return it as it was before. Raises StoreBusyError if it is in
        progress already and its process lives, StoreError if it is resolved. The claim of a process
        that has ended, however it did, does not hold: the status is what it was before."""

    async def execution(self, execution_id: str) -> Execution:
        """Return one; `interrupted` if its status is running and its process is gone."""

    async def history(self, execution_id: str) -> History | None:
        """Return what is kept of the operations of an execution, by its whole id; None: nothing.

        Contents of its files may be gone."""

    async def executions(
        self, *, scenario_id: str | None = None, limit: int = 20
    ) -> list[Execution]:
        """Return the latest first."""

    async def tidy(self, retention: Retention, now: datetime) -> Forgotten:
        """Forget what is past its time, and sweep files; disk space is freed as far as no other
        process uses the store.

        What goes by age goes by the moment of an earlier call: see `Looks`."""

    async def sweep_files(self) -> int:
        """Delete contents that no unresolved incomplete execution and no journal names; return the
        bytes freed.

        Does nothing while another process uses the store.
        """

    async def close(self) -> None: ...


class Watcher(Protocol):
    """Hears what a run does, to show it; must not raise.

    Operations of pure modules are too many and too short to be told; `counts` shows them.
    """

    def planned(self, plan: Any, store_folder: Path, counts: Mapping[str, NodeCount]) -> None:
        """The run begins; `counts` changes while it goes on and may be read at any time."""

    def node_started(self, node_id: str) -> None: ...
    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None: ...
    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None:
        """So many of an operation's bundles have gone through the rest of the flow.

        `done` None: the operation is over. `total` None: nobody knows how many there will be.
        Told at the start, and then now and then.
        """

    def node_waits(self, node_id: str, seconds: float, reason: str) -> None:
        """An operation that failed is tried again after so long; `reason` says which attempt."""

    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None: ...
    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        """An operation failed; `outcome` says what became of the bundle."""

    def saved(self, node_id: str, path: Path) -> None: ...

    def note(self, text: str) -> None:
        """Something that a person should know, in one line."""
