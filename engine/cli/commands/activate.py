"""`fusion activate`."""

from typing import TYPE_CHECKING

import click

from engine.cli.activity import set_activity
from engine.cli.completing import scenario_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator


@click.command(epilog="Example: fusion activate quickstart")
@click.argument("scenario", shell_complete=scenario_ids)
@operator("store")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, scenario: str) -> None:
    """Activate a scenario.

    SCENARIO is its id or its file. Its errors in a row are forgotten.
    """
    set_activity(output, operator, scenario, active=True)
