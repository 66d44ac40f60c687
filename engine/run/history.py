"""Remembers, while a run goes on, what its first and last operations saw and emitted.

`travel` tells it of each operation and failure, `driver` hands the result to the store. It holds
references only: nobody changes a bundle, and `travel` makes a scope of its own for every bundle of
several, to which later nodes only add. What a node saw is picked out of that at the end.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.execution import Failure
from engine.model.history import History, KeptOperation, Seen, Stretch
from engine.model.retention import Budget
from engine.plan.plan import Node, NodeKind, Plan
from engine.run.retrying import Trouble

HEAVY: Final = 1_000_000
"""Characters, bytes and elements, not counting what is nested deeper, that make a bundle too large
to be held until the run ends."""

STRETCHES: Final = 100
"""So many stretches of a node's work are kept from the beginning of an execution, and from its end.
"""

SHORTEST: Final = 0.001
"""Seconds; a node that worked for less in one go is not told about."""

Entry: TypeAlias = tuple[int, Scope, Sequence[Bundle | None], int]
"""An operation: its number, its scope, the first bundles that it emitted, how many there were.

None stands for a bundle that is not held any more.
"""

_OPERATING: Final = (NodeKind.MODULE, NodeKind.ITERATOR, NodeKind.AGGREGATOR)


class Recorder:
    """What is remembered of one run. It remembers nothing where data is confidential.

    `keep` has a call for each node that operates, which takes an `Entry`.
    """

    def __init__(self, plan: Plan, budget: Budget, begun: float = 0.0) -> None:
        self._plan = plan
        self._budget = budget
        self._begun = begun
        """The clock's seconds when the execution began."""
        self.few = budget.outputs
        """How many of the bundles that one operation emits `keep` is to be given."""
        self._is_silent = plan.settings.data_is_confidential
        self._kept = {node.id: _Kept(node, budget) for node in plan.nodes.values()}
        self.keep: dict[str, Callable[[Entry], None]] = {
            node.id: self._keeping(node) for node in plan.nodes.values() if node.kind in _OPERATING
        }

    def _keeping(self, node: Node) -> Callable[[Entry], None]:
        """Return what keeps a node's operations: the first ones, then always the last."""
        if self._is_silent:
            return deque[Entry](maxlen=0).append
        kept, most = self._kept[node.id], self._budget.first

        def add_first(entry: Entry) -> None:
            kept.first.append(entry)
            if len(kept.first) == most:
                self.keep[node.id] = kept.last.append

        def add_own(entry: Entry) -> None:
            # `flow.retry` changes the scope of its error route.
            number, scope, outputs, emitted = entry
            ring = kept.first if len(kept.first) < most else kept.last
            ring.append((number, dict(scope), outputs, emitted))

        return add_own if node.on_error_route else add_first

    def arrived(self, node_id: str, scope: Scope) -> None:
        """Remember that an aggregator has collected a bundle."""
        kept = self._kept[node_id]
        kept.arrivals += 1
        kept.is_collecting = True
        self.keep[node_id]((kept.arrivals, scope, (), 0))

    def emitted(self, node_id: str, scope: Scope, sets: Sequence[Bundle]) -> None:
        """Remember what an aggregator has made of the bundles that came last."""
        kept = self._kept[node_id]
        if not kept.is_collecting:
            self.arrived(node_id, scope)
        kept.is_collecting = False
        if not self._is_silent:
            number, seen, _, _ = kept.newest[-1]
            kept.newest[-1] = (number, seen, sets[: self.few], len(sets))

    def worked(self, node_id: str, started: float, took: float, number: int) -> None:
        """Remember when a node has worked; `started` is the clock's. Stretches may overlap."""
        kept = self._kept[node_id]
        stretch = Stretch(started - self._begun, took, number)
        if len(kept.first_stretches) < STRETCHES:
            kept.first_stretches.append(stretch)
        else:
            kept.last_stretches.append(stretch)

    def failed(self, trouble: Trouble, failure: Failure) -> None:
        """Remember on what a node has failed, and how it is told."""
        if self._is_silent:
            return
        node, kept = trouble.node, self._kept[trouble.node.id]
        number = trouble.count.operations + trouble.count.failed
        if node.kind is NodeKind.AGGREGATOR:
            kept.arrivals += 1
            number = kept.arrivals
        scope = dict(trouble.scope) if node.on_error_route else trouble.scope
        scope = _without(_heavy_names(scope), scope)
        has_room = len(kept.failures) < self._budget.failures
        failures = kept.failures if has_room else kept.late_failures
        failures.append(kept.operation((number, scope, (), 0), failure))

    def lighten(self) -> None:
        """Let go of large bundles among the latest. To be called every few milliseconds.

        In the time between nobody can have made many that are large.
        """
        looked_at: dict[int, list[str]] = {}
        for kept in self._kept.values():
            if not kept.first:
                continue
            entry = kept.newest[-1]
            number, scope, outputs, emitted = entry
            heavy = looked_at.get(id(scope))
            if heavy is None:
                heavy = looked_at[id(scope)] = _heavy_names(scope)
            if heavy or any(map(_is_heavy, outputs)):
                light = [None if _is_heavy(bundle) else bundle for bundle in outputs]
                kept.newest[-1] = (number, _without(heavy, scope), light, emitted)

    def history(self, inputs: Mapping[str, Any]) -> History | None:
        """Return what is worth keeping; None if nothing has happened, or nobody may know."""
        operations = {
            node_id: kept.operations()
            for node_id, kept in self._kept.items()
            if kept.first or kept.failures
        }
        if not any(map(_is_telling, operations.values())):
            return None
        stretches = {
            node_id: (*kept.first_stretches, *kept.last_stretches)
            for node_id, kept in self._kept.items()
            if kept.first_stretches
        }
        return History(self._plan.source, str(self._plan.path), operations, inputs, stretches)


class _Kept:
    """What is remembered of one node. `arrivals` counts what came to an aggregator."""

    __slots__ = (
        "arrivals",
        "failures",
        "first",
        "first_stretches",
        "is_collecting",
        "last",
        "last_stretches",
        "late_failures",
        "names",
    )

    def __init__(self, node: Node, budget: Budget) -> None:
        self.names = (*node.mappable, "error")
        self.first: list[Entry] = []
        self.last: deque[Entry] = deque(maxlen=budget.last)
        self.failures: list[KeptOperation] = []
        self.late_failures: deque[KeptOperation] = deque(maxlen=budget.last)
        self.first_stretches: list[Stretch] = []
        self.last_stretches: deque[Stretch] = deque(maxlen=STRETCHES)
        self.arrivals = 0
        self.is_collecting = False

    @property
    def newest(self) -> list[Entry] | deque[Entry]:
        """Where the latest entry is the last."""
        return self.last or self.first

    def operation(self, entry: Entry, failure: Failure | None = None) -> KeptOperation:
        number, scope, outputs, emitted = entry
        return KeptOperation(number, Seen(scope, self.names), outputs, emitted, failure)

    def operations(self) -> list[KeptOperation]:
        kept = [self.operation(entry) for entry in (*self.first, *self.last)]
        kept += [*self.failures, *self.late_failures]
        return sorted(kept, key=lambda operation: operation.number)


def _is_telling(operations: Sequence[KeptOperation]) -> bool:
    """Say whether a node saw, emitted or failed on something: a trigger may find nothing."""
    return any(one.bundles or one.emitted or one.failure for one in operations)


def _heavy_names(scope: Scope) -> list[str]:
    return [
        name for name, bundle in scope.items() if isinstance(bundle, dict) and _is_heavy(bundle)
    ]


def _without(names: Sequence[str], scope: Scope) -> Scope:
    return {**scope, **dict.fromkeys(names)} if names else scope


def _is_heavy(bundle: Bundle | None) -> bool:
    if bundle is None:
        return False
    sizes = [len(value) for value in bundle.values() if type(value) in _SIZED]
    return sum(sizes) > HEAVY


_SIZED: Final = (str, bytes, bytearray, list, dict)
