"""What the records of a store show to expressions: those of incomplete executions and of runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, open_store, stored_plan, world, world_in
from engine.errors import ModuleError, NotFoundError, ScenarioError, UsageError
from engine.mapping.compile import Scope, World
from engine.model.execution import Execution, Incomplete
from engine.model.history import History, KeptOperation
from engine.model.retention import RUNS
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.plan import Node, Plan
from engine.run.operation import scope_of

MOST_ROWS: Final = 4
"""Rows of numbers without a gap that are told, besides the last."""


@dataclass(frozen=True, slots=True)
class OperationId:
    """Names one operation of a run; `number` None means the first that is kept."""

    run_id: str
    node_id: str
    number: int | None = None


async def scope_of_incomplete(
    incomplete_id: str, operator: Operator, *, timezone: str | None = None
) -> Scope:
    """Return what expressions of an incomplete execution see; its bundles by node id."""
    async with open_store(operator) as store:
        incomplete = await store.incomplete(incomplete_id)
    plan = stored_plan(incomplete, operator)
    around = _in_zone(world(plan, incomplete.execution_id), timezone)
    return scope_of(plan, around, incomplete.inputs, incomplete.bundles)


async def scope_of_operation(
    wanted: OperationId, operator: Operator, *, timezone: str | None = None
) -> tuple[Scope, KeptOperation]:
    """Return what expressions of a node saw in an operation of a run, and the operation.

    Raises NotFoundError for a run, node or operation of which nothing is kept.
    """
    async with open_store(operator) as store:
        execution = await store.execution(wanted.run_id)
        history = await store.history(execution.id)
    if history is None:
        raise nothing_kept(execution)
    operation = chosen(kept_of(wanted.node_id, execution, history), wanted)
    plan = stored_plan(history, operator)
    around = _in_zone(world(plan, execution.id, execution.started_at), timezone)
    return scope_of(plan, around, history.inputs, operation.bundles), operation


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What a store holds of a run; `history` is None where no operations are kept.

    `path` is the scenario's file.
    """

    execution: Execution
    path: Path
    history: History | None
    incomplete: Sequence[Incomplete]


async def run_of(run_id: str, operator: Operator, plan: Plan | None = None) -> StoredRun:
    """Return a run; of the plan's scenario, if one is given, from the store that is nearest to it.

    Raises NotFoundError if there is none, UsageError if it is another scenario's.
    """
    async with open_store(operator, None if plan is None else plan.path) as store:
        execution = await store.execution(run_id)
        if plan is not None and execution.scenario_id != plan.id:
            raise UsageError(
                f"{execution.id[:8]} is a run of {shown(execution.scenario_id)}, "
                f"not of {shown(plan.id)}",
                code="E701",
                next_command=f"fusion runs --scenario {plan.id}",
            )
        scenario = await store.scenario(execution.scenario_id)
        history = await store.history(execution.id)
        left = await store.incompletes(execution_id=execution.id)
        return StoredRun(execution, scenario.path, history, left)


def plan_as_run(run: StoredRun, today: Plan | None, operator: Operator) -> Plan | None:
    """Return the plan of a run's scenario as it ran; as it is today where that is not kept.

    What ran once may not be valid any more, since modules change: then it is today's as well.
    """
    if run.history is None or (today is not None and run.history.source == today.source):
        return today
    try:
        return stored_plan(run.history, operator)
    except ScenarioError:
        return today


@dataclass(frozen=True, slots=True)
class MappedFields:
    """The fields of a node in one operation, worked out anew from what it saw.

    `now` is the start of the run, and what chance decides is another value than it was. `fault`
    says why there are none.
    """

    values: Mapping[str, Any]
    fault: str = ""


def fields_of(
    execution: Execution, history: History, operator: Operator, node_id: str | None = None
) -> dict[str, list[MappedFields]]:
    """Return the mapped fields of every operation that is kept, by node; `node_id`: of one only.

    They are none if the scenario, as it ran, cannot be read any more.
    """
    wanted = {name: kept for name, kept in history.operations.items() if node_id in (None, name)}
    try:
        plan = stored_plan(history, operator)
    except ScenarioError as error:
        told = MappedFields({}, f"the scenario cannot be read here: {error.problems[0].message}")
        return {name: [told] * len(kept) for name, kept in wanted.items()}
    around = world_of(plan, execution)

    def fields(name: str, one: KeptOperation) -> MappedFields:
        return _fields(plan.nodes[name], scope_of(plan, around, history.inputs, one.bundles))

    return {name: [fields(name, one) for one in kept] for name, kept in wanted.items()}


def world_of(plan: Plan, execution: Execution) -> World:
    """Return what expressions of a run that has ended can ask of the outside, as it began."""
    around = world(plan, execution.id, execution.started_at)
    return replace(around, now=lambda: execution.started_at)


def _fields(node: Node, scope: Scope) -> MappedFields:
    try:
        return MappedFields(node.fields.evaluate(scope))
    except ModuleError as error:
        return MappedFields({}, error.message)


def kept_of(node_id: str, execution: Execution, history: History) -> Sequence[KeptOperation]:
    """Return what is kept of a node. Raises NotFoundError if it is unknown or saw nothing."""
    if node_id in history.operations:
        return history.operations[node_id]
    next_command = f"fusion runs {execution.id[:8]}"
    if node_id in execution.nodes:
        text = f"nothing of {shown(node_id)} is kept: it did nothing with a bundle in this run"
        raise NotFoundError(text, next_command=next_command)
    raise NotFoundError(
        f"the run has no node {shown(node_id)}{did_you_mean(node_id, execution.nodes)}",
        notes=(f"it has: {listed(execution.nodes)}",),
        next_command=next_command,
    )


def nothing_kept(execution: Execution) -> NotFoundError:
    """Return why a run cannot be looked into."""
    return NotFoundError(
        f"no operations of run {execution.id[:8]} are kept",
        notes=(
            f"they are kept of each scenario's latest {RUNS} runs in which a bundle moved, once "
            "the run has ended, and not where `data_is_confidential` is set",
        ),
        next_command="fusion runs",
    )


def numbers_kept(operations: Iterable[KeptOperation]) -> str:
    """Return which numbers are kept, as `1-10, 15 and 91-100 of 100`; the last one always is.

    Of many gaps only some are told.
    """
    numbers = [one.number for one in operations]
    rows = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in row] for _, row in rows]
    *texts, last = [f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs]
    if len(texts) > MOST_ROWS:
        texts = [*texts[:MOST_ROWS], "…"]
    return f"{', '.join(texts)}{' and ' if texts else ''}{last} of {numbers[-1]}"


def chosen(kept: Sequence[KeptOperation], wanted: OperationId) -> KeptOperation:
    """Return the operation that is wanted of those that are kept. Raises NotFoundError."""
    if wanted.number is None:
        return kept[0]
    for operation in kept:
        if operation.number == wanted.number:
            return operation
    are = "bundle 1 of 1 is" if kept[-1].number == 1 else f"bundles {numbers_kept(kept)} are"
    raise NotFoundError(
        f"bundle {wanted.number} of `{wanted.node_id}` is not there: {are} kept",
        next_command=f"fusion runs {wanted.run_id[:8]} --node {wanted.node_id}",
    )


def _in_zone(around: World, timezone: str | None) -> World:
    return around if timezone is None else replace(around, timezone=world_in(timezone).timezone)
