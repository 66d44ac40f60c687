"""`fusion graph`: a scenario as a picture in text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import operator
from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator


@click.command(epilog="Example: fusion graph scenarios/quickstart.yaml > quickstart.mmd")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "_form",
    type=click.Choice(["mermaid"]),
    default="mermaid",
    show_default=True,
    help="Language of the picture.",
)
@operator("connections", "modules")
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, scenario: Path, _form: str) -> None:
    """Draw a scenario with its filters, routes and error routes.

    The picture is Mermaid text, which GitHub, GitLab and many editors show as a picture.
    """
    from engine.app import load_plan
    from engine.plan.graph import to_mermaid

    for line in to_mermaid(load_plan(scenario, operator)).splitlines():
        output.result(line)
