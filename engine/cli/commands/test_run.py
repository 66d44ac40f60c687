"""`fusion test PATH…`: plays the tests that lie beside scenarios."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.show import near, problem_json, problem_lines
from engine.cli.units import counted, duration
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.testing.session import FileVerdict, Verdict


_BELOW = " " * 8
"""Indents what is told of a test that failed, so that it stands below its name."""


@click.command()
@click.argument(
    "paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@click.option("-k", "--only", metavar="TEXT", default="", help="Only tests whose names hold this.")
@click.option("--network", is_flag=True, help="Let tests ask real services, where they say `real`.")
@click.option(
    "--junit",
    "junit_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the results as JUnit's XML too, for build servers.",
)
@operator("connections", "modules", "allow_private_networks")
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    paths: tuple[Path, ...],
    only: str,
    network: bool,
    junit_file: Path | None,
) -> int:
    """Test scenarios on bundles of your own.

    A PATH is a test file, which ends in .test.yaml, a scenario with tests beside it, or a folder.
    Time is the test's own, so that hours of waiting take none, and nothing outside of a folder of
    its own is changed. Exit code 1 tells that a test failed.
    """
    from engine.testing.reading import test_files
    from engine.testing.session import run_file

    played = []
    for path in test_files(paths):
        if not output.as_json:
            output.result((Span(near(path), Tone.STRONG),))
        one = run_file(
            path,
            operator,
            only=only,
            network=network,
            on_verdict=lambda verdict: _tell(output, verdict),
        )
        played.append(one)
        if not output.as_json:
            for line in _coverage_lines(one):
                output.result(line)
    verdicts = [verdict for one in played for verdict in one.verdicts]
    if not verdicts:
        raise UsageError(f"no test has {only!r} in its name", code="E603")
    if junit_file is not None:
        _write(junit_file, played)
    failed = sum(not verdict.passed for verdict in verdicts)
    if output.as_json:
        output.document({"files": [_json(one) for one in played], "failed": failed})
    else:
        tone = Tone.BAD if failed else Tone.GOOD
        words = f"{counted(len(verdicts), 'test')}: {len(verdicts) - failed} passed"
        output.result((Span(f"{words}{f', {failed} failed' if failed else ''}", tone),))
    return Exit.FAILED if failed else Exit.OK


def _tell(output: Output, verdict: "Verdict") -> None:
    if output.as_json:
        return
    for line in _verdict_lines(verdict, output.width):
        output.result(line)


def _verdict_lines(verdict: "Verdict", width: int | None) -> Iterator[Line]:
    took = Span(f"  {duration(verdict.seconds)}", Tone.FAINT)
    if verdict.passed:
        yield (Span("  ok    ", Tone.GOOD), Span(verdict.name), took)
        return
    yield (Span("  FAIL  ", Tone.BAD), Span(verdict.name, Tone.STRONG), took)
    yield f"{_BELOW}at {near(verdict.place.file)}:{verdict.place.line}"
    for line in verdict.unmet:
        yield f"{_BELOW}{line}"
    if verdict.problem is not None:
        room = None if width is None else width - len(_BELOW)
        for told in problem_lines(verdict.problem, room):
            yield (Span(_BELOW), *told) if isinstance(told, tuple) else f"{_BELOW}{told}"
    for note in verdict.notes:
        yield (Span(f"{_BELOW}| {note}", Tone.FAINT),)


def _coverage_lines(one: "FileVerdict") -> Iterator[Line]:
    coverage = one.coverage
    missed = coverage.missed
    words = f"  {coverage.taken} of {coverage.total} ways through {near(one.scenario)} were taken"
    yield f"{words}{'; not taken:' if missed else ''}"
    for spot in missed:
        yield (Span(f"    {near(one.scenario)}:{spot.line}  {spot.what}", Tone.WARNING),)
    yield ""


def _json(one: "FileVerdict") -> dict[str, Any]:
    return {
        "file": str(one.path),
        "scenario": str(one.scenario),
        "tests": [
            {
                "name": verdict.name,
                "line": verdict.place.line,
                "passed": verdict.passed,
                "seconds": round(verdict.seconds, 6),
                "unmet": list(verdict.unmet),
                "problem": verdict.problem and problem_json(verdict.problem),
                "notes": list(verdict.notes),
            }
            for verdict in one.verdicts
        ],
        "coverage": {
            "taken": one.coverage.taken,
            "total": one.coverage.total,
            "missed": [{"line": spot.line, "what": spot.what} for spot in one.coverage.missed],
        },
    }


def _write(path: Path, played: "Sequence[FileVerdict]") -> None:
    from engine.testing.junit import junit

    try:
        path.write_text(junit(played), encoding="utf-8")
    except OSError as error:
        text = f"cannot write {path}: {error.strerror or error}"
        raise UsageError(text, code="E402") from error
