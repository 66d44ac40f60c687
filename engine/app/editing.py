"""Edits of incomplete executions before they are replayed: items, files, the scenario's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from engine.app import Operator, open_store, stored_plan, world
from engine.errors import ModuleError, Problem, ScenarioError, UsageError, moved
from engine.model.bundle import File
from engine.model.execution import Incomplete, IncompleteStatus
from engine.plan.plan import Node
from engine.plan.read import read_file
from engine.plan.source import Source
from engine.run.explained import explained
from engine.run.operation import check_fields, scope_of
from engine.store.editable import editable_text, edited_from
from engine.store.sqlite import SqliteStore

EDITED: Final = "edit.yaml"
"""What a text in an editor is called where its mistakes are told."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What to put in place of what is stored; keys are `NODE.ITEM`."""

    values: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    scenario: Path | None = None
    """File whose text takes the place of the stored scenario."""


async def edit_incomplete(incomplete_id: str, operator: Operator, changes: Changes) -> Incomplete:
    """Change a stored incomplete execution, once its failed node's fields fit with the new data.

    Raises UsageError (E606) for an item that is not there or a record that is resolved,
    ScenarioError for a scenario that is not valid, ModuleError with a place if the fields no longer
    fit.
    """
    async with open_store(operator) as store:
        before = await editable(store, incomplete_id)
        taken: dict[str, Any] = {
            key: await _taken(store, path) for key, path in changes.files.items()
        }
        after = replace(before, bundles=_edited(before, {**changes.values, **taken}))
        if changes.scenario is not None:
            after = replace(after, source=read_file(changes.scenario).text)
        check(after, operator, changes.scenario)
        await save(store, before, after)
    return after


async def read_for_edit(incomplete_id: str, operator: Operator) -> tuple[Incomplete, str]:
    """Return a record that may be edited, and what may be changed of it as a text."""
    async with open_store(operator) as store:
        record = await editable(store, incomplete_id)
    return record, editable_text(record)


async def save_edited(before: Incomplete, text: str, operator: Operator) -> Incomplete:
    """Store a record with what was made of its text, once its failed node's fields fit.

    Raises as `edit_incomplete`; ScenarioError with places in the text if that cannot be read.
    """
    async with open_store(operator) as store:
        after = edited_from(before, Source(EDITED, text), store.files.path_of)
        check(after, operator)
        await save(store, before, after)
    return after


async def editable(store: SqliteStore, incomplete_id: str) -> Incomplete:
    """Return a record that may be edited. Raises UsageError (E606) if it is resolved."""
    incomplete = await store.incomplete(incomplete_id)
    if incomplete.status is IncompleteStatus.RESOLVED:
        raise UsageError(f"{incomplete.id[:8]} is resolved already", code="E606")
    return incomplete


async def save(store: SqliteStore, before: Incomplete, after: Incomplete) -> None:
    """Store a record that was edited, unless it has changed since `before` was read.

    Raises StoreBusyError if it is in progress, UsageError (E606) if it has changed.
    """
    claimed = await store.claim(before.id)
    if claimed != before:
        await store.park(claimed)
        raise UsageError(
            f"{before.id[:8]} has been changed by somebody else meanwhile",
            code="E606",
            next_command=f"fusion incomplete show {before.id[:8]}",
        )
    await store.park(after)


def check(record: Incomplete, operator: Operator, written_in: Path | None = None) -> None:
    """Map the failed node's filter and fields with a record's data, and validate them.

    `written_in`: the file that its scenario was read from, which mistakes are told of. Raises
    ScenarioError, UsageError (E606) or ModuleError with a place.
    """
    try:
        plan = stored_plan(record, operator)
    except ScenarioError as error:
        raise _in_file(error, record, written_in) from error
    node = plan.nodes.get(record.node_id)
    if node is None:
        raise UsageError(
            f"the scenario has no node `{record.node_id}`, from which a replay goes on",
            code="E606",
            notes=(f"it has: {', '.join(plan.nodes)}",),
        )
    scope = scope_of(plan, world(plan, record.execution_id), record.inputs, record.bundles)
    try:
        _check_filter(node, scope)
        check_fields(node, scope)
    except ModuleError as error:
        if written_in and error.place and error.place.file == record.source_path:
            error.place = replace(error.place, file=str(written_in))
        raise


def _check_filter(node: Node, scope: dict[str, Any]) -> None:
    if node.filter is None:
        return
    try:
        node.filter.passes(scope)
    except ModuleError as error:
        raise moved(explained(error, node, scope), node.place) from error


def _in_file(error: ScenarioError, record: Incomplete, written_in: Path | None) -> ScenarioError:
    """Tell mistakes of the file that a scenario was read from, not of the one that once ran."""
    if written_in is None:
        return error
    return ScenarioError(*(_moved(one, record.source_path, written_in) for one in error.problems))


def _moved(problem: Problem, ran: str, written_in: Path) -> Problem:
    place = problem.place
    if place is None or place.file != ran:
        return problem
    return replace(problem, place=replace(place, file=str(written_in)))


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
