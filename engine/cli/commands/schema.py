"""`fusion schema`: the scenario language as a JSON Schema, for editors."""

import json
from typing import TYPE_CHECKING

import click

from engine.cli.completing import module_ids
from engine.cli.options import operator
from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator


@click.command(epilog="Example: fusion schema > scenario.schema.json")
@click.argument("module", required=False, metavar="[MODULE]", shell_complete=module_ids)
@operator("modules")
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, module: str | None) -> None:
    """Write the JSON Schema of scenarios, for editors.

    It is of draft-07 and holds every installed module; MODULE writes what stands under `with` of
    one. An editor takes it by a scenario's first line: `# yaml-language-server: $schema=FILE`. What
    it accepts may still have mistakes that only `fusion validate` finds.
    """
    from engine.app import catalog
    from engine.cli.commands.modules import not_found
    from engine.plan.schema import module_schema, scenario_schema

    known = catalog(operator)
    try:
        schema = scenario_schema(known) if module is None else module_schema(known, module)
    except KeyError:
        raise not_found(known, str(module)) from None
    for line in json.dumps(schema, indent=2).split("\n"):
        output.result(line)
