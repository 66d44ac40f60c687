"""Which nodes may run before their turn, so that operations of nodes with `concurrency` overlap.

Called once all nodes are built. What cannot overlap without changing the outcome is a load error
(E125), or, where nothing can be gained, runs one at a time.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from engine.errors import Problem
from engine.module import Kind
from engine.plan.hints import shown
from engine.plan.inspection import Inspection
from engine.plan.plan import Flow, Node, NodeKind, nodes_from
from engine.plan.survey import Survey

Positions = Mapping[str, tuple[Flow, int]]


def find_overlaps(
    inspection: Inspection, survey: Survey, nodes: Mapping[str, Node], positions: Positions
) -> dict[str, dict[str, int]]:
    """Return `Plan.ahead`; report ways that read a variable which is set further down.

    Nodes whose `concurrency` gains nothing go to `inspection.warnings` (W102).
    """
    routers = {id(route.flow): node for node in nodes.values() for route in node.routes}
    ahead: dict[str, dict[str, int]] = {}
    for node in nodes.values():
        if node.concurrency == 1 or node.disabled:
            continue
        place = inspection.document.value_place(survey.by_id[node.id].key("concurrency"))
        found = _way(node, positions, routers)
        if isinstance(found, str):
            text = f"`concurrency` of {shown(node.title)} gains nothing: {found}"
            inspection.warnings.append(Problem("W102", text, place))
            continue
        source, way = found
        ahead.setdefault(source.id, {}).update({one.id: one.concurrency for one in way})
        reason = _dependence(way, source, positions)
        if reason:
            text = f"operations of {shown(node.id)} cannot overlap: {reason}"
            inspection.report("E125", text, place)
    return ahead


def _way(
    node: Node, positions: Positions, routers: Mapping[int, Node]
) -> tuple[Node, list[Node]] | str:
    """Return the nearest node upstream that emits several bundles, and the way from there.

    A text says why there is none within the same flow and its routers.
    """
    way = [node]
    while True:
        flow, index = positions[way[0].id]
        for before in reversed(flow[:index]):
            if before.disabled:
                continue
            if emits_several(before):
                return before, way
            if not _runs_ahead(before):
                return f"{shown(before.title)} before it takes one bundle after the other"
            way.insert(0, before)
        router = routers.get(id(flow))
        if router is None:
            return "no node before it emits several bundles"
        way.insert(0, router)


def emits_several(node: Node) -> bool:
    """Tell whether one operation of a node can yield several bundles."""
    if node.kind is NodeKind.AGGREGATOR:
        return "group_by" in node.fields.names and bool(node.fields.constants.get("group_by", True))
    if node.module is not None:
        return node.module.kind is not Kind.ACTION
    return node.kind is NodeKind.ITERATOR


def _runs_ahead(node: Node) -> bool:
    if node.module is not None:
        in_order = node.module.in_order or node.acid
        return node.module.kind is Kind.ACTION and not in_order
    return node.kind is NodeKind.ROUTER


def _dependence(way: list[Node], source: Node, positions: Positions) -> str:
    """Say which variable makes a way depend on what happens to the bundle before.

    Only what the way itself has set before it reads, for the same bundle, is safe.
    """
    for place, reader in enumerate(way):
        reads = _variables(reader, reads=True)
        for setter in _downstream(source, positions):
            if setter in way[:place]:
                continue
            sets = _variables(setter, reads=False)
            if reads is None or sets is None:
                if reads != () and sets != ():
                    return f"{shown(reader.id)} may read what {shown(setter.id)} sets"
                continue
            for name in sorted(set(reads) & set(sets)):
                return (
                    f"{shown(reader.id)} reads the variable {shown(name)}, "
                    f"which {shown(setter.id)} sets for the bundle before"
                )
    return ""


def _variables(node: Node, *, reads: bool) -> tuple[str, ...] | None:
    """Name the variables of a node; None: any."""
    if node.module is None or node.disabled:
        return ()
    names = (node.module.variables_read if reads else node.module.variables_set)(
        node.fields.constants
    )
    return None if names is None else tuple(names)


def _downstream(source: Node, positions: Positions) -> Iterator[Node]:
    """Yield all nodes that may run for a bundle of a source, those on error routes included."""
    flow, index = positions[source.id]
    waiting = list(nodes_from(flow, index + 1))
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        yield node
        routes = (nodes_from(handler.flow, 0) for handler in node.handlers)
        waiting.extend(chain.from_iterable(routes))
