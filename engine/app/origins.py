"""Where a value of a run came from: back through fields and bundles to what the trigger emitted.

Nothing is written down for this while a run goes on. What a node saw is kept with the run
(`engine.model.history`), and its fields are worked out anew from that, as they stand in the
scenario as it ran. `fusion why` shows the result.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.app import Operator, open_store, stored_plan
from engine.app.stored import OperationId, chosen, kept_of, nothing_kept, world_of
from engine.errors import MappingError, NotFoundError, Place
from engine.mapping.compile import Reference, Scope, World
from engine.mapping.operators import item_of
from engine.mapping.refusal import Refused
from engine.model.history import History, KeptOperation
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.plan import Leaf, Node, NodeKind, Plan
from engine.run.operation import scope_of

MOST: Final = 300
"""Values that one answer tells of; a large flow has many ways into one value."""

MOST_COLLECTED: Final = 5
"""Bundles of an aggregation that are looked into."""

_PASSING: Final = re.compile(r"\b(?:now|timestamp|uuid|random)\b")
"""Names whose value is another one every time."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A value, and what it was made of.

    `how` says in words how it came about. `text` is the expression as written, at `place`; empty
    for what no expression made. `known` is false if the value itself is not kept.
    """

    name: str
    value: Any
    how: str = ""
    text: str = ""
    place: Place | None = None
    sources: tuple["Origin", ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: a field or output item of a node, in an operation of a run."""

    name: str
    """`NODE.FIELD`, or `NODE.filter`; a field may go on: `convert.options.width`."""
    run_id: str
    number: int | None = None
    """The operation; None: the first that is kept, or for an item the first that emitted it."""


async def origin_of(asked: Asked, operator: Operator) -> Origin:
    """Trace a value of a run back.

    Raises NotFoundError for a run, node, operation or field of which nothing is known.
    """
    node_id, _, path = asked.name.partition(".")
    async with open_store(operator) as store:
        execution = await store.execution(asked.run_id)
        history = await store.history(execution.id)
    if history is None:
        raise nothing_kept(execution)
    kept = kept_of(node_id, execution, history)
    operation = chosen(kept, OperationId(asked.run_id, node_id, asked.number))
    plan = stored_plan(history, operator)
    node, names = plan.nodes[node_id], tuple(filter(None, path.split(".")))
    if asked.number is None and names and names[0] not in node.fields.names:
        emitting = (one for one in kept if any(names[0] in (out or ()) for out in one.outputs))
        operation = next(emitting, operation)
    return _Tracer(plan, history, world_of(plan, execution)).asked(node, operation, names)


@dataclass(slots=True)
class _Tracer:
    """Follows values through one history."""

    plan: Plan
    history: History
    around: World
    _seen: set[tuple[str, int, str]] = field(default_factory=set)

    def asked(self, node: Node, operation: KeptOperation, path: tuple[str, ...]) -> Origin:
        """Return the origin of a field, a filter, or else an item that the node emitted."""
        if path == ("filter",) and node.filter is not None:
            [leaf] = node.filter.leaves[:1] or [None]
            if leaf is not None:
                return self._of_leaf(node, operation, leaf)
        if path and path[0] in node.fields.names:
            return self._of_field(node, operation, path)
        outputs = [bundle for bundle in operation.outputs if bundle is not None]
        if path and outputs and path[0] in outputs[0]:
            scope = self._scope(operation) | {node.id: outputs[0]}
            return self._of_reference(Reference(node.id, path, 0, 0), scope, operation)
        raise self._no_field(node, operation, path)

    def _no_field(self, node: Node, operation: KeptOperation, path: Sequence[str]) -> NotFoundError:
        items = next((list(bundle) for bundle in operation.outputs if bundle is not None), [])
        there = [*sorted(node.fields.names), *items]
        name = ".".join(path)
        asked = f"no field {shown(name)}" if name else "to be asked for a field, as in NODE.FIELD"
        return NotFoundError(
            f"`{node.id}` has {asked}{did_you_mean(name, there) if name else ''}",
            notes=(f"it has: {listed(there)}",),
        )

    def _of_field(self, node: Node, operation: KeptOperation, path: tuple[str, ...]) -> Origin:
        leaves = [leaf for leaf in node.fields.leaves if _meets(leaf.path[1:], path)]
        name = ".".join((node.id, *path))
        if not leaves:
            value, fault = self._fields(node, operation, path)
            place = node.fields.place_of(path[0])
            return Origin(name, value, how=fault or "written in the scenario", place=place)
        if len(leaves) == 1 and _names(leaves[0].path[1:]) == path:
            return self._of_leaf(node, operation, leaves[0])
        value, how = self._fields(node, operation, path)
        parts = tuple(self._of_leaf(node, operation, leaf) for leaf in leaves)
        return Origin(name, value, how=how, place=node.fields.place_of(path[0]), sources=parts)

    def _fields(
        self, node: Node, operation: KeptOperation, path: tuple[str, ...]
    ) -> tuple[Any, str]:
        try:
            return _inside(node.fields.evaluate(self._scope(operation)), path), ""
        except MappingError as error:
            return None, f"fails: {error.message}"

    def _of_leaf(self, node: Node, operation: KeptOperation, leaf: Leaf) -> Origin:
        """Return the origin of one text with expressions in it."""
        scope, mapped = self._scope(operation), leaf.mapped
        name = ".".join((node.id, *_names(leaf.path[leaf.path[0] == "with" :])))
        value, how = None, ""
        try:
            value = mapped.evaluate(scope)
        except MappingError as error:
            how = f"fails: {error.message}"
        if not how and _PASSING.search(mapped.text):
            how = "worked out anew, with the run's start for `now`; what is random differs"
        sources = tuple(self._of_references(mapped.references, scope, operation))
        place = leaf.place_at(0, len(mapped.text))
        return Origin(name, value, how=how, text=mapped.text, place=place, sources=sources)

    def _of_references(
        self, references: Sequence[Reference], scope: Scope, operation: KeptOperation
    ) -> Iterator[Origin]:
        each = {(one.root, one.items): one for one in references}
        for reference in each.values():
            yield self._of_reference(reference, scope, operation)

    def _of_reference(self, reference: Reference, scope: Scope, operation: KeptOperation) -> Origin:
        """Return the origin of an item that an expression reads."""
        root = reference.root
        name = root + "".join(map(_step, reference.items))
        if root in operation.bundles.too_large:
            how = "the bundle was too large to be kept"
            return Origin(name, None, how=how, known=False)
        value = _read(scope, reference)
        if root in self.plan.nodes and root in scope:
            return self._of_item(name, value, reference, scope)
        return Origin(name, value, how=_ABOUT.get(root, ""))

    def _of_item(self, name: str, value: Any, reference: Reference, scope: Scope) -> Origin:
        """Return the origin of an item of a node's bundle."""
        node = self.plan.nodes[reference.root]
        position = _position(scope[node.id])
        how = f"emitted by {node.id} ({node.module_id}){position}"
        operation = self._emitting(node, scope)
        if operation is None:
            return Origin(name, value, how=f"{how}; what it saw then is not kept")
        key = (node.id, operation.number, name)
        if key in self._seen or len(self._seen) >= MOST:
            more = "as told above" if key in self._seen else "and so on"
            return Origin(name, value, how=f"{how}, {more}")
        self._seen.add(key)
        if operation.failure is not None:
            how = f"put in place by the error route of {node.id}"
            return Origin(name, value, how=how)
        if node.kind is NodeKind.AGGREGATOR:
            parts = tuple(self._collected(node, operation, reference.items))
            return Origin(name, value, how, sources=parts)
        leaves = _likely(node.fields.leaves, reference.items)
        sources = tuple(self._of_leaf(node, operation, leaf) for leaf in leaves)
        return Origin(name, value, how, sources=sources)

    def _collected(
        self, node: Node, last: KeptOperation, items: Sequence[str | int]
    ) -> Iterator[Origin]:
        """Yield what an aggregator took from the bundles that came to it, up to its emission.

        Of an array's element (`items` as in `array[2]`), only from its bundle; groups have others.
        """
        kept = self.history.operations[node.id]
        before = [one.number for one in kept if one.emitted and one.number < last.number]
        since = max(before, default=0)
        arrivals = [one for one in kept if since < one.number <= last.number]
        if items[1:] and isinstance(items[1], int) and last.emitted == 1 and items[1] >= 0:
            wanted = since + 1 + items[1]
            arrivals, since = [one for one in arrivals if one.number == wanted], last.number
        for arrival in arrivals[:MOST_COLLECTED]:
            for leaf in node.fields.leaves:
                found = self._of_leaf(node, arrival, leaf)
                yield replace(found, name=f"{found.name}, bundle {arrival.number}")
        left = last.number - since - min(len(arrivals), MOST_COLLECTED)
        if left > 0:
            yield Origin(f"… {left} more", None, known=False)

    def _emitting(self, node: Node, scope: Scope) -> KeptOperation | None:
        """Return the operation that a bundle in a scope came from, if it is kept.

        It is the one that saw what the scope holds; where several did, the one that emitted it.
        """
        kept = self.history.operations.get(node.id, ())
        if node.kind is NodeKind.AGGREGATOR:
            kept = [one for one in kept if one.emitted]
        bundle = scope[node.id]
        exact = [one for one in kept if any(output is bundle for output in one.outputs)]
        alike = [one for one in kept if _agrees(one, scope)]
        return next(iter(exact or alike), None)

    def _scope(self, operation: KeptOperation) -> Scope:
        return scope_of(self.plan, self.around, self.history.inputs, operation.bundles)


_ABOUT: Final = {
    "inputs": "an input of the scenario",
    "scenario": "of the scenario itself",
    "error": "the failure that led to this route",
}


def _meets(leaf: Sequence[str | int], path: Sequence[str]) -> bool:
    """Say whether a text lies at a path, below it, or around it."""
    return all(one == other for one, other in zip(_names(leaf), path, strict=False))


def _likely(leaves: Sequence[Leaf], items: Sequence[str | int]) -> Sequence[Leaf]:
    """Return the fields that an item was made of: those with its name, if there are, or all."""
    if items:
        named = [leaf for leaf in leaves if str(items[0]) in _names(leaf.path[1:])]
        return named or leaves
    return leaves


def _names(path: Sequence[str | int]) -> tuple[str, ...]:
    return tuple(map(str, path))


def _step(item: str | int) -> str:
    return f"[{item}]" if isinstance(item, int) else f".{item}"


def _inside(value: Any, path: Sequence[str]) -> Any:
    for item in path:
        if isinstance(value, Mapping):
            value = value.get(item)
        elif isinstance(value, list) and item.isdecimal() and int(item) < len(value):
            value = value[int(item)]
        else:
            return None
    return value


def _read(scope: Scope, reference: Reference) -> Any:
    value = scope.get(reference.root)
    try:
        for item in reference.items:
            value = item_of(value, item)
    except Refused:
        return None
    return value


def _position(bundle: Any) -> str:
    if not isinstance(bundle, Mapping) or "bundle_index" not in bundle:
        return ""
    count = f" of {bundle['bundle_count']}" if "bundle_count" in bundle else ""
    return f", bundle {bundle['bundle_index']}{count}"


def _agrees(operation: KeptOperation, scope: Scope) -> bool:
    """Say whether a node saw in an operation what stands in a scope now."""
    seen = operation.bundles
    return all(scope.get(name) is seen.scope.get(name) for name in seen.names if name != "error")
