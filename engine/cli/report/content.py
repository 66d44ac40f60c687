"""What the page of a run holds for `report.js`: its nodes, and the operations that are kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.app.stored import MappedFields, StoredRun, numbers_kept
from engine.cli.report.values import Values
from engine.draw.outcome import Mark
from engine.draw.words import title_of
from engine.model.execution import Failure, NodeCount
from engine.model.history import KeptOperation
from engine.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class NodeLine:
    """A node as the page lists it; `outcome` is empty without a plan."""

    id: str
    title: str
    module: str
    outcome: str
    count: NodeCount


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that is kept, and the operation that it ended."""

    node_id: str
    number: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be shown.

    `plan` is None if the scenario cannot be read any more; `withheld` says why no values are shown,
    empty if they are.
    """

    run: StoredRun
    plan: Plan | None = None
    marks: Mapping[str, Mark] = field(default_factory=dict)
    withheld: str = ""
    fields: Mapping[str, Sequence[MappedFields]] = field(default_factory=dict)
    """By node id, those of each operation that is kept."""

    @property
    def operations(self) -> Mapping[str, Any]:
        """The operations that may be shown, by node id."""
        history = self.run.history
        return {} if history is None or self.withheld else history.operations

    def nodes(self) -> Iterator[NodeLine]:
        """Yield all nodes; without a plan those that the run knows."""
        counts = self.run.execution.nodes
        if self.plan is None:
            for node_id, count in counts.items():
                yield NodeLine(node_id, node_id, "", "", count)
            return
        for node in self.plan.nodes.values():
            mark = self.marks.get(node.id)
            outcome = "" if mark is None else mark.outcome.value
            count = counts.get(node.id, NodeCount())
            yield NodeLine(node.id, title_of(node), node.module_id, outcome, count)

    def troubles(self) -> Iterator[Trouble]:
        """Yield all failures that are kept, by node and in order."""
        for node_id, operations in self.operations.items():
            for one in operations:
                if one.failure is not None:
                    yield Trouble(node_id, one.number, one.failure)


def data_of(report: Report) -> dict[str, Any]:
    """Return what the inspector shows."""
    values = Values()
    nodes = [
        [
            line.id,
            {
                "title": line.title,
                "module": line.module,
                "outcome": line.outcome,
                "kept": _kept(report, line.id),
                "operations": list(_operations(report, line.id, values)),
            },
        ]
        for line in report.nodes()
    ]
    return {
        "nodes": nodes,
        "bundles": values.table,
        "withheld": report.withheld,
        "full": values.is_full,
    }


def _kept(report: Report, node_id: str) -> str:
    operations = report.operations.get(node_id)
    return numbers_kept(operations) if operations else ""


def _operations(report: Report, node_id: str, values: Values) -> Iterator[dict[str, Any]]:
    kept = report.operations.get(node_id, ())
    fields = report.fields.get(node_id, [MappedFields({})] * len(kept))
    for one, mapped in zip(kept, fields, strict=True):
        yield {**_operation(one, values), "fields": _fields(mapped, values)}


def _fields(mapped: MappedFields, values: Values) -> dict[str, Any] | None:
    """Return where a node's fields stand, or why there are none; None if it has none."""
    if not (mapped.values or mapped.fault):
        return None
    return {"fault": mapped.fault} if mapped.fault else {"place": values.place(mapped.values)}


def _operation(one: KeptOperation, values: Values) -> dict[str, Any]:
    saw = [[name, values.place(bundle)] for name, bundle in one.bundles.items()]
    failure = one.failure
    return {
        "number": one.number,
        "saw": [*saw, *([name, None] for name in one.bundles.too_large)],
        "gave": [values.place(bundle) for bundle in one.outputs],
        "emitted": one.emitted,
        "failure": failure and [failure.type, failure.message, failure.where, failure.bundle],
    }
