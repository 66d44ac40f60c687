"""Runs that try a scenario: a part of it, on data of an earlier run, step by step, or dry.

The run itself is real, but it leaves the store as it is: the trigger's marks stay, and what fails
is told and not stored. Only the run is remembered, so that it can be looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from engine.app import (
    Operator,
    RandomIds,
    load_plan,
    new_execution,
    opened,
    surrounded,
    tidy,
)
from engine.app.stored import OperationId, chosen, kept_of, nothing_kept
from engine.errors import NotFoundError, RunError, UsageError
from engine.model.bundle import Bundle
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
)
from engine.model.history import History
from engine.model.retention import RUNS
from engine.module import Context, Effect, Fields
from engine.plan.cut import cut_behind, own_entry
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inputs import read_bundles, settle_inputs
from engine.plan.plan import Node, NodeKind, Plan, Route
from engine.plan.rebuilt import rebuilt
from engine.plan.stand_in import standing_for
from engine.run.driver import Run, marked_nodes
from engine.run.ports import NOTHING_MORE, Ending, Watcher
from engine.store import place
from engine.store.files import FolderFiles
from engine.store.memory import MemoryStore
from engine.store.sqlite import SqliteStore

Pause = Callable[[Node, Fields], bool]
"""Called before each operation with its mapped fields; false ends the run."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried of a scenario.

    `start_at` names the node to begin at; what it sees is one bundle of it in a run (`run_id`,
    `number`), or each object in `bundles`, which then has bundles by node id. Without it, `bundles`
    take the trigger's place. `until` names the last node that runs. `dry`: nothing outside is
    changed. `pause` is asked before each operation.
    """

    scenario: Path
    inputs: Mapping[str, str]
    bundles: Path | None = None
    start_at: str | None = None
    run_id: str | None = None
    number: int | None = None
    until: str | None = None
    dry: bool = False
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """How a trial went; `failed` holds what would have been stored of its failures."""

    plan: Plan
    execution: Execution
    failed: tuple[Incomplete, ...]
    saved: tuple[Path, ...]
    store_folder: Path
    store_created: bool


class _StoppedError(RunError):
    type_name = "ExecutionInterruptedError"


class _Telling:
    """Tells a watcher of a trial what it hears, for which nothing is stored."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watcher, name)

    def node_failed(self, node_id: str, failure: str, *, outcome: str) -> None:
        told = outcome.replace("stored as", "not stored as")
        self._watcher.node_failed(node_id, failure, outcome=told)


class _Passing(MemoryStore):
    """A store for the time of a trial, which hands on the history of its run."""

    def __init__(self, files: FolderFiles) -> None:
        super().__init__(files)
        self.seen: History | None = None

    async def finish(self, execution: Execution, ending: Ending = NOTHING_MORE) -> None:
        await super().finish(execution, ending)
        self.seen = ending.history


async def try_scenario(trial: Trial, operator: Operator, watcher: Watcher) -> TrialResult:
    """Try a scenario.

    Raises NotFoundError for a node, run or bundle that is not there, UsageError for a node that
    cannot be the last.
    """
    plan = _staged(load_plan(trial.scenario, operator), trial, watcher)
    inputs = settle_inputs(plan, trial.inputs)
    folder, created = place.for_run(operator.store, plan.path, Path.cwd())
    async with opened(folder, create=True) as store:
        given = await _given(trial, plan, store)
        passing = _Passing(store.files)
        await passing.register_scenario(plan.id, plan.path)
        marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
        execution = new_execution(plan, Kind.TRIAL)
        async with surrounded(plan, operator, store, execution, watcher) as (around, idle):
            telling = cast("Watcher", _Telling(watcher))
            beside = replace(around, store=passing, watcher=telling)
            run = Run(plan, beside, execution, inputs=inputs, marks=marks)
            watcher.planned(plan, folder, run.counts)
            if trial.start_at is None:
                ended = await run.execute(fed=given)
            else:
                record = _record(plan, trial.start_at, given, inputs, execution)
                await passing.park(record)
                ended = await run.replay(await passing.claim(record.id))
            if not ended.interrupted:
                await idle()
        await store.begin(execution)
        await store.finish(ended, Ending(history=passing.seen))
        await tidy(store)
    failed = tuple(one for one in run.stored if one.status is not IncompleteStatus.RESOLVED)
    return TrialResult(plan, ended, failed, tuple(run.saved), folder, created)


def _staged(plan: Plan, trial: Trial, watcher: Watcher) -> Plan:
    """Return the part of a plan that is tried, with modules that pause, or change nothing."""
    for name in filter(None, (trial.start_at, trial.until)):
        if name not in plan.nodes:
            text = f"the scenario has no node {shown(name)}{did_you_mean(name, plan.nodes)}"
            raise NotFoundError(text, notes=(f"it has: {listed(plan.nodes)}",))
    if trial.until is not None:
        try:
            plan = cut_behind(plan, trial.until)
        except ValueError as error:
            raise UsageError(f"{shown(trial.until)} {error}", code="E701") from error
    if not trial.dry and trial.pause is None:
        return plan
    return rebuilt(plan, lambda node: _watched(node, trial, watcher), _same_route, own_entry)


def _same_route(_router: Node, _number: int, route: Route) -> Route:
    return route


def _watched(node: Node, trial: Trial, watcher: Watcher) -> Node:
    if node.module is None:
        return node
    dry = trial.dry and node.module.effect is Effect.WRITE
    execute, pause = node.module.execute, trial.pause

    def watched(fields: Fields, ctx: Context) -> Any:
        if pause is not None and not pause(node, fields):
            raise _StoppedError(f"stopped before `{node.id}`, as asked")
        if dry:
            watcher.note(f"{node.id} would run {node.module_id} now; a dry run changes nothing")
            return iter([{}])
        return execute(fields, ctx)

    if not dry and pause is None:
        return node
    return replace(node, module=standing_for(node.module, watched, alone=dry))


async def _given(trial: Trial, plan: Plan, store: SqliteStore) -> Iterable[Bundle] | None:
    """Return what takes the trigger's place, or the bundles by node that the first node sees."""
    if trial.bundles is not None:
        return read_bundles(trial.bundles)
    if trial.start_at is None:
        return None
    start = plan.nodes[trial.start_at]
    if start.kind is NodeKind.ROUTER:
        firsts = listed(route.flow[0].id for route in start.routes if route.flow)
        raise UsageError(
            f"{shown(start.id)} is a router, of which a run keeps nothing",
            notes=(f"begin behind it: {firsts}", "or give what it sees by node: --input FILE"),
        )
    execution, history = await _recorded(trial, trial.start_at, plan, store)
    kept = kept_of(trial.start_at, execution, history)
    operation = chosen(kept, OperationId(execution.id, trial.start_at, trial.number))
    return [dict(operation.bundles)]


async def _recorded(
    trial: Trial, node_id: str, plan: Plan, store: SqliteStore
) -> tuple[Execution, History]:
    """Return the run that is named, or else the latest one in which the node saw something."""
    if trial.run_id is not None:
        execution = await store.execution(trial.run_id)
        history = await store.history(execution.id)
        if history is None:
            raise nothing_kept(execution)
        return execution, history
    for execution in await store.executions(scenario_id=plan.id, limit=RUNS):
        history = await store.history(execution.id)
        if history is not None and node_id in history.operations:
            return execution, history
    raise NotFoundError(
        f"`{node_id}` has done nothing in any run that is kept, so nobody knows what it sees",
        notes=("give it as bundles by node: --input FILE",),
    )


def _record(
    plan: Plan,
    node_id: str,
    given: Iterable[Bundle] | None,
    inputs: Mapping[str, Any],
    execution: Execution,
) -> Incomplete:
    """Return a record from which a run begins at a node; it is gone with the trial's store."""
    bundles = next(iter(given or ()), {})
    for name, bundle in bundles.items():
        if name not in plan.nodes or not isinstance(bundle, Mapping):
            text = f"what {shown(node_id)} sees should be bundles by node, but has {shown(name)}"
            raise UsageError(text, code="E402", notes=(f"nodes: {listed(plan.nodes)}",))
    return Incomplete(
        id=RandomIds().new(),
        scenario_id=plan.id,
        execution_id=execution.id,
        node_id=node_id,
        status=IncompleteStatus.UNRESOLVED,
        created_at=execution.started_at,
        failure=Failure("RuntimeError", "the trial begins here"),
        source=plan.source,
        source_path=str(plan.path),
        bundles=bundles,
        inputs=inputs,
    )
