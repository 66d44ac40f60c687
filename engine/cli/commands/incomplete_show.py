"""`fusion incomplete show`: the reason first, then all that a replay would start from."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.completing import incomplete_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.show import failure_problem, problem_lines
from engine.cli.units import age, clock_time, counted, short, until

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Incomplete

MAY_PASS = ("ConnectionError", "RateLimitError", "ModuleTimeoutError", "OutOfSpaceError")
"""Types of error that the same data may meet no more; any other asks for other data first."""


@click.command("show", epilog="Example: fusion incomplete show 3f2a91c0")
@click.argument("incomplete_id", metavar="ID", shell_complete=incomplete_ids)
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def show(output: Output, /, operator: "Operator", *, incomplete_id: str) -> None:
    """Show why one failed, where, and with which data.

    An ID may be shortened to its first characters, as in the list.
    """
    from engine.app import clock, open_store
    from engine.cli.records import data_json, incomplete_json
    from engine.cli.running import run_async

    async def read() -> "Incomplete":
        async with open_store(operator) as store:
            return await store.incomplete(incomplete_id)

    found, _ = run_async(read())
    way = _way(found, operator)
    if output.as_json:
        told = {**incomplete_json(found), **data_json(found), "way": way or None}
        output.document({"incomplete": told})
        return
    for line in problem_lines(failure_problem(found.failure, found.source), output.width):
        output.result(line)
    output.result()
    for fact, text in _facts(found, clock().now()):
        output.result(f"{fact:<11}{text}")
    for line in (*_attempts(found), *_way_lines(way), *_data(found)):
        output.result(line)
    output.result()
    for line in _next(found, operator):
        output.result(line)


def _facts(found: "Incomplete", now: datetime) -> Iterator[tuple[str, str]]:
    yield "id", found.id
    yield "scenario", f"{found.scenario_id} ({found.source_path})"
    yield "node", found.node_id
    yield "status", found.status.value
    if found.outcome_unknown:
        yield "outcome", "unknown: it may have been done, so nothing repeats it by itself"
    yield "stored", f"{clock_time(found.created_at)} ({age(found.created_at, now)})"
    yield "run", short(found.execution_id)
    allowed = f", {found.allowed} automatic allowed" if found.allowed else ""
    yield "attempts", f"{counted(found.attempts, 'replay')} failed{allowed}"
    if found.due_at is not None:
        yield "due", f"{clock_time(found.due_at)} ({until(found.due_at, now)})"


def _attempts(found: "Incomplete") -> Iterator[Line]:
    """Yield how earlier attempts failed, if there are any; the latest is told above."""
    if found.earlier:
        yield ""
        yield (Span("earlier attempts", Tone.STRONG),)
    for one in found.earlier:
        failure = f"{one.failure.type}: {one.failure.message}"
        yield f"  {clock_time(one.at)}  run {short(one.execution_id)}  {one.node_id}: {failure}"


def _way(found: "Incomplete", operator: "Operator") -> dict[str, list[str]]:
    """Return which nodes ran for the bundle, which failed, and which wait; empty: not known.

    It is read off the stored scenario, which may need a module that is gone.
    """
    from engine.app.planned import Act, How, plan_for, planned
    from engine.errors import EngineError

    try:
        steps = planned(found, plan_for(found, operator, How()), How()).steps
    except EngineError:
        return {}
    ran = [step.node_id for step in steps if step.act is Act.REUSE]
    behind = [step.node_id for step in steps if step.act is Act.RUN and not step.note]
    waits = [node_id for node_id in behind if node_id != found.node_id]
    return {"ran": ran, "failed": [found.node_id], "waits": waits}


def _way_lines(way: dict[str, list[str]]) -> Iterator[Line]:
    if way:
        yield ""
        yield (Span("way", Tone.STRONG),)
    for what, nodes in way.items():
        yield f"  {what:<8}{', '.join(nodes) or 'nothing'}"


def _data(found: "Incomplete") -> Iterator[Line]:
    from engine.cli.outline import outline, without_order

    parts = (
        ("data", {name: without_order(bundle) for name, bundle in found.bundles.items()}),
        ("inputs", found.inputs),
        ("variables", found.variables),
        ("detail", found.failure.detail),
    )
    for title, items in parts:
        if items:
            yield ""
            yield (Span(title, Tone.STRONG),)
            yield from outline(items, "  ")


def _next(found: "Incomplete", operator: "Operator") -> Iterator[str]:
    from engine.cli.outline import files_in
    from engine.model.execution import IncompleteStatus

    short_id = short(found.id)
    if found.status is IncompleteStatus.RESOLVED:
        yield f"next: {typed('runs', *store_option(operator))}"
        return
    store = store_option(operator)
    file = next(files_in(found.bundles), None)
    change = ("--file", f"{file}=PATH") if file else ("--set", "NODE.ITEM=VALUE")
    edit = typed("incomplete", "edit", short_id, *change, *store)
    again = typed("replay", short_id, *store)
    if found.outcome_unknown:
        yield f"if it was done: {typed('incomplete', 'resolve', short_id, *store)}"
        yield f"if it was not:  {again}"
        return
    if found.failure.type in MAY_PASS:
        yield f"next: {again}"
        yield f"  or: {edit}"
    else:
        yield f"next: {edit}"
        yield f"then: {again}"
