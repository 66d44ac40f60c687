"""`fusion incomplete list`: what waits, oldest first, one by one or by what it failed of."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.selecting import selection_options
from engine.cli.tables import Column, table
from engine.cli.text import cut, escape
from engine.cli.units import age, counted, short, until

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.selection import Cause, Page, Selection, Summary

COLUMNS = (
    Column("id"),
    Column("scenario"),
    Column("node"),
    Column("bundle"),
    Column("type"),
    Column("message", gives_way=True),
    Column("age"),
    Column("status"),
)

CAUSES = (
    Column("cause"),
    Column("count", number=True),
    Column("scenario"),
    Column("node"),
    Column("type"),
    Column("message", gives_way=True),
    Column("oldest"),
    Column("latest"),
)

LONGEST_HINT = 30


@click.command("list", epilog="Example: fusion incomplete list --scenario quickstart --group")
@selection_options
@click.option(
    "--all", "everything", is_flag=True, help="Resolved ones too, while they are still stored."
)
@click.option("--group", is_flag=True, help="One line for all that failed alike.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1000),
    default=50,
    show_default=True,
    help="How many to list.",
)
@click.option("--after", metavar="ID", help="Go on behind this one, which came last before.")
@operator("store")
@json_option
@click.pass_obj
def list_(
    output: Output,
    /,
    operator: "Operator",
    selection: "Selection",
    *,
    everything: bool,
    group: bool,
    limit: int,
    after: str | None,
) -> None:
    """List incomplete executions, the oldest first."""
    from engine.model.execution import IncompleteStatus

    if everything and not selection.statuses:
        selection = replace(selection, statuses=tuple(IncompleteStatus))
    if group:
        _grouped(output, operator, selection)
    else:
        _listed(output, operator, selection, limit, after)


def _listed(
    output: Output, operator: "Operator", selection: "Selection", limit: int, after: str | None
) -> None:
    from engine.app import clock, open_store
    from engine.cli.records import summary_json
    from engine.cli.running import run_async

    async def read() -> "tuple[Page, int]":
        async with open_store(operator) as store:
            behind = None if after is None else await store.summary(after)
            page = await store.page_of(selection, behind=behind, limit=limit)
            return page, await store.count_of(selection)

    (page, count), _ = run_async(read())
    found = page.summaries
    if output.as_json:
        next_id = found[-1].id if page.more else None
        listed = [summary_json(one) for one in found]
        output.document({"incomplete": listed, "count": count, "next": next_id})
    elif not found:
        output.result("no incomplete executions")
    else:
        now = clock().now()
        for line in table(COLUMNS, [_row(one, now) for one in found], output.width):
            output.result(line)
        if len(found) < count:
            output.tell(f"{len(found)} of {counted(count, 'incomplete execution')}")
        if page.more:
            output.tell(f"more: repeat this with --after {short(found[-1].id)}")
        shown = typed("incomplete", "show", short(found[0].id), *store_option(operator))
        output.tell(f"next: {shown}")


def _grouped(output: Output, operator: "Operator", selection: "Selection") -> None:
    from engine.app import clock, open_store
    from engine.cli.records import cause_json
    from engine.cli.running import run_async

    async def read() -> "list[Cause]":
        async with open_store(operator) as store:
            return await store.causes_of(selection)

    causes, _ = run_async(read())
    if output.as_json:
        output.document({"causes": [cause_json(one) for one in causes]})
    elif not causes:
        output.result("no incomplete executions")
    else:
        now = clock().now()
        for line in table(CAUSES, [_cause_row(one, now) for one in causes], output.width):
            output.result(line)
        again = typed("replay", "--cause", causes[0].id, *store_option(operator))
        shown = typed("incomplete", "show", short(causes[0].oldest_id), *store_option(operator))
        output.tell(f"next: {shown}")
        output.tell(f"then: {again}")


def _row(one: "Summary", now: datetime) -> tuple[str, ...]:
    due = f", due {until(one.due_at, now)}" if one.due_at else ""
    return (
        short(one.id),
        one.scenario_id,
        one.node_id,
        cut(escape(one.hint), LONGEST_HINT),
        one.error_type,
        one.message,
        age(one.created_at, now),
        one.status.value + due,
    )


def _cause_row(one: "Cause", now: datetime) -> tuple[str, ...]:
    return (
        one.id,
        str(one.count),
        one.scenario_id,
        one.node_id,
        one.error_type,
        one.message,
        age(one.oldest_at, now),
        age(one.newest_at, now),
    )
