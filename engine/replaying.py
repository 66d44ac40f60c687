"""Replays of incomplete executions: one or many, from the failed node or behind the trigger."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, clock, new_execution, open_store, surrounded, tidy, world
from engine.errors import EngineError, ScenarioError, SetupError, StoreBusyError, UsageError
from engine.model.execution import Execution, Incomplete, IncompleteStatus, Kind
from engine.plan.plan import Plan
from engine.planned import How, Planned, changed_since, inputs_for, plan_for, planned
from engine.resuming import resume
from engine.run import core
from engine.run.driver import Run, marked_nodes
from engine.run.durable import to_the_end, uncancelled
from engine.run.journaling import Resuming
from engine.run.ports import Clock, Watcher
from engine.run.surroundings import Surroundings
from engine.store import refused
from engine.store.sqlite import SqliteStore

TOLD: Final = 10
"""Reasons why plans no longer hold that are told."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many replays go on. `every`: the least time from one begin to the next, None: at once.

    `stop_on`: after so many that did not resolve their record nothing more begins; None: never.
    """

    every: timedelta | None = None
    stop_on: int | None = None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How a replay went; `incomplete` is the record as it is now, without its data.

    `execution` is None if it could not begin, and `refusal` says why.
    """

    incomplete: Incomplete
    execution: Execution | None
    saved: tuple[Path, ...] = ()
    refusal: EngineError | None = None

    @property
    def resolved(self) -> bool:
        return self.incomplete.status is IncompleteStatus.RESOLVED

    @property
    def interrupted(self) -> bool:
        return self.execution is not None and self.execution.interrupted

    @property
    def outcome(self) -> str:
        """What it came to, in a line."""
        if self.resolved:
            return "resolved"
        if self.execution is None:
            return f"not begun: {self.refusal.message if self.refusal else ''}"
        failure, ended_by = self.incomplete.failure, self.execution.failure
        head = "interrupted" if self.interrupted else "failed again"
        if ended_by is not None and ended_by.before_bundles:
            head, failure = "not begun", ended_by
        return f"{head}: {failure.type}: {failure.message}"


@dataclass(frozen=True, slots=True)
class Replays:
    """All that came of a bulk replay; `left` were not begun."""

    results: tuple[ReplayResult, ...]
    left: tuple[str, ...] = ()
    interrupted: bool = False


async def replay(
    ids: Sequence[str],
    operator: Operator,
    watcher: Watcher,
    how: How = How(),  # noqa: B008 - frozen
    bulk: Bulk = Bulk(),
) -> Replays:
    """Replay incomplete executions one after another, by their whole ids.

    A replay waits while its scenario runs. One that cannot begin is refused, and the others go on;
    if it is the only one, its refusal is raised.
    """
    async with open_store(operator) as store:
        async with _replayer(store, operator, watcher, how) as replayer:
            found = await _each(ids, replayer, Pace(bulk.every, clock()), bulk.stop_on)
        await tidy(store)
    return found


async def replay_alone(
    incomplete_id: str, operator: Operator, store: SqliteStore, watcher: Watcher
) -> ReplayResult:
    """Replay one as it was stored, while the caller keeps its scenario from running."""
    async with _replayer(store, operator, watcher, How()) as replayer:
        return await replayer.alone(incomplete_id)


async def plans_of(ids: Sequence[str], operator: Operator, how: How) -> list[Planned]:
    """Return what the replays of incomplete executions would do. Raises UsageError for a misfit."""
    async with open_store(operator) as store:
        records = [await store.incomplete(one) for one in ids]
    return [planned(record, plan_for(record, operator, how), how) for record in records]


async def apply(
    plans: Mapping[str, Any], operator: Operator, watcher: Watcher, how: How, bulk: Bulk
) -> Replays:
    """Do exactly what replay plans say, by their ids.

    Raises UsageError (E608), before anything runs, if one of them no longer holds. One that stops
    to hold later is refused when its turn comes.
    """
    reasons: list[str] = []
    async with open_store(operator) as store:
        for one, plan in plans.items():
            record = await store.incomplete(one)
            reasons += [f"{one[:8]}: {why}" for why in _why_not(record, plan, operator, how)]
    if reasons:
        more = [f"and {len(reasons) - TOLD} more"] if len(reasons) > TOLD else []
        raise UsageError(
            "the replay plan no longer holds, so nothing was replayed",
            code="E608",
            notes=(*reasons[:TOLD], *more),
        )
    async with open_store(operator) as store:
        async with _replayer(store, operator, watcher, how, plans) as replayer:
            found = await _each(list(plans), replayer, Pace(bulk.every, clock()), bulk.stop_on)
        await tidy(store)
    return found


class Pace:
    """Lets replays begin no faster than one in `every`; None: without a wait."""

    def __init__(self, every: timedelta | None, clock: Clock) -> None:
        self._every = 0.0 if every is None else every.total_seconds()
        self._clock = clock
        self._next_at = clock.monotonic()

    async def turn(self) -> None:
        """Wait until the next replay may begin."""
        wait = self._next_at - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(timedelta(seconds=wait))
        self._next_at = max(self._next_at, self._clock.monotonic()) + self._every


async def _each(
    ids: Sequence[str], replayer: "_Replayer", pace: Pace, stop_on: int | None
) -> Replays:
    results: list[ReplayResult] = []
    failures = 0
    for number, one in enumerate(ids, 1):
        try:
            await pace.turn()
            result = await replayer.replay(one)
        except asyncio.CancelledError:
            if not results:
                raise
            uncancelled()
            return Replays(tuple(results), tuple(ids[number - 1 :]), interrupted=True)
        except _REFUSALS as error:
            if len(ids) == 1:
                raise
            result = await replayer.refused(one, error)
        results.append(result)
        if len(ids) > 1:
            replayer.tell(result, number, len(ids))
        failures += not result.resolved
        if result.interrupted or failures == stop_on:
            left = tuple(ids[number:])
            return Replays(tuple(results), left, interrupted=result.interrupted)
    return Replays(tuple(results))


_REFUSALS: Final = (ScenarioError, SetupError, StoreBusyError)
"""Why one record cannot be replayed while others can."""


@asynccontextmanager
async def _replayer(
    store: SqliteStore,
    operator: Operator,
    watcher: Watcher,
    how: How,
    plans: Mapping[str, Any] | None = None,
) -> AsyncIterator["_Replayer"]:
    replayer = _Replayer(store, operator, watcher, how, plans or {})
    try:
        yield replayer
    finally:
        await replayer.close()


@dataclass(slots=True)
class _Scene:
    """A scenario that is open for replays, one after another."""

    key: tuple[str, str]
    plan: Plan
    stack: AsyncExitStack
    around: Surroundings | None = None
    idle: Any = None


@dataclass(slots=True)
class _Replayer:
    """Replays records; what the records of one scenario share is opened once."""

    store: SqliteStore
    operator: Operator
    watcher: Watcher
    how: How
    plans: Mapping[str, Any]
    _scene: _Scene | None = None
    _interrupted: bool = field(default=False)

    async def replay(self, incomplete_id: str) -> ReplayResult:
        scenario_id = await self._checked(incomplete_id)
        async with self.store.run_lock(scenario_id, wait=True, on_wait=self.watcher.note):
            return await self.alone(incomplete_id)

    async def alone(self, incomplete_id: str) -> ReplayResult:
        """Replay one while its scenario is kept from running; one that was cut off is finished."""
        if (taken_up := await self._taken_up(incomplete_id)) is not None:
            return taken_up
        record = await self.store.claim(incomplete_id)
        try:
            return await self._replayed(record)
        except BaseException:
            await to_the_end(self._released(record))
            raise

    async def _taken_up(self, incomplete_id: str) -> ReplayResult | None:
        """Finish a replay of a record that was cut off; None: there is none."""
        summary = await self.store.summary(incomplete_id)
        for one in await self.store.journal.unfinished(summary.scenario_id):
            if one.origin.replayed is None or one.origin.replayed.id != summary.id:
                continue
            ran = await resume(one, Resuming.WHOLE, self.operator, self.store, self.watcher)
            if ran is not None:
                self._interrupted |= ran.execution.interrupted
                now = await self.store.incomplete(summary.id)
                return ReplayResult(_bare(now), ran.execution, ran.saved)
        return None

    async def refused(self, incomplete_id: str, error: EngineError) -> ReplayResult:
        record = await self.store.incomplete(incomplete_id)
        return ReplayResult(_bare(record), None, refusal=error)

    def tell(self, result: ReplayResult, number: int, count: int) -> None:
        outcome = "resolved" if result.resolved else "still stored"
        self.watcher.note(f"{number} of {count}: {result.incomplete.id[:8]} {outcome}")

    async def close(self) -> None:
        """Close what is open, once the servers of ours that were started have no job left."""
        scene, self._scene = self._scene, None
        if scene is None:
            return
        async with scene.stack:
            if scene.idle is not None and not self._interrupted:
                await scene.idle()

    async def _checked(self, incomplete_id: str) -> str:
        summary = await self.store.summary(incomplete_id)
        if summary.status is IncompleteStatus.RESOLVED:
            raise refused.resolved(summary.id)
        return summary.scenario_id

    async def _replayed(self, record: Incomplete) -> ReplayResult:
        scene = await self._scene_for(record)
        if record.id in self.plans:
            changed = changed_since(self.plans[record.id], planned(record, scene.plan, self.how))
            if changed:
                raise UsageError(f"its replay plan no longer holds: {changed[0]}", code="E608")
        execution = new_execution(scene.plan, Kind.REPLAY)
        around = await self._around(scene, execution)
        inputs = inputs_for(record, scene.plan, self.how)
        marks = {
            name: await self.store.cursor(scene.plan.id, name) for name in marked_nodes(scene.plan)
        }
        run = Run(scene.plan, around, execution, inputs=inputs, marks=marks)
        self.watcher.planned(scene.plan, self.store.folder, run.counts)
        execution = await run.replay(record, from_trigger=self.how.from_trigger)
        self._interrupted |= execution.interrupted
        stored = next((one for one in run.stored if one.id == record.id), None)
        outcome = stored or core.after_replay(record, execution)
        return ReplayResult(_bare(outcome), execution, tuple(run.saved))

    async def _scene_for(self, record: Incomplete) -> _Scene:
        key = (record.source_path, "" if self.how.current else record.source)
        if self._scene is None or self._scene.key != key:
            await self.close()
            plan = plan_for(record, self.operator, self.how)
            self._scene = _Scene(key, plan, AsyncExitStack())
        elif self.how.current or record.node_id not in self._scene.plan.nodes:
            plan_for(record, self.operator, self.how)  # another record may not fit
        return self._scene

    async def _around(self, scene: _Scene, execution: Execution) -> Surroundings:
        if scene.around is None:
            opening = surrounded(scene.plan, self.operator, self.store, execution, self.watcher)
            opened, scene.idle = await scene.stack.enter_async_context(opening)
            scene.around = opened
        facts = world(scene.plan, execution.id, execution.started_at)
        return replace(scene.around, world=facts)

    async def _released(self, record: Incomplete) -> None:
        """Give a record back that could not be replayed; one that was keeps its outcome."""
        now = await self.store.incomplete(record.id)
        if now.status is IncompleteStatus.IN_PROGRESS:
            await self.store.park(record)


def _bare(record: Incomplete) -> Incomplete:
    """Return a record without its data: thousands of results fit into memory."""
    return replace(
        record, bundles={}, source="", inputs={}, variables={}, fields=None, earlier=(), cursor={}
    )


def _why_not(record: Incomplete, plan: Any, operator: Operator, how: How) -> list[str]:
    """Say why a replay plan does not hold for a record; nothing: it does."""
    if record.status is IncompleteStatus.RESOLVED:
        return ["it is resolved"]
    try:
        return changed_since(plan, planned(record, plan_for(record, operator, how), how))
    except (ScenarioError, SetupError) as error:
        return [error.message]
