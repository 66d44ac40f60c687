"""`fusion init`: an example or a module to start from."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.advice import typed
from engine.cli.completing import example_names
from engine.cli.options import operator
from engine.cli.output import Output
from engine.cli.show import near
from engine.cli.units import counted

if TYPE_CHECKING:
    from engine.app import Operator

EXAMPLE = "quickstart"
MODULES = Path("fusion_modules")
"""Folder in which a module is started."""


@click.command(epilog="Example: fusion init videos --example quickstart")
@click.argument("folder", metavar="[NAME]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--example",
    shell_complete=example_names,
    default=EXAMPLE,
    show_default=True,
    metavar="EXAMPLE",
    help="Which example to copy; an unknown name lists them all.",
)
@click.option(
    "--module",
    metavar="CONNECTOR.NAME",
    help="Start a module of your own instead, in the folder NAME or fusion_modules.",
)
@operator("modules")
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    folder: Path | None,
    example: str,
    module: str | None,
) -> None:
    """Copy an example to start from.

    A scenario is copied with its input files and tests, the schema by which editors check it, and a
    connections file. NAME is the folder to make; left out, it is called like the example. With
    --module, a module is written with its test and its page. Nothing is overwritten.
    """
    from engine.app import catalog
    from engine.examples import copy_example, examples, start_module

    if module is not None:
        target = folder or MODULES
        written = start_module(module, target)
        output.result(f"wrote {counted(len(written), 'file')} to {near(target)}")
        output.result(f"next: {typed('modules', module, '--modules', near(target))}")
        return
    known = examples()
    if example not in known:
        raise click.UsageError(f"no example is called `{example}`; there are: {', '.join(known)}")
    target = folder or Path(example)
    copied = copy_example(example, target, catalog(operator))
    scenario = target / f"{example}.yaml"
    output.result(f"copied {counted(len(copied), 'file')} to {near(target)}")
    output.result(f"next: {typed('run', near(scenario))}")
