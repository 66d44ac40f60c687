"""`fusion incomplete edit`: mend the data that a replay starts from."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import store_option, typed
from engine.cli.completing import incomplete_ids
from engine.cli.editor import in_editor
from engine.cli.options import assignments, json_option, operator
from engine.cli.output import Output
from engine.cli.units import short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Incomplete


@click.command(
    "edit", epilog="Example: fusion incomplete edit 3f2a91c0 --file video.file=repaired.mov"
)
@click.argument("incomplete_id", metavar="ID", shell_complete=incomplete_ids)
@click.option(
    "--file",
    "files",
    multiple=True,
    callback=assignments,
    metavar="NODE.ITEM=PATH",
    help="Put a file in place of an item; may be given several times.",
)
@click.option(
    "--set",
    "values",
    multiple=True,
    callback=assignments,
    metavar="NODE.ITEM=VALUE",
    help="Put a value in place of an item: JSON if it is JSON, else text.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Put the text of this file in place of the stored scenario.",
)
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def edit(
    output: Output,
    /,
    operator: "Operator",
    *,
    incomplete_id: str,
    files: dict[str, str],
    values: dict[str, str],
    scenario: Path | None,
) -> None:
    """Change the data of one, or the scenario that is stored with it.

    Without options its bundles open in $EDITOR; after a mistake they open again, with what is
    wrong. The failed node's fields are checked with the new data before anything is stored.
    """
    from engine.app.editing import Changes, edit_incomplete
    from engine.cli.records import data_json, incomplete_json
    from engine.cli.running import run_async

    if files or values or scenario:
        _check(files, values)
        changes = Changes(
            files={name: Path(path) for name, path in files.items()},
            values={name: _value(text) for name, text in values.items()},
            scenario=scenario,
        )
        edited, _ = run_async(edit_incomplete(incomplete_id, operator, changes))
    else:
        _check_editor()
        edited = in_editor(output, operator, incomplete_id)
    if output.as_json:
        output.document({"incomplete": {**incomplete_json(edited), **data_json(edited)}})
    else:
        _tell(output, edited, [*files, *values], operator)


def _check_editor() -> None:
    """Raise click's UsageError where nobody could use an editor."""
    if not sys.stdin.isatty() and not {"VISUAL", "EDITOR"} & os.environ.keys():
        raise click.UsageError(
            "say what to change: --file NODE.ITEM=PATH, --set NODE.ITEM=VALUE, --scenario FILE; "
            "or set EDITOR"
        )


def _check(files: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Raise click's UsageError unless each item is named once, as `NODE.ITEM`."""
    for name in (*files, *values):
        node, _, item = name.partition(".")
        if not node or not item:
            raise click.UsageError(f"`{name}` is not of the form NODE.ITEM")
    twice = files.keys() & values.keys()
    if twice:
        raise click.UsageError(f"`{min(twice)}` is given by --file and by --set")


def _value(text: str) -> Any:
    """Read a value: JSON if it is JSON (numbers, true, lists, quoted texts), else the text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _tell(output: Output, edited: "Incomplete", names: list[str], operator: "Operator") -> None:
    from engine.cli.outline import summary

    for name in names:
        node, _, item = name.partition(".")
        bundle = edited.bundles.get(node, {})
        shown = f": {summary(bundle[item])}" if item in bundle else ""
        output.result(f"{name}{shown}")
    again = typed("replay", short(edited.id), *store_option(operator))
    output.result(f"next: {again}")
