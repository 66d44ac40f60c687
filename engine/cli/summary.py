"""What a run or replay came to, in a few lines."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.outline import hint
from engine.cli.output import Line
from engine.cli.show import near
from engine.cli.tables import Column, table
from engine.cli.units import counted, duration, short
from engine.model.execution import Execution, Incomplete, Kind, NodeCount, Phase, Status

if TYPE_CHECKING:
    from engine.model.history import History
    from engine.plan.plan import Plan

MOST_NAMES = 5
"""Files of one folder that are listed by name."""

MOST_ROWS = 10
"""Incomplete executions of one run that are listed."""

_WORDS = {
    Status.RUNNING: "running",
    Status.SUCCESS: "success",
    Status.WARNING: "warning",
    Status.ERROR: "error",
}

_NODES = (
    Column("node", gives_way=True),
    Column("module", gives_way=True),
    Column("operations", number=True),
    Column("bundles", number=True),
    Column("failed", number=True),
    Column("time", number=True),
)

_INCOMPLETE = (
    Column("id"),
    Column("node"),
    Column("bundle"),
    Column("error", gives_way=True),
)


def status_word(execution: Execution) -> str:
    """Return how an execution ended, in one word; a dead process's one is `interrupted`."""
    return "interrupted" if execution.interrupted else _WORDS[execution.status]


def no_connection(execution: Execution) -> bool:
    """Tell whether an execution ended before it began, because a connection cannot be used."""
    return execution.failure is not None and execution.failure.phase is Phase.CONNECTION


def kind_word(kind: Kind) -> str:
    """Return what people call an execution of this kind."""
    return {Kind.REPLAY: "replay", Kind.TRIAL: "trial"}.get(kind, "run")


def seconds_of(execution: Execution) -> float:
    """Return how long an execution took; 0 while it has no end."""
    ended = execution.ended_at or execution.started_at
    return (ended - execution.started_at).total_seconds()


def headline(name: str, execution: Execution) -> str:
    """Say in one line how it ended and how much was done."""
    words = {
        "interrupted": "interrupted after",
        "error": "ended in error after",
        "warning": "finished with warnings in",
        "success": "finished in",
        "running": "running since",
    }
    done = f"{counted(execution.operations, 'operation')}, {counted(execution.bundles, 'bundle')}"
    if execution.lost:
        done += f", {execution.lost} lost"
    return f"{name}: {words[status_word(execution)]} {duration(seconds_of(execution))} ({done})"


def node_lines(nodes: Mapping[str, NodeCount], plan: "Plan", width: int | None) -> Sequence[Line]:
    """Return the table of nodes, in the plan's order; nodes of error routes only if they ran."""
    counts = [(node, nodes.get(node.id, NodeCount())) for node in plan.nodes.values()]
    known = [
        (node.title, node.module_id, *_numbers(count))
        for node, count in counts
        if _ran(count) or not (node.on_error_route or node.disabled)
    ]
    return table(_NODES, known, width)


def stored_node_lines(
    nodes: Mapping[str, NodeCount], history: "History | None", width: int | None
) -> Sequence[Line]:
    """Return the table of the nodes that ran, and which of their bundles history keeps.

    Without a plan, their modules are not known.
    """
    ran = [(name, *_numbers(count)) for name, count in nodes.items() if _ran(count)]
    columns = (*_NODES[:1], *_NODES[2:])
    if history is None:
        return table(columns, ran, width)
    from engine.app.stored import numbers_kept

    kept = {name: numbers_kept(operations) for name, operations in history.operations.items()}
    rows = [(*row, kept.get(row[0], "")) for row in ran]
    return table((*columns, Column("bundles kept", gives_way=True)), rows, width)


def saved_lines(paths: Sequence[Path]) -> Iterator[str]:
    """Say per folder how many files lie there, a few of them by name."""
    folders: dict[str, list[str]] = defaultdict(list)
    for path in dict.fromkeys(paths):
        folders[near(path.parent)].append(path.name)
    for folder, names in folders.items():
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{counted(len(names), 'file')} in {folder}: {', '.join(names[:MOST_NAMES])}{more}"


def incomplete_lines(stored: Sequence[Incomplete], width: int | None) -> Iterator[Line]:
    """Yield a table of the first incomplete executions of one scenario, and how many more."""
    rows = [
        (
            short(one.id),
            one.node_id,
            hint(one.bundles),
            f"{one.failure.type}: {one.failure.message}",
        )
        for one in stored[:MOST_ROWS]
    ]
    yield from table(_INCOMPLETE, rows, width)
    if len(stored) > MOST_ROWS:
        yield f"and {len(stored) - MOST_ROWS} more: fusion incomplete list"


def _row(one: Incomplete) -> tuple[str, str, str, str]:
    error = f"{one.failure.type}: {one.failure.message}"
    return (short(one.id), one.node_id, hint(one.bundles), error)


def _ran(count: NodeCount) -> bool:
    return bool(count.operations or count.bundles or count.failed)


def _numbers(count: NodeCount) -> tuple[str, str, str, str]:
    return (str(count.operations), str(count.bundles), str(count.failed), duration(count.seconds))
