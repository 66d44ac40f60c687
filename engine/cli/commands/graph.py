"""`fusion graph`: a scenario as a picture, or as a tree of text."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.completing import run_ids
from engine.cli.options import operator
from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.draw.outcome import Mark
    from engine.plan.plan import Plan

FORMATS = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".txt": "text",
}
"""The language of a file by the end of its name."""


@click.command(epilog="Example: fusion graph scenarios/quickstart.yaml -o quickstart.svg")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "svg", "mermaid", "dot"]),
    help="Language of the picture. Left out: that of FILE's name, else a tree of text.",
)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the picture to a file.",
)
@click.option(
    "--run",
    "run_id",
    metavar="ID",
    shell_complete=run_ids,
    help="Show what a run made of each node.",
)
@operator("store", "connections", "modules")
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    scenario: Path,
    form: str | None,
    target: Path | None,
    run_id: str | None,
) -> None:
    """Draw a scenario with its filters, routes and error routes.

    Without a format or a file, a tree for the terminal is shown: routes and error routes hang below
    their node. SVG is shown by every browser; Mermaid by GitHub, GitLab and many editors; DOT by
    Graphviz. With --run, colours say how the nodes of a run ended, and numbers what they did; the
    scenario is drawn as it was when it ran, as long as the store keeps that.
    """
    from engine.cli.files import need_folder, write_text

    chosen = form or _format_of(target)
    if target is not None:
        need_folder(target)
    picture = _picture(chosen, *_drawn(output, operator, scenario, run_id))
    if target is None:
        for line in picture.splitlines():
            output.result(line)
    else:
        write_text(target, picture)
        output.tell(f"drawn: {target}")


def _format_of(target: Path | None) -> str:
    if target is None:
        return "text"
    if target.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise click.UsageError(f"say --format, or end the file's name in one of {known}")
    return FORMATS[target.suffix.lower()]


def _picture(form: str, plan: "Plan", marks: "Mapping[str, Mark]") -> str:
    if form == "svg":
        from engine.draw.svg import to_svg

        return to_svg(plan, marks)
    if form == "dot":
        from engine.draw.dot import to_dot

        return to_dot(plan, marks)
    if form == "text":
        from engine.draw.tree import to_tree

        return to_tree(plan, marks)
    from engine.draw.mermaid import to_mermaid

    return to_mermaid(plan, marks)


def _drawn(
    output: Output, operator: "Operator", scenario: Path, run_id: str | None
) -> "tuple[Plan, Mapping[str, Mark]]":
    from engine.app import load_plan

    plan = load_plan(scenario, operator)
    if run_id is None:
        return plan, {}
    from engine.app.stored import plan_as_run, run_of
    from engine.cli.running import run_async
    from engine.draw.outcome import marks_of

    run, _ = run_async(run_of(run_id, operator, plan))
    drawn = plan_as_run(run, plan, operator) or plan
    if drawn.source != plan.source:
        output.tell(f"{scenario} has changed since; this is the scenario as it ran")
    return drawn, marks_of(drawn, run.execution)
