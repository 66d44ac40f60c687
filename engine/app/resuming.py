"""Runs that ended before their work did: taken up again before the next one, or dropped.

A process that died left the journal of its run, as does one that was interrupted. Called by
`engine.app.running` and `engine.app.replaying` with the scenario's run lock held.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.app import Operator, clock, load_plan, open_store, stored_plan, surrounded
from engine.errors import NotFoundError, ScenarioError, UsageError
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    Status,
)
from engine.model.journal import Origin, Tally, Unfinished
from engine.plan.inputs import read_bundles
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.journaling import Resuming
from engine.run.ports import Ending, Watcher
from engine.store.refused import SHORTEST_PREFIX
from engine.store.sqlite import SqliteStore

SHOWN: Final = 8
"""Characters of an id that people are shown."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run went; `event_id` names what it ran for, if its trigger waits for events."""

    plan: Plan
    execution: Execution
    stored: tuple[Incomplete, ...]
    saved: tuple[Path, ...]
    event_id: str = ""


@dataclass(frozen=True, slots=True)
class Discarded:
    """A run that was dropped, and what its operations had done until then."""

    execution: Execution
    operations: tuple[Tally, ...]


async def resume_all(
    plan: Plan, operator: Operator, store: SqliteStore, watcher: Watcher
) -> list[Ran]:
    """Take up every run of a scenario that did not finish, the oldest first.

    Each runs the scenario as it was then. If that is the one of today too, its trigger goes on;
    else only the bundles that it had taken are worked off. An interruption ends the row.
    """
    results: list[Ran] = []
    for one in await store.journal.unfinished(plan.id):
        how = Resuming.WHOLE if one.origin.source == plan.source else Resuming.TAKEN
        result = await resume(one, how, operator, store, watcher)
        if result is not None:
            results.append(result)
            if result.execution.interrupted:
                break
    return results


async def resume(
    unfinished: Unfinished,
    how: Resuming,
    operator: Operator,
    store: SqliteStore,
    watcher: Watcher,
) -> Ran | None:
    """Take up a run that did not finish; None: its record was resolved or edited meanwhile."""
    begun, origin = unfinished.execution, unfinished.origin
    if not await _is_wanted(unfinished, store):
        await _dropped(begun, store)
        watcher.note(f"run {begun.id[:SHOWN]} is dropped: what it replayed has been changed since")
        return None
    plan = _plan_of(unfinished, operator)
    watcher.note(_words(begun, await store.journal.tally(begun.id)))
    marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
    execution = Execution(begun.id, begun.scenario_id, begun.kind, Status.RUNNING, begun.started_at)
    async with AsyncExitStack() as stack:
        around, idle = await stack.enter_async_context(
            surrounded(plan, operator, store, execution, watcher)
        )
        run = Run(plan, around, execution, inputs=origin.inputs, marks=marks, resuming=how)
        watcher.planned(plan, store.folder, run.counts)
        execution = await _run_again(run, origin, store)
        if not execution.interrupted:
            await idle()
    event_id = "" if origin.event is None else origin.event.id
    return Ran(plan, execution, tuple(run.stored), tuple(run.saved), event_id)


async def discard(
    scenario: Path, run_id: str, operator: Operator, watcher: Watcher, *, wait: bool
) -> Discarded:
    """Drop a run that did not finish: what it did stays, and what it took comes again.

    `run_id` may be shortened. Raises NotFoundError if there is no such run.
    """
    plan = load_plan(scenario, operator)
    async with (
        open_store(operator, plan.path) as store,
        store.run_lock(plan.id, wait=wait, on_wait=watcher.note),
    ):
        execution = _chosen(run_id, await store.journal.unfinished(plan.id)).execution
        operations = await store.journal.tally(execution.id)
        dropped = await _dropped(execution, store)
        await store.sweep_files()
    return Discarded(dropped, tuple(operations))


async def _run_again(run: Run, origin: Origin, store: SqliteStore) -> Execution:
    if origin.replayed is not None:
        await store.claim(origin.replayed.id)
        return await run.replay(origin.replayed, from_trigger=origin.from_trigger)
    fed = None if origin.fed is None else read_bundles(origin.fed.path)
    return await run.execute(fed=fed, fed_file=origin.fed, event=origin.event)


async def _is_wanted(unfinished: Unfinished, store: SqliteStore) -> bool:
    """Tell whether nobody has resolved, edited or deleted what a dead replay worked on."""
    replayed = unfinished.origin.replayed
    if replayed is None:
        return True
    try:
        now = await store.incomplete(replayed.id)
    except NotFoundError:
        return False
    if now.status is IncompleteStatus.RESOLVED:
        return False
    is_own_work = now.execution_id == unfinished.execution.id
    return is_own_work or (now.bundles, now.inputs) == (replayed.bundles, replayed.inputs)


async def _dropped(execution: Execution, store: SqliteStore) -> Execution:
    told = Failure("ExecutionInterruptedError", "interrupted, and dropped by hand")
    dropped = replace(
        execution,
        status=Status.ERROR,
        ended_at=execution.ended_at or clock().now(),
        interrupted=True,
        failure=execution.failure or told,
    )
    await store.finish(dropped, Ending())
    return dropped


def _plan_of(unfinished: Unfinished, operator: Operator) -> Plan:
    """Return the scenario as it ran. Raises UsageError if it cannot be read any more."""
    try:
        return stored_plan(unfinished.origin, operator)
    except ScenarioError as error:
        shown = unfinished.execution.id[:SHOWN]
        raise UsageError(
            f"run {shown} did not finish, and the scenario that it ran cannot be used any more: "
            f"{error.message}",
            code="E701",
            notes=("install what it needs, or drop the run: what it did is listed then",),
            next_command=f"fusion run {unfinished.origin.source_path} --discard {shown}",
        ) from error


def _words(execution: Execution, operations: Sequence[Tally]) -> str:
    """Say in one line which run is taken up, and how far it had come."""
    done = sum(one.gave + one.failed for one in operations)
    in_doubt = sum(one.in_doubt for one in operations)
    what = "replay" if execution.kind is Kind.REPLAY else "run"
    said = "1 operation that is done is" if done == 1 else f"{done} operations that are done are"
    doubt = f", {in_doubt} in doubt" if in_doubt else ""
    return (
        f"taking up {what} {execution.id[:SHOWN]}, which did not finish: {said} not repeated{doubt}"
    )


def _chosen(run_id: str, unfinished: Sequence[Unfinished]) -> Unfinished:
    """Return the run with an id, or the only one whose id begins like this."""
    exact = [one for one in unfinished if one.execution.id == run_id]
    like = [one for one in unfinished if one.execution.id.startswith(run_id)]
    if len(exact) == 1:
        return exact[0]
    if len(like) == 1 and len(run_id) >= SHORTEST_PREFIX:
        return like[0]
    ids = tuple(one.execution.id for one in unfinished)
    notes = ("unfinished runs of this scenario:", *ids) if ids else ("no run of it is unfinished",)
    text = f"no unfinished run `{run_id}` of this scenario"
    raise NotFoundError(text, notes=notes, next_command="fusion runs")
