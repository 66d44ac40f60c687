"""`fusion runs`: what has run, and one run in full."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import store_option, typed
from engine.cli.completing import node_ids, run_ids, scenario_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.show import failure_problem, near, problem_lines
from engine.cli.tables import Column, table
from engine.cli.units import age, clock_time, duration, short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Execution, Incomplete
    from engine.model.history import History
    from engine.model.journal import Unfinished

COLUMNS = (
    Column("id"),
    Column("scenario", gives_way=True),
    Column("kind"),
    Column("status"),
    Column("started"),
    Column("took", number=True),
    Column("operations", number=True),
    Column("bundles", number=True),
)


@click.command(epilog="Example: fusion runs --scenario quickstart --limit 5")
@click.argument("run_id", metavar="[ID]", required=False, shell_complete=run_ids)
@click.option(
    "--scenario",
    metavar="NAME",
    shell_complete=scenario_ids,
    help="Only runs of the scenario with this id.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list.",
)
@click.option(
    "--node",
    "node_id",
    metavar="NODE",
    shell_complete=node_ids,
    help="Show what is kept of this node in a run.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the run to one HTML page that opens offline.",
)
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    run_id: str | None,
    scenario: str | None,
    limit: int,
    node_id: str | None,
    report: Path | None,
) -> None:
    """List runs, or show one.

    The latest run comes first. An ID may be shortened to its first characters, as in the list.
    With --node, each operation that is kept: what the node saw, and what it emitted or failed with.
    With --report, all of that in a browser, beside a picture of the scenario.
    """
    if run_id is None and (node_id or report):
        raise click.UsageError(f"{'--node' if node_id else '--report'} needs the ID of a run")
    if run_id is not None and report is not None:
        from engine.cli.report.write import write_report

        write_report(output, report, run_id, operator)
    if node_id is not None and run_id is not None:
        _show_node(output, operator, run_id, node_id)
    elif run_id is None:
        _list(output, operator, scenario, limit)
    else:
        _show(output, operator, run_id)


def _list(output: Output, operator: "Operator", scenario: str | None, limit: int) -> None:
    from engine.app import clock, open_store
    from engine.cli.records import execution_json
    from engine.cli.running import run_async

    async def read() -> "list[Execution]":
        async with open_store(operator) as store:
            return await store.executions(scenario_id=scenario, limit=limit)

    found, _ = run_async(read())
    if output.as_json:
        output.document({"runs": [execution_json(one) for one in found]})
    elif not found:
        output.result("no runs yet")
    else:
        now = clock().now()
        rows = [(*_facts(one), age(one.started_at, now), *_figures(one)) for one in found]
        for line in table(COLUMNS, rows, output.width):
            output.result(line)


def _facts(one: "Execution") -> tuple[str, str, str, str]:
    from engine.cli.summary import kind_word, status_word

    return (short(one.id), one.scenario_id, kind_word(one.kind), status_word(one))


def _figures(one: "Execution") -> tuple[str, str, str]:
    from engine.cli.summary import seconds_of

    took = duration(seconds_of(one)) if one.ended_at else ""
    return (took, str(one.operations), str(one.bundles))


def _show(output: Output, operator: "Operator", run_id: str) -> None:
    from engine.app import open_store
    from engine.cli.records import execution_json, incomplete_json
    from engine.cli.running import run_async

    async def read() -> "tuple[Execution, History | None, list[Incomplete], Unfinished | None]":
        async with open_store(operator) as store:
            found = await store.execution(run_id)
            history = await store.history(found.id)
            cut_off = await store.journal.unfinished(found.scenario_id)
            rest = next((one for one in cut_off if one.execution.id == found.id), None)
            return found, history, await store.incompletes(execution_id=found.id), rest

    (execution, history, stored, rest), _ = run_async(read())
    if output.as_json:
        incomplete = [incomplete_json(one) for one in stored]
        run = {
            "run": execution_json(execution),
            "incomplete": incomplete,
            "goes_on": rest is not None,
        }
        output.document({**run, "operations": _operations_json(execution, history, operator)})
        return
    for line in _lines(output, execution, history, stored, operator):
        output.result(line)
    if rest is not None:
        path, store = near(Path(rest.origin.source_path)), store_option(operator)
        output.result("it was cut off; the next run of the scenario first goes on with it")
        output.result(f"next: {typed('run', path, *store)}")
        output.result(f"  or: {typed('run', path, '--discard', short(execution.id), *store)}")


def _show_node(output: Output, operator: "Operator", run_id: str, node_id: str) -> None:
    from engine.app import open_store
    from engine.app.stored import fields_of, kept_of, nothing_kept
    from engine.cli.operations import operation_json, operation_lines
    from engine.cli.records import execution_json
    from engine.cli.running import run_async

    async def read() -> "tuple[Execution, History | None]":
        async with open_store(operator) as store:
            found = await store.execution(run_id)
            return found, await store.history(found.id)

    (execution, history), _ = run_async(read())
    if history is None:
        raise nothing_kept(execution)
    kept = kept_of(node_id, execution, history)
    fields = fields_of(execution, history, operator, node_id)[node_id]
    if output.as_json:
        pairs = zip(kept, fields, strict=True)
        operations = {node_id: [operation_json(one, mapped) for one, mapped in pairs]}
        output.document({"run": execution_json(execution), "operations": operations})
        return
    for index, (one, mapped) in enumerate(zip(kept, fields, strict=True)):
        if index:
            output.result()
        for line in operation_lines(node_id, one, kept[-1].number, mapped):
            output.result(line)


def _operations_json(
    execution: "Execution", history: "History | None", operator: "Operator"
) -> "dict[str, Any]":
    from engine.app.stored import fields_of
    from engine.cli.operations import operation_json

    if history is None:
        return {}
    fields = fields_of(execution, history, operator)
    return {
        name: [operation_json(one, mapped) for one, mapped in zip(kept, fields[name], strict=True)]
        for name, kept in history.operations.items()
    }


def _lines(
    output: Output,
    execution: "Execution",
    history: "History | None",
    stored: "Sequence[Incomplete]",
    operator: "Operator",
) -> Iterator[Line]:
    from engine.cli.summary import headline, incomplete_lines, kind_word, stored_node_lines

    yield (Span(headline(execution.scenario_id, execution), Tone.STRONG),)
    yield f"{kind_word(execution.kind)} {execution.id}, started {clock_time(execution.started_at)}"
    if execution.failure is not None:
        yield ""
        yield from problem_lines(failure_problem(execution.failure), output.width)
    if execution.nodes:
        yield ""
        yield from stored_node_lines(execution.nodes, history, output.width)
    if history is not None:
        words = ("runs", short(execution.id), "--node", list(history.operations)[-1])
        yield f"what a node saw: {typed(*words, *store_option(operator))}"
    if stored:
        yield ""
        yield from incomplete_lines(stored, output.width)
        yield f"next: {typed('incomplete', 'show', short(stored[0].id), *store_option(operator))}"
