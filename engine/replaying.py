"""Replays of incomplete executions from the node that failed, and edits of them before that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.app import (
    Operator,
    load_plan,
    new_execution,
    open_store,
    stored_plan,
    surrounded,
    tidy,
    world,
)
from engine.errors import UsageError
from engine.model.bundle import File
from engine.model.execution import Execution, Incomplete, IncompleteStatus, Kind
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.durable import to_the_end
from engine.run.operation import check_fields, scope_of
from engine.run.ports import Watcher
from engine.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How a replay went; `incomplete` is the record as it is now."""

    incomplete: Incomplete
    execution: Execution
    saved: tuple[Path, ...]
    plan: Plan

    @property
    def outcome(self) -> str:
        """What it came to, in a line."""
        if self.incomplete.status is IncompleteStatus.RESOLVED:
            return "resolved"
        failure, ended_by = self.incomplete.failure, self.execution.failure
        head = "interrupted" if self.execution.interrupted else "failed again"
        if ended_by is not None and ended_by.before_bundles:
            head, failure = "not begun", ended_by
        return f"{head}: {failure.type}: {failure.message}"


async def replay(
    ids: Sequence[str], operator: Operator, watcher: Watcher, *, current: bool = False
) -> list[ReplayResult]:
    """Replay incomplete executions one after another, each from the node that failed.

    They run the scenario as it was stored; `current`: as its file says today. A replay waits while
    its scenario runs. An interruption ends the row after the replay that it met.
    """
    results: list[ReplayResult] = []
    async with open_store(operator) as store:
        for incomplete_id in ids:
            scenario_id = (await store.incomplete(incomplete_id)).scenario_id
            async with store.run_lock(scenario_id, wait=True, on_wait=watcher.note):
                result = await _replayed(incomplete_id, operator, store, watcher, current=current)
            results.append(result)
            if result.execution.interrupted:
                break
        await tidy(store)
    return results


async def replay_alone(
    incomplete_id: str, operator: Operator, store: SqliteStore, watcher: Watcher
) -> ReplayResult:
    """Replay one as it was stored, while the caller keeps its scenario from running."""
    return await _replayed(incomplete_id, operator, store, watcher, current=False)


async def edit_incomplete(
    incomplete_id: str,
    operator: Operator,
    *,
    files: Mapping[str, Path],
    values: Mapping[str, Any],
) -> Incomplete:
    """Change bundles of a stored incomplete execution; keys are `NODE.ITEM`.

    The failed node's fields are mapped anew and checked first. Raises UsageError (E606) for an
    item that is not there, ModuleError if the fields no longer fit.
    """
    async with open_store(operator) as store:
        incomplete = await store.incomplete(incomplete_id)
        if incomplete.status is IncompleteStatus.RESOLVED:
            raise UsageError(f"{incomplete.id[:8]} is resolved already", code="E606")
        taken: dict[str, Any] = {key: await _taken(store, path) for key, path in files.items()}
        edited = replace(incomplete, bundles=_edited(incomplete, {**values, **taken}))
        plan = stored_plan(incomplete, operator)
        scope = scope_of(plan, world(plan, edited.execution_id), edited.inputs, edited.bundles)
        check_fields(plan.nodes[incomplete.node_id], scope)
        await store.park(edited)
    return edited


async def _taken(store: SqliteStore, path: Path) -> File:
    try:
        return await store.files.take(path)
    except OSError as error:
        text = f"cannot read {path}: {error.strerror or error}"
        raise UsageError(text, code="E402") from error


def _edited(incomplete: Incomplete, changes: Mapping[str, Any]) -> dict[str, Any]:
    bundles = {name: dict(bundle) for name, bundle in incomplete.bundles.items()}
    for key, value in changes.items():
        node, _, item = key.partition(".")
        if node not in bundles or item not in bundles[node]:
            there = [f"{name}.{item}" for name, bundle in bundles.items() for item in bundle]
            raise UsageError(
                f"`{key}` is not in this incomplete execution",
                code="E606",
                notes=(f"it has: {', '.join(there)}",),
                next_command=f"fusion incomplete show {incomplete.id[:8]}",
            )
        bundles[node][item] = value
    return bundles


async def _replayed(
    incomplete_id: str, operator: Operator, store: SqliteStore, watcher: Watcher, *, current: bool
) -> ReplayResult:
    incomplete = await store.claim(incomplete_id)
    try:
        plan = _replay_plan(incomplete, operator, current=current)
        execution = new_execution(plan, Kind.REPLAY)
        async with surrounded(plan, operator, store, execution, watcher) as (around, idle):
            marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
            run = Run(plan, around, execution, inputs=incomplete.inputs, marks=marks)
            watcher.planned(plan, store.folder, run.counts)
            execution = await run.replay(incomplete)
            if not execution.interrupted:
                await idle()
    except BaseException:
        await to_the_end(_released(store, incomplete))
        raise
    return ReplayResult(await store.incomplete(incomplete.id), execution, tuple(run.saved), plan)


async def _released(store: SqliteStore, incomplete: Incomplete) -> None:
    """Give a record back that could not be replayed; one that was replayed keeps its outcome."""
    now = await store.incomplete(incomplete.id)
    if now.status is IncompleteStatus.IN_PROGRESS:
        await store.park(incomplete)


def _replay_plan(incomplete: Incomplete, operator: Operator, *, current: bool) -> Plan:
    path = Path(incomplete.source_path)
    plan = load_plan(path, operator) if current else stored_plan(incomplete, operator)
    if incomplete.node_id not in plan.positions:
        raise UsageError(
            f"the scenario of today has no node `{incomplete.node_id}`",
            code="E701",
            notes=(f"it has: {', '.join(plan.nodes)}",),
            next_command=f"fusion replay {incomplete.id[:8]}",
        )
    return plan
