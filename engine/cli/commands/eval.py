"""`fusion eval`: what an expression gives, without a scenario."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from engine.cli.completing import incomplete_ids, node_ids, run_ids
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
    metavar="FILE|N",
    help="JSON object whose keys are the names in the expression. With --run: the number of one of "
    "the bundles that came to the node, from 1; else it is the first.",
)
@click.option(
    "--run",
    "run_id",
    metavar="ID",
    shell_complete=run_ids,
    help="Take the names from a run, with --node.",
)
@click.option(
    "--node",
    "node_id",
    metavar="NODE",
    shell_complete=node_ids,
    help="See what this node of the run saw.",
)
@click.option(
    "--incomplete",
    "incomplete_id",
    metavar="ID",
    shell_complete=incomplete_ids,
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
    jsonl: bool,
    **source: str | None,
) -> None:
    """Evaluate an expression.

    EXPR is one expression, or a text with {{ }} in it as in a field. The limits are those of a
    run. The value is written as JSON.

    With --run ID --node NODE --bundle N, the names are those that a node saw: of each node of a
    run, the first and the last bundles that came to it are kept, and those that it failed on.

    \b
    With --jsonl, each line of standard input is
      {"expr": "{{ … }}", "bundle": {…}, "timezone": "UTC"}
    and each line of the answer is {"value": …} or
      {"error": {"type", "message", "line", "column"}}.

    Dates are {"$date": "…Z"} and buffers {"$buffer_hex": "…"}, in both directions.
    """
    _limits(operator)
    if jsonl:
        if expression is not None or any(source.values()):
            raise click.UsageError("--jsonl reads everything from standard input")
        _answer_lines(output)
        return
    if expression is None:
        raise click.UsageError("give an expression, or --jsonl")
    given = _Source(**source)
    given.check()
    text = expression if any(mark in expression for mark in OPENINGS) else f"{{{{ {expression} }}}}"
    _show(output, text, *_scope(operator, given))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where names and values come from: a file, a run, an incomplete execution, or nowhere."""

    bundle: str | None
    run_id: str | None
    node_id: str | None
    incomplete_id: str | None
    timezone: str | None

    def check(self) -> None:
        """Raise click.UsageError for options that do not go together."""
        if self.incomplete_id and (self.bundle or self.run_id):
            other = "--run" if self.run_id else "--bundle"
            text = f"the names come from {other} or from --incomplete, not from both"
            raise click.UsageError(text)
        if bool(self.run_id) != bool(self.node_id):
            raise click.UsageError("--run and --node go together")
        number = self.bundle or "1"
        if self.run_id and not (number.isascii() and number.isdecimal() and int(number)):
            raise click.UsageError(f"with --run, --bundle is a number from 1, not `{number}`")


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


def _scope(operator: "Operator", given: _Source) -> "tuple[Scope, tuple[str, ...]]":
    """Return what the expression sees, and what to say if it asks for more."""
    from engine.app import world_in
    from engine.app.stored import scope_of_incomplete
    from engine.cli.running import run_async

    if given.run_id is not None:
        return _scope_of_run(operator, given)
    if given.incomplete_id is not None:
        found = scope_of_incomplete(given.incomplete_id, operator, timezone=given.timezone)
        return run_async(found)[0], ()
    names = {} if given.bundle is None else _names(Path(given.bundle))
    return {**names, "": world_in(given.timezone or "UTC")}, ()


def _scope_of_run(operator: "Operator", given: _Source) -> "tuple[Scope, tuple[str, ...]]":
    from engine.app.stored import OperationId, scope_of_operation
    from engine.cli.running import run_async

    number = None if given.bundle is None else int(given.bundle)
    wanted = OperationId(given.run_id or "", given.node_id or "", number)
    found = scope_of_operation(wanted, operator, timezone=given.timezone)
    (scope, operation), _ = run_async(found)
    gone = operation.bundles.too_large
    notes = [f"`{name}` was too large to be kept with the run" for name in gone]
    if given.node_id not in scope:
        notes.append(f"the names are what `{given.node_id}` saw, not what it emitted")
    return scope, tuple(notes)


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


def _show(output: Output, text: str, scope: "Scope", notes: tuple[str, ...]) -> None:
    from engine.errors import ExpressionError, MappingError, Problem
    from engine.mapping.evaluate import evaluate, place, value_text

    try:
        written = value_text(evaluate(text, scope))
    except ExpressionError as error:
        where = place(text, error)
        raise ScenarioError(
            Problem(error.problem_code, error.message, where, (*error.notes, *notes))
        ) from error
    except MappingError as error:
        error.place = place(text, error)
        raise
    content = json.loads(written)
    if output.as_json:
        output.document({"value": content})
    else:
        output.result(json.dumps(content, ensure_ascii=False))
