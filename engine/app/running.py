"""One `fusion run`: a scenario from its trigger, or from given bundles, once."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.app import Operator, load_plan, new_execution, opened, surrounded, tidy
from engine.app.due import retries_at_once, retry_due
from engine.app.resuming import Ran, resume_all
from engine.errors import UsageError
from engine.model.bundle import Bundle, File
from engine.model.execution import Execution, Incomplete, Kind, Status
from engine.plan.inputs import read_bundles, settle_inputs
from engine.plan.plan import Plan
from engine.run.driver import Run, marked_nodes
from engine.run.journaling import can_be_resumed
from engine.run.ports import Watcher
from engine.run.turn import in_turn
from engine.store import place
from engine.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One `fusion run`. `bundles` is a file of bundles that take the trigger's place."""

    scenario: Path
    inputs: Mapping[str, str]
    bundles: Path | None = None
    reset_trigger: bool = False
    wait: bool = True


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run went; `stored` holds the incomplete executions that it left behind."""

    plan: Plan
    execution: Execution
    stored: tuple[Incomplete, ...]
    saved: tuple[Path, ...]
    nothing_new: bool
    """The trigger had no bundle."""
    next_due_at: datetime | None
    """When the next retry of what is stored of the scenario is due; None: nothing is pending."""
    store_folder: Path
    store_created: bool
    resumed: tuple[Ran, ...] = ()
    """Runs that were finished first."""

    @property
    def all_stored(self) -> tuple[Incomplete, ...]:
        """The incomplete executions that the run and those finished first have left behind."""
        return (*(one for ran in self.resumed for one in ran.stored), *self.stored)


async def run_scenario(request: RunRequest, operator: Operator, watcher: Watcher) -> RunResult:
    """Run a scenario once, from its trigger or from given bundles."""
    plan = load_plan(request.scenario, operator)
    if plan.is_instant and request.bundles is None:
        raise _needs_events(plan)
    inputs = settle_inputs(plan, request.inputs)
    fed = None if request.bundles is None else read_bundles(request.bundles)
    folder, created = place.for_run(operator.store, plan.path, Path.cwd())
    async with opened(folder, create=True) as store:
        await store.register_scenario(plan.id, plan.path)
        async with store.run_lock(plan.id, wait=request.wait, on_wait=watcher.note):
            finished = await resume_all(plan, operator, store, watcher)
            if finished and finished[-1].execution.interrupted:
                result = finished.pop()
            else:
                given = (request, inputs, fed)
                result = await _in_turn(plan, given, operator, store, watcher)
        await tidy(store)
        next_due_at = await store.retries.next_at(plan.id)
    return RunResult(
        plan=result.plan,
        execution=result.execution,
        stored=result.stored,
        saved=result.saved,
        nothing_new=fed is None and _nothing_new(plan, result.execution),
        next_due_at=next_due_at,
        store_folder=folder,
        store_created=created,
        resumed=tuple(finished),
    )


async def _in_turn(
    plan: Plan,
    given: tuple[RunRequest, Mapping[str, Any], Iterable[Bundle] | None],
    operator: Operator,
    store: SqliteStore,
    watcher: Watcher,
) -> Ran:
    """Retry what is due, then run once, its turn being there."""
    await retry_due(plan.id, store, operator, watcher, at_once=retries_at_once(plan))
    async with in_turn(store, plan, watcher):
        request, inputs, fed = given
        if request.reset_trigger and plan.has_trigger:
            await store.reset_cursor(plan.id, plan.trigger.id)
        marks = {name: await store.cursor(plan.id, name) for name in marked_nodes(plan)}
        execution = new_execution(plan, Kind.SCENARIO)
        async with surrounded(plan, operator, store, execution, watcher) as (around, idle):
            run = Run(plan, around, execution, inputs=inputs, marks=marks)
            watcher.planned(plan, store.folder, run.counts)
            execution = await run.execute(fed=fed, fed_file=await _kept(request, plan, store))
            if not execution.interrupted:
                await idle()
        return Ran(plan, execution, tuple(run.stored), tuple(run.saved))


async def _kept(request: RunRequest, plan: Plan, store: SqliteStore) -> File | None:
    """Keep the bundles that were given, in case the run must be taken up again."""
    if request.bundles is None or not can_be_resumed(plan):
        return None
    with suppress(OSError):  # what is no regular file can be read, but not twice
        return await store.files.take(request.bundles)
    return None


def _needs_events(plan: Plan) -> UsageError:
    return UsageError(
        f"`{plan.trigger.id}` waits for events, which only `fusion serve` can receive",
        code="E701",
        notes=("to try the scenario on an event of your own: --input FILE",),
        next_command=f"fusion serve {plan.path.name}",
    )


def _nothing_new(plan: Plan, execution: Execution) -> bool:
    ended_well = execution.status is Status.SUCCESS
    return plan.has_trigger and ended_well and not execution.nodes[plan.trigger.id].bundles
