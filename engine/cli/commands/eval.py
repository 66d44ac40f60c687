"""`fusion eval`: what an expression gives, without a scenario."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.errors import ScenarioError, UsageError

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.mapping.world import Scope

OPENINGS = ("{{", "{%", "{#")


@click.command(epilog="Example: fusion eval 'upper(order.name)' --bundle order.json")
@click.argument("expression", required=False, metavar="[EXPR]")
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="JSON object whose keys are the names in the expression.",
)
@click.option(
    "--incomplete",
    "incomplete_id",
    metavar="ID",
    help="Take the names from a stored incomplete execution: its nodes.",
)
@click.option("--timezone", metavar="NAME", help="Time zone of dates, instead of UTC.")
@click.option("--jsonl", is_flag=True, help="Answer lines of JSON from standard input.")
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    expression: str | None,
    bundle: Path | None,
    incomplete_id: str | None,
    timezone: str | None,
    jsonl: bool,
) -> None:
    """Evaluate an expression.

    EXPR is one expression, or a text with {{ }} in it as in a field. The limits are those of a
    run. The value is written as JSON.

    \b
    With --jsonl, each line of standard input is
      {"expr": "{{ … }}", "bundle": {…}, "timezone": "UTC"}
    and each line of the answer is {"value": …} or
      {"error": {"type", "message", "line", "column"}}.

    Dates are {"$date": "…Z"} and buffers {"$buffer_hex": "…"}, in both directions.
    """
    _limits(operator)
    if jsonl:
        if expression is not None or bundle or incomplete_id or timezone:
            raise click.UsageError("--jsonl reads everything from standard input")
        _answer_lines(output)
        return
    if expression is None:
        raise click.UsageError("give an expression, or --jsonl")
    if bundle and incomplete_id:
        raise click.UsageError("the names come from --bundle or from --incomplete, not from both")
    text = expression if any(mark in expression for mark in OPENINGS) else f"{{{{ {expression} }}}}"
    _show(output, text, _scope(operator, bundle, incomplete_id, timezone))


def _limits(operator: "Operator") -> None:
    """Let the limits hold that a run would have here."""
    from engine.store.config import use_config

    use_config(operator.store, None, Path.cwd())


def _answer_lines(output: Output) -> None:
    from engine.app import world_in
    from engine.mapping.evaluate import LINE_LIMIT, answer

    for line in _lines(sys.stdin.buffer, LINE_LIMIT):
        output.result(answer(line, world_in))
        output.flush()


def _lines(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield each line without its end; of one that is too long, one byte more than the limit."""
    while line := stream.readline(limit + 1):
        rest = line
        while len(rest) > limit and not rest.endswith(b"\n"):
            rest = stream.readline(limit + 1)
        yield line.removesuffix(b"\n") if rest is line else line


def _scope(
    operator: "Operator", bundle: Path | None, incomplete_id: str | None, timezone: str | None
) -> "Scope":
    from engine.app import stored_scope, world_in
    from engine.cli.running import run_async

    if incomplete_id is not None:
        scope, _ = run_async(stored_scope(incomplete_id, operator, timezone=timezone))
        return scope
    names = {} if bundle is None else _names(bundle)
    return {**names, "": world_in(timezone or "UTC")}


def _names(path: Path) -> dict[str, Any]:
    from engine.mapping.evaluate import bundle_of_json
    from engine.mapping.refusal import Refused

    try:
        return bundle_of_json(path.read_bytes())
    except OSError as error:
        text = f"{path}: {(error.strerror or str(error)).lower()}"
        raise UsageError(text, code="E402") from error
    except Refused as error:
        raise UsageError(f"{path}: {error.reason}", code="E402") from error


def _show(output: Output, text: str, scope: "Scope") -> None:
    from engine.errors import ExpressionError, MappingError, Problem
    from engine.mapping.evaluate import evaluate, place, value_text

    try:
        written = value_text(evaluate(text, scope))
    except ExpressionError as error:
        where = place(text, error)
        raise ScenarioError(
            Problem(error.problem_code, error.message, where, error.notes)
        ) from error
    except MappingError as error:
        error.place = place(text, error)
        raise
    content = json.loads(written)
    if output.as_json:
        output.document({"value": content})
    else:
        output.result(json.dumps(content, ensure_ascii=False))
