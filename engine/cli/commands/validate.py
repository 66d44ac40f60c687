"""`fusion validate`: every problem of every file, before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Output, Span, Tone
from engine.cli.scenario_files import scenario_files
from engine.cli.show import near, problem_json, problem_lines
from engine.cli.units import counted
from engine.errors import EngineError, Problem

if TYPE_CHECKING:
    from engine.app import Operator


@dataclass(frozen=True, slots=True)
class Checked:
    path: Path
    problems: tuple[Problem, ...]
    nodes: int = 0
    warnings: tuple[Problem, ...] = ()
    """What runs, but cannot be meant; it does not make a scenario invalid."""


@click.command(epilog="Example: fusion validate scenarios")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, paths: tuple[Path, ...]) -> int:
    """Check scenarios without running them.

    A PATH is a scenario or a folder with scenarios. All problems of all files are told. Exit codes:
    0 no problem (warnings are none), 1 problems, 2 the arguments cannot be used.
    """
    checked = [_check(path, operator) for path in scenario_files(paths)]
    if output.as_json:
        output.document(_json(checked))
    else:
        _tell(output, checked)
    return Exit.FAILED if any(one.problems for one in checked) else Exit.OK


def _check(path: Path, operator: "Operator") -> Checked:
    from engine.app import load_plan

    try:
        plan = load_plan(path, operator)
    except EngineError as error:
        return Checked(path, error.problems)
    return Checked(path, (), len(plan.nodes), plan.warnings)


def _tell(output: Output, checked: list[Checked]) -> None:
    for one in checked:
        if not one.problems:
            output.result((Span("ok", Tone.GOOD), Span(f"  {near(one.path)}  {_size(one)}")))
    for one in checked:
        for problem in (*one.problems, *one.warnings):
            for line in problem_lines(problem, output.width):
                output.result(line)
            output.result()
    count = sum(len(one.problems) for one in checked)
    if count:
        files = sum(bool(one.problems) for one in checked)
        output.result(f"{counted(count, 'problem')} in {counted(files, 'file')}")


def _size(one: Checked) -> str:
    return f"({counted(one.nodes, 'node')})"


def _json(checked: list[Checked]) -> dict[str, Any]:
    return {
        "files": [
            {
                "path": str(one.path),
                "valid": not one.problems,
                "problems": [problem_json(problem) for problem in one.problems],
                "warnings": [problem_json(warning) for warning in one.warnings],
            }
            for one in checked
        ]
    }
