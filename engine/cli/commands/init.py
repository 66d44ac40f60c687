"""`fusion init`: an example to start from."""

from pathlib import Path

import click

from engine.cli.advice import typed
from engine.cli.completing import example_names
from engine.cli.output import Output
from engine.cli.show import near
from engine.cli.units import counted

EXAMPLE = "quickstart"


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
@click.pass_obj
def command(output: Output, /, *, folder: Path | None, example: str) -> None:
    """Copy an example to start from.

    A scenario is copied with its input files. NAME is the folder to make; left out, it is called
    like the example. Nothing is overwritten.
    """
    from engine.examples import copy_example, examples

    known = examples()
    if example not in known:
        raise click.UsageError(f"no example is called `{example}`; there are: {', '.join(known)}")
    target = folder or Path(example)
    copied = copy_example(example, target)
    scenario = target / f"{example}.yaml"
    output.result(f"copied {counted(len(copied), 'file')} to {near(target)}")
    output.result(f"next: {typed('run', near(scenario))}")
