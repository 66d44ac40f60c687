"""`fusion validate`: every problem of every file, before anything runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import typed
from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Output, Span, Tone
from engine.cli.problem_formats import concise, github, sarif
from engine.cli.scenario_files import scenario_files
from engine.cli.show import near, problem_json, problem_lines
from engine.cli.units import counted
from engine.errors import EngineError, Problem, UsageError

if TYPE_CHECKING:
    from engine.app import Operator


@dataclass(frozen=True, slots=True)
class Checked:
    path: Path
    problems: tuple[Problem, ...]
    nodes: int = 0
    warnings: tuple[Problem, ...] = ()
    """What runs, but cannot be meant; it does not make a scenario invalid."""

    @property
    def told(self) -> tuple[Problem, ...]:
        return (*self.problems, *self.warnings)


@click.command(epilog="Example: fusion validate scenarios --concise")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@operator("store", "connections", "modules")
@click.option("--concise", "is_concise", is_flag=True, help="Tell each problem in one line.")
@click.option("--fix", is_flag=True, help="Mend in the files what can be mended without asking.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="For people, or for programs.",
)
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    paths: tuple[Path, ...],
    is_concise: bool,
    fix: bool,
    form: str,
) -> int:
    """Check scenarios without running them.

    A PATH is a scenario, or a folder with scenarios in it and in its folders. All problems of all
    files are told; `fusion explain CODE` says more of one. With --fix, expressions and ambiguous
    values are quoted, a scenario with a Break is set to store what it breaks off, types of errors
    get their capitals, and a secret that an environment variable holds too becomes a reference;
    comments and layout stay. Exit codes: 0 no problem (warnings are none), 1 problems, 2 the
    arguments cannot be used.
    """
    output.as_json = output.as_json or form == "json"
    files = list(dict.fromkeys(scenario_files(paths)))
    if fix:
        _fix(output, files, operator)
    checked = [_check(path, operator) for path in files]
    tellers: dict[str, Callable[[Output, Sequence[Checked]], None]] = {
        "github": _tell_github,
        "sarif": _tell_sarif,
        "text": _tell_concisely if is_concise else _tell,
    }
    if output.as_json:
        output.document(_json(checked))
    else:
        tellers[form](output, checked)
    return Exit.FAILED if any(one.problems for one in checked) else Exit.OK


def _fix(output: Output, files: Sequence[Path], operator: "Operator") -> None:
    from engine.app import catalog
    from engine.plan.fixes import fix_file

    for path in files:
        try:
            fixed = fix_file(path, catalog(operator), operator.connections)
        except EngineError:
            continue  # what is wrong is told by the check
        except OSError as error:
            text = f"{near(path)} cannot be written: {error.strerror or error}"
            raise UsageError(text, code="E701") from error
        for line, what in fixed.done:
            output.tell(f"fixed {near(path)}:{line}: {what}")


def _check(path: Path, operator: "Operator") -> Checked:
    from engine.app import load_plan

    try:
        plan = load_plan(path, operator)
    except EngineError as error:
        return Checked(path, error.problems)
    return Checked(path, (), len(plan.nodes), plan.warnings)


def _tell(output: Output, checked: Sequence[Checked]) -> None:
    for one in checked:
        if not one.problems:
            output.result((Span("ok", Tone.GOOD), Span(f"  {near(one.path)}  {_size(one)}")))
    for one in checked:
        for problem in one.told:
            for line in problem_lines(problem, output.width):
                output.result(line)
            output.result()
    _tell_count(output, checked)


def _tell_concisely(output: Output, checked: Sequence[Checked]) -> None:
    for one in checked:
        for problem in one.told:
            output.result(concise(problem))
    _tell_count(output, checked)


def _tell_count(output: Output, checked: Sequence[Checked]) -> None:
    count = sum(len(one.problems) for one in checked)
    if count:
        files = sum(bool(one.problems) for one in checked)
        output.result(f"{counted(count, 'problem')} in {counted(files, 'file')}")
        code = next(problem.code for one in checked for problem in one.problems)
        output.tell(f"next: {typed('explain', code)}")


def _tell_github(output: Output, checked: Sequence[Checked]) -> None:
    for one in checked:
        for problem in one.told:
            output.result(github(problem))


def _tell_sarif(output: Output, checked: Sequence[Checked]) -> None:
    from importlib.metadata import version

    for line in sarif([each for one in checked for each in one.told], version("fusion-runner")):
        output.result(line)


def _size(one: Checked) -> str:
    return f"({counted(one.nodes, 'node')})"


def _json(checked: Sequence[Checked]) -> dict[str, Any]:
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
