"""One scenario under `fusion serve`: its events run in order of arrival, its retries when due.

It takes what the store holds, so whatever happens to this process, what was accepted is there for
the next one. `engine.app.serving` makes one worker per scenario; they share a `Stillness`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, clock, new_execution, surrounded, tidy
from engine.app.due import retries_at_once, retry_due
from engine.app.hooking import Log
from engine.app.resuming import resume_all
from engine.errors import EngineError, StoreError, UnresolvedError
from engine.model.events import Event
from engine.model.execution import Kind, NodeCount, Status
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.ports import Watcher
from engine.run.rules import event_wait, retry_waits
from engine.run.turn import in_turn
from engine.store.sqlite import SqliteStore

LOOK_SECONDS: Final = 5.0
"""Longest time between two looks into the store: another process may have changed it."""

TROUBLE_SECONDS: Final = (1.0, 5.0, 30.0, 60.0)
"""Waits before work goes on after it has failed once, twice, …"""

TIDY_SECONDS: Final = 3600.0
"""Pause between two looks at what the store may forget."""


class Stillness:
    """Knows whether any scenario of this process is at work: only when none is, contents of files
    that no record names may be swept."""

    def __init__(self) -> None:
        self._gate = asyncio.Lock()
        self._working = 0
        self._tidied_at: float | None = None

    @asynccontextmanager
    async def broken(self) -> AsyncIterator[None]:
        """Be at work; waits while the store is tidied."""
        async with self._gate:
            self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    async def tidy(self, store: SqliteStore) -> None:
        """Let the store forget what is past its time, now and then."""
        now = clock().monotonic()
        if self._tidied_at is not None and now - self._tidied_at < TIDY_SECONDS:
            return
        async with self._gate:
            if self._working:
                return
            self._tidied_at = now
            await tidy(store)


@dataclass(slots=True)
class Worker:
    """A scenario at work. `wakes` is set when there may be something new to do."""

    plan: Plan
    inputs: Mapping[str, Any]
    store: SqliteStore
    operator: Operator
    log: Log
    stillness: Stillness
    wakes: asyncio.Event = field(default_factory=asyncio.Event)
    rests: str = ""
    """Why its events wait, as was told last; empty: they do not."""

    async def work(self) -> None:
        """Do what there is to do, and wait for more, until this is cancelled.

        Trouble with the store only delays it. A run under way is cut short at the end.
        """
        troubles = 0
        while True:
            self.wakes.clear()
            try:
                busy = await self._turn()
                await self.stillness.tidy(self.store)
                seconds = 0.0 if busy else await self._rest_seconds()
                troubles = 0
            except StoreError as error:
                self._tell("trouble", error.message)
                seconds = TROUBLE_SECONDS[min(troubles, len(TROUBLE_SECONDS) - 1)]
                troubles += 1
            except EngineError as error:
                self._tell("trouble", "; ".join((error.message, *error.notes)))
                seconds = TROUBLE_SECONDS[-1]
            except Exception as error:  # a mistake of ours must not end the other scenarios
                self._tell("trouble", f"{type(error).__name__}: {error}")
                seconds = TROUBLE_SECONDS[-1]
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.wakes.wait()

    async def _turn(self) -> bool:
        """Take up what was cut off, retry what is due, run the next event; false if nothing was."""
        plan, store = self.plan, self.store
        due = await store.retries.due(clock().now(), scenario_id=plan.id, limit=1)
        cut_off = await self._was_cut_off()
        if not due and not cut_off and await self._next_event() is None:
            return False
        watcher = _Told(self._tell)
        async with (
            store.run_lock(plan.id, wait=True, on_wait=watcher.note),
            self.stillness.broken(),
        ):
            if cut_off:
                await self._take_up(watcher)
            await retry_due(plan.id, store, self.operator, watcher, at_once=retries_at_once(plan))
            event = await self._next_event()
            if event is not None:
                await self._run(event)
        return True

    async def _was_cut_off(self) -> bool:
        """Say whether a run for an event is unfinished. One by hand goes on with the next by hand,
        and an inactive scenario with nothing."""
        if not self.plan.is_instant or not (await self.store.scenario(self.plan.id)).active:
            return False
        return bool(await self.store.journal.unfinished(self.plan.id))

    async def _take_up(self, watcher: Watcher) -> None:
        """Finish the runs that were cut off; the event of one is acknowledged by its end."""
        for ran in await resume_all(self.plan, self.operator, self.store, watcher):
            self.log.ran(ran.plan, ran.execution, ran.event_id, ran.stored, ran.saved)
            if ran.execution.interrupted:
                raise asyncio.CancelledError

    async def _next_event(self) -> Event | None:
        """Return the event whose turn has come; None: none waits, or the scenario must rest."""
        event = await self.store.events.first(self.plan.id) if self.plan.is_instant else None
        if event is None or (event.due_at is not None and event.due_at > clock().now()):
            return None
        rests = await self._reason_to_rest()
        if rests and rests != self.rests:
            count = await self.store.events.waiting(self.plan.id)
            self._tell("rests", f"{rests}; events that wait: {count}", events=count)
        self.rests = rests
        return None if rests else event

    async def _reason_to_rest(self) -> str:
        known = await self.store.scenario(self.plan.id)
        if not known.active:
            return f"inactive, until: fusion activate {self.plan.id}"
        if self.plan.settings.sequential_processing and known.incomplete:
            return f"incomplete executions that must be resolved first: {known.incomplete}"
        return ""

    async def _rest_seconds(self) -> float:
        """Return for how long nothing is known to be due, at most until the next look."""
        now, moments = clock().now(), [await self.store.retries.next_at(self.plan.id)]
        if self.plan.is_instant and not self.rests:
            event = await self.store.events.first(self.plan.id)
            moments.append(event.due_at if event is not None else None)
        left = [(moment - now).total_seconds() for moment in moments if moment is not None]
        return max(0.05, min([LOOK_SECONDS, *left]))

    async def _run(self, event: Event) -> None:
        """Run the scenario for an event; the run's end acknowledges it, or it comes again."""
        plan, store, watcher = self.plan, self.store, _Told(self._tell)
        execution = new_execution(plan, Kind.SCENARIO)
        try:
            async with (
                in_turn(store, plan, watcher),
                surrounded(plan, self.operator, store, execution, watcher) as (around, _idle),
            ):
                marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
                run = Run(plan, around, execution, inputs=self.inputs, marks=marks)
                execution = await run.execute(event=event)
        except (StoreError, UnresolvedError):
            raise
        except EngineError as error:
            self._tell("trouble", f"cannot run: {error.message}", event_id=event.id)
            await self._failed(event, "ConnectionError")
            return
        self.log.ran(plan, execution, event.id, tuple(run.stored), tuple(run.saved))
        if execution.interrupted:
            raise asyncio.CancelledError
        if execution.status is Status.ERROR and execution.failure is not None:
            await self._failed(event, execution.failure.type)

    async def _failed(self, event: Event, type_name: str) -> None:
        """Let an event that was not acknowledged come again later, or deactivate the scenario."""
        first = await self.store.events.first(self.plan.id)
        if first is None or first.id != event.id:
            return
        waits = retry_waits(self.plan.settings.retry_schedule)
        wait = event_wait(type_name, event.attempts, waits)
        if wait is not None:
            now = clock().now()
            due_at = now + wait
            await self.store.retries.saw(now)
            await self.store.events.postpone(event, due_at)
            text = f"event {event.id} comes again at {due_at:%H:%M:%S} UTC"
            self._tell("postponed", text, event_id=event.id)
            return
        await self.store.set_active(self.plan.id, active=False)
        self._tell("deactivated", f"deactivated; event {event.id} waits", event_id=event.id)

    def _tell(self, kind: str, text: str, **facts: Any) -> None:
        self.log.line(kind, text, scenario=self.plan.id, **facts)


class _Told:
    """A watcher whose notes and failures become lines of the log."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def planned(self, plan: Any, store_folder: Path, counts: Mapping[str, NodeCount]) -> None: ...
    def node_started(self, node_id: str) -> None: ...
    def node_progress(self, node_id: str, done: float, total: float | None, text: str) -> None: ...
    def node_emits(self, node_id: str, done: int | None, total: int | None) -> None: ...
    def node_waits(self, node_id: str, seconds: float, reason: str) -> None: ...
    def node_finished(self, node_id: str, *, bundles: int, seconds: float) -> None: ...
    def saved(self, node_id: str, path: Path) -> None: ...

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        self._tell("failure", f"{node_id} failed: {failure} ({outcome})", node=node_id)

    def note(self, text: str) -> None:
        self._tell("note", text)
