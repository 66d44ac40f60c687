"""`fusion functions`: what expressions can call."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import typed
from engine.cli.completing import function_names
from engine.cli.options import json_option
from engine.cli.output import Output, Span, Tone
from engine.cli.reference_markdown import function_lines
from engine.cli.tables import Column, table
from engine.errors import NotFoundError

if TYPE_CHECKING:
    from engine.mapping.functions import Function

COLUMNS = (Column("function"), Column("family"), Column("what it does", gives_way=True))


@click.command(epilog="Example: fusion functions formatDate")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=function_names)
@click.option("--markdown", is_flag=True, help="Write the reference of these as Markdown.")
@json_option
@click.pass_obj
def command(output: Output, /, *, name: str | None, markdown: bool) -> None:
    """List the functions that expressions can call.

    NAME shows one function with an example, the functions of one family, or those in whose names
    and descriptions it stands.
    """
    from engine.mapping.functions import FAMILIES, FUNCTIONS

    families = {one.name: family for family, members in FAMILIES.items() for one in members}
    wanted = _chosen(name, FUNCTIONS, families)
    if markdown:
        for line in function_lines(FAMILIES, list(wanted)):
            output.result(line)
    elif name is not None and name in FUNCTIONS:
        _show(output, FUNCTIONS[name], families[name])
    else:
        _list(output, wanted, families)


def _chosen(
    name: str | None, functions: "Mapping[str, Function]", families: Mapping[str, str]
) -> dict[str, "Function"]:
    if name is None or name in families.values():
        return {one: functions[one] for one in families if name in (None, families[one])}
    if name in functions:
        return {name: functions[name]}
    word = name.lower()
    found = {
        one: functions[one]
        for one in families
        if word in one.lower() or word in functions[one].doc.lower()
    }
    if not found:
        raise _not_found(name, functions)
    return found


def _list(output: Output, functions: "Mapping[str, Function]", families: Mapping[str, str]) -> None:
    if output.as_json:
        listed = [_json(one, families[one.name]) for one in functions.values()]
        output.document({"functions": listed})
        return
    rows = [(one.signature, families[one.name], one.doc) for one in functions.values()]
    for line in table(COLUMNS, rows, output.width):
        output.result(line)


def _show(output: Output, function: "Function", family: str) -> None:
    if output.as_json:
        output.document({"function": _json(function, family)})
        return
    output.result((Span(function.signature, Tone.STRONG), Span(f"  {family}")))
    output.result(function.doc)
    output.result()
    output.result(f"for example  {function.example}")


def _json(function: "Function", family: str) -> dict[str, Any]:
    return {
        "name": function.name,
        "family": family,
        "signature": function.signature,
        "description": function.doc,
        "example": function.example,
    }


def _not_found(name: str, functions: "Mapping[str, Function]") -> NotFoundError:
    from engine.plan.hints import did_you_mean, shown

    return NotFoundError(
        f"there is no function {shown(name)}{did_you_mean(name, functions)}",
        next_command=typed("functions"),
    )
