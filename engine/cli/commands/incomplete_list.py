"""`fusion incomplete list`: what waits, oldest first."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.options import json_option, operator
from engine.cli.outline import hint
from engine.cli.output import Output
from engine.cli.tables import Column, table
from engine.cli.units import age, short, until

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Incomplete

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


@click.command("list", epilog="Example: fusion incomplete list --scenario quickstart")
@click.option("--scenario", metavar="NAME", help="Only those of the scenario with this id.")
@click.option(
    "--all", "everything", is_flag=True, help="Resolved ones too, while they are still stored."
)
@operator("store")
@json_option
@click.pass_obj
def list_(
    output: Output, /, operator: "Operator", *, scenario: str | None, everything: bool
) -> None:
    """List incomplete executions, the oldest first."""
    from engine.app import clock, open_store
    from engine.cli.records import incomplete_json
    from engine.cli.running import run_async
    from engine.model.execution import IncompleteStatus

    async def read() -> "list[Incomplete]":
        statuses = tuple(IncompleteStatus) if everything else ()
        async with open_store(operator) as store:
            return await store.incompletes(scenario_id=scenario, statuses=statuses)

    found, _ = run_async(read())
    if output.as_json:
        output.document({"incomplete": [incomplete_json(one) for one in found]})
    elif not found:
        output.result("no incomplete executions")
    else:
        now = clock().now()
        for line in table(COLUMNS, [_row(one, now) for one in found], output.width):
            output.result(line)
        shown = typed("incomplete", "show", short(found[0].id), *store_option(operator))
        output.tell(f"next: {shown}")


def _row(one: "Incomplete", now: datetime) -> tuple[str, ...]:
    due = f", due {until(one.due_at, now)}" if one.due_at else ""
    return (
        short(one.id),
        one.scenario_id,
        one.node_id,
        hint(one.bundles),
        one.failure.type,
        one.failure.message,
        age(one.created_at, now),
        one.status.value + due,
    )
