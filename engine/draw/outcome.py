"""What a run made of each node, as a picture tells it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.model.execution import Execution, NodeCount
from engine.plan.graph import ERROR, to_networkx
from engine.plan.plan import NodeKind, Plan

_COUNTED = (NodeKind.MODULE, NodeKind.ITERATOR, NodeKind.AGGREGATOR)


class Outcome(StrEnum):
    """How a node did."""

    SUCCESS = "success"
    PARTLY = "partly"
    """Some operations succeeded, some failed."""
    FAILED = "failed"
    UNTOUCHED = "untouched"
    """No bundle came to it."""
    PASSED = "passed"
    """Bundles may have come to it; operations of its kind are not counted."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is shown of a node's run; the counts are None for a node whose operations do not count.

    Source of what counts: `engine.model.execution.NodeCount`.
    """

    outcome: Outcome
    count: NodeCount | None = None


def marks_of(plan: Plan, execution: Execution) -> dict[str, Mark]:
    """Return the marks of all nodes of a plan that an execution has run."""
    marks: dict[str, Mark] = {}
    before = {after: (node, data["kind"]) for node, after, data in to_networkx(plan).edges.data()}
    for node in plan.nodes.values():  # document order: what stands before a node comes first
        count = execution.nodes.get(node.id, NodeCount())
        if node.kind in _COUNTED or count.failed:
            marks[node.id] = Mark(_outcome(count), count)
        else:
            passed = node.id not in before or _leads_on(plan, *before[node.id], marks)
            marks[node.id] = Mark(Outcome.PASSED if passed else Outcome.UNTOUCHED)
    return marks


def _outcome(count: NodeCount) -> Outcome:
    worked = bool(count.operations or count.bundles)
    if count.failed:
        return Outcome.PARTLY if worked else Outcome.FAILED
    return Outcome.SUCCESS if worked else Outcome.UNTOUCHED


def _leads_on(plan: Plan, node_id: str, kind: str, marks: Mapping[str, Mark]) -> bool:
    """Say whether bundles may have left a node by a wire of this kind."""
    mark = marks[node_id]
    if kind == ERROR:
        return mark.count is not None and bool(mark.count.failed)
    if plan.nodes[node_id].kind not in _COUNTED:
        return mark.outcome is not Outcome.UNTOUCHED
    return mark.count is not None and bool(mark.count.bundles)


def count_words(count: NodeCount) -> str:
    """Return a node's counts in a few words: `3 ops, 12 bundles, 1 failed`."""
    return ", ".join(_count_parts(count))


def _count_parts(count: NodeCount) -> Iterator[str]:
    if count.operations or count.bundles or not count.failed:
        yield f"{few(count.operations)} {'op' if count.operations == 1 else 'ops'}"
        yield f"{few(count.bundles)} {'bundle' if count.bundles == 1 else 'bundles'}"
    if count.failed:
        yield f"{few(count.failed)} failed"


def few(number: int) -> str:
    """Return a number in at most five characters: `999`, `12k`, `1.2M`."""
    if number < 10_000:
        return str(number)
    if number < 999_500:
        return f"{number / 1000:.0f}k"
    return f"{number / 1_000_000:.1f}M" if number < 99_950_000 else f"{number / 1_000_000:.0f}M"
