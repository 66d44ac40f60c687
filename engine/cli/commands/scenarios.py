"""`fusion scenarios`: what the store knows of each scenario that has run."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.show import near
from engine.cli.tables import Column, table
from engine.cli.units import age

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Registered

COLUMNS = (
    Column("id"),
    Column("path", gives_way=True),
    Column("state"),
    Column("errors in a row", number=True),
    Column("last run"),
    Column("incomplete", number=True),
    Column("events", number=True),
)


@click.command(epilog="Example: fusion scenarios --json")
@operator("store")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator") -> None:
    """List the scenarios of the store.

    A scenario gets inactive when too many of its runs end in error one after another; it then
    runs only by hand. Its events wait meanwhile.
    """
    from engine.app import clock, open_store
    from engine.cli.records import registered_json
    from engine.cli.running import run_async

    async def read() -> "list[Registered]":
        async with open_store(operator) as store:
            return await store.scenarios()

    found, _ = run_async(read())
    if output.as_json:
        output.document({"scenarios": [registered_json(one) for one in found]})
        return
    if not found:
        output.result("no scenario has run yet")
        return
    now = clock().now()
    for line in table(COLUMNS, [_row(one, now) for one in found], output.width):
        output.result(line)
    inactive = [one.id for one in found if not one.active]
    if inactive:
        output.tell(f"next: {typed('activate', inactive[0], *store_option(operator))}")


def _row(one: "Registered", now: datetime) -> tuple[str, ...]:
    return (
        one.id,
        near(one.path),
        "active" if one.active else "inactive",
        str(one.errors_in_row),
        age(one.last_run_at, now) if one.last_run_at else "",
        str(one.incomplete),
        str(one.events),
    )
