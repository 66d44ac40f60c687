"""`fusion doctor`: whether this machine is fit for runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.health import Finding

_TONES = {"ok": Tone.GOOD, "warn": Tone.WARNING, "fail": Tone.BAD}
_ABOUT = 18
"""Cells of the second column; a longer name pushes its own line only."""


@click.command(epilog="Example: fusion doctor scenarios/quickstart.yaml")
@click.argument("scenario", required=False, type=click.Path(path_type=Path))
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, scenario: Path | None) -> int:
    """Look whether this machine is fit for runs.

    That is the store, engines, fonts and, with SCENARIO, its connections. Nothing is changed and
    nothing is run. Each line is ok, warn (it works, and could be better) or fail, with advice. Exit
    codes: 0 nothing has failed, 1 something has.
    """
    from engine.app.doctor import examine
    from engine.cli.running import run_async

    async def look() -> "list[Finding]":
        found = []
        async for finding in examine(scenario, operator):
            found.append(finding)
            if not output.as_json:
                for line in _lines(finding):
                    output.result(line)
                output.flush()
        return found

    found, _ = run_async(look())
    code = Exit.FAILED if any(one.health == "fail" for one in found) else Exit.OK
    if output.as_json:
        output.document({"exit_code": code, "findings": [_json(one) for one in found]})
    else:
        output.result()
        output.result(_summary(found))
    return code


def _lines(finding: "Finding") -> "list[Line]":
    tone = _TONES[finding.health.value]
    lines: list[Line] = [
        (
            Span(f"{finding.health:<4}", tone),
            Span(f"  {finding.about:<{_ABOUT}}  ", Tone.STRONG),
            Span(finding.text),
        )
    ]
    if finding.advice:
        lines.append(f"{'':<{_ABOUT + 8}}{finding.advice}")
    return lines


def _summary(found: "list[Finding]") -> str:
    counts = {word: sum(1 for one in found if one.health == word) for word in ("warn", "fail")}
    if counts["fail"]:
        return f"{counts['fail']} failed, {counts['warn']} to see to"
    return f"fit for runs; {counts['warn']} to see to" if counts["warn"] else "fit for runs"


def _json(finding: "Finding") -> dict[str, Any]:
    return {
        "about": finding.about,
        "health": finding.health.value,
        "text": finding.text,
        "advice": finding.advice or None,
    }
