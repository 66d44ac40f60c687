"""`fusion connections test`: asks services whether they serve us, and runs nothing."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.show import problem_json
from engine.cli.tables import Column, table

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.connections import Tried

COLUMNS = (Column("result"), Column("connection"), Column("connector"), Column("answer"))


@click.command("test", epilog="Example: fusion connections test scenarios/quickstart.yaml")
@click.argument("scenario", required=False, type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Only the connection of this name.")
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def test(
    output: Output, /, operator: "Operator", *, scenario: Path | None, name: str | None
) -> int:
    """Test every connection of a scenario, and run nothing.

    Without SCENARIO: those of the file given, or of connections.yaml in the current folder. Each
    service is asked as a run asks it first; the embedded server is started for it. Exit codes: 0
    all work, 2 the arguments or files cannot be used, 4 one does not work, 5 no such connection.
    """
    from engine.app import clock
    from engine.app.connections import try_connections
    from engine.cli.running import run_async

    tried, _ = run_async(try_connections(scenario, operator, clock(), name=name))
    if output.as_json:
        output.document({"connections": [_json(one) for one in tried]})
    elif not tried:
        output.result("no connections to test")
    else:  # whole lines on any terminal: a reason that is cut helps nobody
        for line in table(COLUMNS, [_row(one) for one in tried], None):
            output.result(line)
    return Exit.CONNECTION if any(one.problem for one in tried) else Exit.OK


def _row(one: "Tried") -> tuple[str, ...]:
    return (_result(one), one.name, one.connector, _answer(one))


def _result(one: "Tried") -> str:
    if one.problem is None:
        return "ok"
    return "refused" if one.refused else "failed"


def _answer(one: "Tried") -> str:
    if one.problem is not None:
        return "; ".join((one.problem.message, *one.problem.notes))
    return "embedded server" if one.embedded else one.address


def _json(one: "Tried") -> dict[str, Any]:
    return {
        "name": one.name,
        "connector": one.connector,
        "embedded": one.embedded,
        "result": _result(one),
        "address": one.address or None,
        "problem": one.problem and problem_json(one.problem),
    }
