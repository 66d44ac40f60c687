"""`fusion test new`: writes the test that reproduces a run or an incomplete execution."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.advice import typed
from engine.cli.completing import record_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.show import near

if TYPE_CHECKING:
    from engine.app import Operator


@click.command(epilog="Example: fusion test new --from 9b07")
@click.option(
    "--from",
    "record_id",
    metavar="ID",
    shell_complete=record_ids,
    required=True,
    help="The run or incomplete execution to reproduce.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the test, instead of beside the scenario.",
)
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, record_id: str, out: Path | None) -> None:
    """Write the test that reproduces what went wrong.

    It fails now, and passes once the scenario is mended; it needs neither the store nor a service.
    """
    from engine.cli.running import run_async
    from engine.testing.recording import write_test

    made, _ = run_async(write_test(record_id, operator, out))
    if output.as_json:
        files = [str(path) for path in made.files]
        output.document({"path": str(made.path), "name": made.name, "files": files})
        return
    output.result(f"wrote {near(made.path)}: {made.name}")
    if made.files:
        output.result(f"with the contents of its files in {near(made.files[0].parent)}")
    output.tell(f"next: {typed('test', near(made.path))}")
