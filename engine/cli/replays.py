"""Replays and their plans, for people and for programs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.cli.outline import summary
from engine.cli.output import Line, Span, Tone
from engine.cli.records import execution_json, incomplete_json, value_json
from engine.cli.show import problem_json
from engine.cli.summary import saved_lines, seconds_of, stored_node_lines
from engine.cli.tables import Column, table
from engine.cli.units import duration, short

if TYPE_CHECKING:
    from engine.app.planned import How, Planned
    from engine.app.replayer import ReplayResult
    from engine.app.replaying import Replays

COLUMNS = (
    Column("id"),
    Column("scenario"),
    Column("node"),
    Column("outcome", gives_way=True),
    Column("operations", number=True),
    Column("took", number=True),
)


def result_json(result: "ReplayResult") -> dict[str, Any]:
    """Return what came of one replay; `refusal` says why it could not begin."""
    return {
        "incomplete": incomplete_json(result.incomplete),
        "execution": result.execution and execution_json(result.execution),
        "saved": [str(path) for path in result.saved],
        "refusal": result.refusal and problem_json(result.refusal.problems[0]),
    }


def plan_json(planned: "Planned") -> dict[str, Any]:
    """Return what one replay would do; of confidential data only the names of fields."""
    shown = not planned.incomplete.confidential
    return {
        **planned.to_json(),
        "misfit": (planned.misfit or None) if shown else bool(planned.misfit),
        "differs": [
            {
                "field": one.field,
                **({"before": _json(one.before), "now": _json(one.now)} if shown else {}),
            }
            for one in planned.differences
        ],
    }


def result_lines(replays: "Replays", width: int | None) -> Iterator[Line]:
    """Yield what came of replays; of a single one also the nodes that ran."""
    results = replays.results
    if not results:
        yield "nothing is due"
        return
    yield from table(COLUMNS, [_row(one) for one in results], width)
    if len(results) == 1 and results[0].execution is not None:
        yield ""
        yield from stored_node_lines(results[0].execution.nodes, None, width)
    paths = [path for one in results for path in one.saved]
    if paths:
        yield ""
        yield from saved_lines(paths)


def plan_lines(plans: "Sequence[Planned]", how: "How") -> Iterator[Line]:
    """Yield what each replay would do, node by node."""
    for index, planned in enumerate(plans):
        if index:
            yield ""
        record = planned.incomplete
        start = "the trigger's bundle on" if how.from_trigger else record.node_id
        yield (Span(f"{short(record.id)}  {record.scenario_id}, from {start}", Tone.STRONG),)
        widest = max(len(step.node_id) for step in planned.steps)
        for step in planned.steps:
            note = f"  {step.note}" if step.note else ""
            yield f"  {step.act.value:<9}  {step.node_id:<{widest if note else 0}}{note}"
        yield from _differences(planned)


def _row(result: "ReplayResult") -> tuple[str, ...]:
    execution = result.execution
    return (
        short(result.incomplete.id),
        result.incomplete.scenario_id,
        result.incomplete.node_id,
        result.outcome,
        str(execution.operations) if execution else "0",
        duration(seconds_of(execution)) if execution else "",
    )


def _differences(planned: "Planned") -> Iterator[Line]:
    withheld = planned.incomplete.confidential
    if planned.misfit:
        said = "it is withheld: the data is confidential" if withheld else planned.misfit
        yield (Span("  the fields do not fit: ", Tone.BAD), Span(said))
    if planned.differences:
        yield "  fields that differ from the stored attempt:"
    for one in planned.differences:
        values = "" if withheld else f": {_shown(one.before)} -> {_shown(one.now)}"
        yield f"    {one.field}{values}"


def _shown(value: Any) -> str:
    from engine.app.planned import NOTHING

    return "nothing" if value is NOTHING else summary(value)


def _json(value: Any) -> Any:
    from engine.app.planned import NOTHING

    return {"given": False} if value is NOTHING else {"given": True, "value": value_json(value)}
