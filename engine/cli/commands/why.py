"""`fusion why`: where a value of a run came from, back to what the trigger emitted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from engine.cli.completing import node_ids, run_ids
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output, Span, Tone

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.origins import Origin


@click.command(epilog="Example: fusion why convert.file --run 4f2a --bundle 3")
@click.argument("name", metavar="NODE.FIELD", shell_complete=node_ids)
@click.option(
    "--run",
    "run_id",
    metavar="ID",
    shell_complete=run_ids,
    required=True,
    help="The run to look into.",
)
@click.option(
    "--bundle",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    help="Which bundle of the node, counted from 1; the first that is kept if left out.",
)
@operator("store", "connections", "modules")
@json_option
@click.pass_obj
def command(
    output: Output, /, operator: "Operator", *, name: str, run_id: str, number: int | None
) -> None:
    """Show where a value came from.

    NODE.FIELD is a field of a node, as it was mapped, its filter (NODE.filter), or an item that it
    emitted. Each value is followed back through expressions and bundles as far as the run has kept
    them.
    """
    from engine.app.origins import Asked, origin_of
    from engine.cli.running import run_async

    origin, _ = run_async(origin_of(Asked(name, run_id, number), operator))
    if output.as_json:
        output.document({"origin": _json(origin)})
        return
    for line in _lines(origin, ""):
        output.result(line)


def _lines(origin: "Origin", indent: str) -> Iterator[Line]:
    from engine.cli.outline import summary
    from engine.cli.show import near

    value = f" = {summary(origin.value)}" if origin.known else ""
    yield (Span(indent), Span(origin.name, Tone.STRONG), Span(value))
    inner = f"{indent}  "
    at = ""
    if origin.place is not None:
        at = f"{near(origin.place.file)}:{origin.place.line}:{origin.place.column}"
    if origin.text:
        yield (Span(f"{inner}{origin.text}"), Span(f"  {at}", Tone.FAINT))
        at = ""
    if origin.how or at:
        yield f"{inner}{origin.how}{'  ' if origin.how and at else ''}{at}"
    for source in origin.sources:
        yield from _lines(source, inner)


def _json(origin: "Origin") -> dict[str, Any]:
    from engine.cli.records import value_json

    place = origin.place
    return {
        "name": origin.name,
        "value": value_json(origin.value),
        "known": origin.known,
        "how": origin.how,
        "text": origin.text or None,
        "place": place and {"file": place.file, "line": place.line, "column": place.column},
        "sources": [_json(source) for source in origin.sources],
    }
