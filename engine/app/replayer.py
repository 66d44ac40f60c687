"""Replays one record after another: what those of one scenario share is opened once.

Called by `engine.app.replaying`. Where nothing behind the failed node has an effect outside, many
replays are written in one transaction: one that is cut off before has done nothing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, new_execution, surrounded, world
from engine.app.planned import How, changed_since, inputs_for, plan_for, planned
from engine.app.resuming import resume
from engine.errors import EngineError, UsageError
from engine.model.execution import Execution, Incomplete, IncompleteStatus, Kind
from engine.module import Effect
from engine.plan.plan import Plan
from engine.run import core
from engine.run.driver import Run, marked_nodes
from engine.run.durable import to_the_end
from engine.run.journaling import Resuming
from engine.run.ports import Watcher
from engine.run.surroundings import Surroundings
from engine.store import refused
from engine.store.deferred import Deferred
from engine.store.sqlite import SqliteStore

TOLD: Final = 100
"""Every so many replays a line says how far it is."""


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


@asynccontextmanager
async def replayer_of(
    store: SqliteStore,
    operator: Operator,
    watcher: Watcher,
    how: How,
    plans: Mapping[str, Any] | None = None,
) -> AsyncIterator["Replayer"]:
    """Give what replays records of a store, and close what it has opened at the end."""
    replayer = Replayer(store, operator, watcher, how, plans or {})
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
    is_pure: bool
    """Nothing in it has an effect outside, or data of its own."""
    around: Surroundings | None = None
    idle: Any = None


@dataclass(slots=True)
class Replayer:
    """Replays records; what the records of one scenario share is opened once."""

    store: SqliteStore
    operator: Operator
    watcher: Watcher
    how: How
    plans: Mapping[str, Any]
    _scene: _Scene | None = None
    _interrupted: bool = field(default=False)
    _claimed: dict[str, Incomplete] = field(default_factory=dict)
    """Records that come next, by id."""
    _settled: set[str] = field(default_factory=set)
    """Scenarios of which no execution was cut off."""
    _deferred: Deferred | None = None
    _lock_stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _locked: str = ""
    """Scenario that is kept from running; replays without an effect outside share one lock."""

    async def ahead(self, ids: Sequence[str]) -> None:
        """Claim the records that come next, and write what has ended."""
        await self.settle()
        self._claimed = {one.id: one for one in await self.store.claim_ahead(ids)}
        self._settled = set()
        for scenario_id in {one.scenario_id for one in self._claimed.values()}:
            if not await self.store.journal.unfinished(scenario_id):
                self._settled.add(scenario_id)

    async def settle(self) -> None:
        """Write what has ended, and give up claims of what has not begun."""
        if self._deferred is not None:
            await to_the_end(self._deferred.settle())
        await self._unlock()
        if left := list(self._claimed):
            await to_the_end(self.store.let_go(left))
            self._claimed = {}

    async def replay(self, incomplete_id: str) -> ReplayResult:
        """Replay one once its scenario does not run; one that has been resolved stays so."""
        record = self._claimed.pop(incomplete_id, None)
        if record is not None and record.scenario_id not in self._settled:
            await self.store.let_go([record.id])
            record = None
        if record is None:
            scenario_id = await self._checked(incomplete_id)
            await self._unlock()
            async with self.store.run_lock(scenario_id, wait=True, on_wait=self.watcher.note):
                return await self.alone(incomplete_id)
        try:
            await self._lock(record.scenario_id)
            return await self._replayed(record)
        except BaseException:
            await to_the_end(self._released(record))
            raise
        finally:
            if self._scene is None or not self._scene.is_pure:
                await self._unlock()

    async def _lock(self, scenario_id: str) -> None:
        """Keep a scenario from running, until it is unlocked or another one is locked."""
        if self._locked == scenario_id:
            return
        await self._unlock()
        lock = self.store.run_lock(scenario_id, wait=True, on_wait=self.watcher.note)
        await self._lock_stack.enter_async_context(lock)
        self._locked = scenario_id

    async def _unlock(self) -> None:
        await self._lock_stack.aclose()
        self._locked = ""

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
        """Return why a record was not replayed; that it is resolved is no reason to tell."""
        record = await self.store.incomplete(incomplete_id)
        is_done = record.status is IncompleteStatus.RESOLVED
        return ReplayResult(_bare(record), None, refusal=None if is_done else error)

    def tell(self, result: ReplayResult, number: int, count: int) -> None:
        """Tell of those that are still stored, and now and then how far it is."""
        if not result.resolved:
            self.watcher.note(f"{number} of {count}: {result.incomplete.id[:8]} still stored")
        elif number % TOLD == 0 or number == count:
            self.watcher.note(f"{number} of {count} replayed")

    async def close(self) -> None:
        """Write what has ended, and close what is open."""
        try:
            await self.settle()
        finally:
            await self._leave()

    def _deferring(self) -> Deferred:
        if self._deferred is None:
            self._deferred = Deferred(self.store, self.store.write)
        return self._deferred

    async def _leave(self) -> None:
        """Close a scenario, once the servers of ours that were started have no job left."""
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
        marks: dict[str, Mapping[str, Any]] = {}
        runs_trigger = record.node_id == scene.plan.trigger.id and not self.how.from_trigger
        if scene.is_pure and not runs_trigger:
            around = replace(around, store=self._deferring())
        else:
            for name in marked_nodes(scene.plan):
                marks[name] = await self.store.cursor(scene.plan.id, name)
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
            await self._leave()
            plan = plan_for(record, self.operator, self.how)
            self._scene = _Scene(key, plan, AsyncExitStack(), _is_pure(plan))
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
        if self._deferred is not None:
            await self._deferred.settle()
        now = await self.store.incomplete(record.id)
        if now.status is IncompleteStatus.IN_PROGRESS:
            await self.store.park(record)


def _bare(record: Incomplete) -> Incomplete:
    """Return a record without its data: thousands of results fit into memory."""
    return replace(
        record, bundles={}, source="", inputs={}, variables={}, fields=None, earlier=(), cursor={}
    )


def _is_pure(plan: Plan) -> bool:
    modules = [node.module for node in plan.nodes.values() if node.module is not None]
    behind = [module for module in modules if module is not plan.trigger.module]
    return all(module.effect is Effect.PURE for module in behind)
