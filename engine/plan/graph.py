"""The graph of a plan, for people who look at a scenario; a run never needs it.

The only place for networkx. Pictures are drawn in `engine.draw`.
"""

from collections.abc import Iterator
from itertools import pairwise

import networkx as nx

from engine.errors import RunError
from engine.plan.plan import Flow, Node, Plan, Route

FLOW = "flow"
ROUTE = "route"
ERROR = "error"
COLLECTS = "collects"
"""Kinds of edges; the last leads from a source to its aggregator."""


def to_networkx(plan: Plan) -> "nx.DiGraph[str]":
    """Return the plan as a directed graph of node ids.

    Nodes have `title`, `module`, `kind`, `disabled` and `source` (aggregators); edges have `kind`,
    `label` and `disabled`. The scenario's own error route hangs on its first node.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for node in plan.nodes.values():
        graph.add_node(
            node.id,
            title=node.title,
            module=node.module_id,
            kind=node.kind.value,
            disabled=node.disabled,
            source=node.source,
        )
    for before, after, kind, label, disabled in _edges(plan):
        if not graph.has_edge(before, after):  # a source may stand right before its aggregator
            graph.add_edge(before, after, kind=kind, label=label, disabled=disabled)
    return graph


def check_graph(plan: Plan) -> None:
    """Make certain that the plan is a tree of flows that all begin at its first node (Y5).

    Raises RunError if it is not, which no scenario file can bring about.
    """
    tree: nx.DiGraph[str] = nx.DiGraph()
    tree.add_nodes_from(plan.nodes)
    tree.add_edges_from((edge[0], edge[1]) for edge in _edges(plan) if edge[2] != COLLECTS)
    if not nx.is_arborescence(tree):
        raise RunError("the nodes of this scenario do not form a tree")


def collected(plan: Plan) -> dict[str, list[str]]:
    """Return by the id of each aggregator the nodes whose bundles it collects, its source first.

    The last is the aggregator itself.
    """
    tree: nx.DiGraph[str] = nx.DiGraph()
    tree.add_edges_from((edge[0], edge[1]) for edge in _edges(plan) if edge[2] != COLLECTS)
    return {
        aggregator: nx.shortest_path(tree, node.id, aggregator)
        for node in plan.nodes.values()
        for aggregator in node.closes
    }


_Edge = tuple[str, str, str, str, bool]


def _edges(plan: Plan) -> Iterator[_Edge]:
    yield from _along(plan.flow)
    for node in plan.nodes.values():
        for number, route in enumerate(node.routes, 1):
            yield from _to_route(node, route, number)
        own = own_error_route(node)
        if own is not None:
            yield from _hanging(node, own)
    resort = last_resort(plan)
    if resort is not None:
        yield from _hanging(plan.flow[0], resort)
    for node in plan.nodes.values():
        for aggregator in node.closes:
            yield node.id, aggregator, COLLECTS, "", False


def _along(flow: Flow) -> Iterator[_Edge]:
    for before, after in pairwise(flow):
        yield before.id, after.id, FLOW, filter_label(after), False


def _to_route(node: Node, route: Route, number: int) -> Iterator[_Edge]:
    if route.flow:
        yield node.id, route.flow[0].id, ROUTE, route_label(route, number), route.disabled
        yield from _along(route.flow)


def _hanging(node: Node, flow: Flow) -> Iterator[_Edge]:
    yield node.id, flow[0].id, ERROR, filter_label(flow[0]), False
    yield from _along(flow)


def own_error_route(node: Node) -> Flow | None:
    """Return the error route that is written at a node itself, None if there is none."""
    for handler in node.handlers:
        if handler.router is None and handler.flow[0].path == f"{node.path}.on_error.0":
            return handler.flow
    return None


def last_resort(plan: Plan) -> Flow | None:
    """Return the scenario's own error route, None if there is none."""
    for handler in plan.flow[0].handlers:
        if handler.flow[0].path == "on_error.0":
            return handler.flow
    return None


def filter_label(node: Node) -> str:
    """Return what a node's filter is called, else what it says; empty: it has none."""
    if node.filter is None:
        return ""
    return node.filter.name or (node.filter.leaves[0].mapped.text if node.filter.leaves else "")


def route_label(route: Route, number: int) -> str:
    """Return what a route is called, else what its filter says; `number` counts from 1."""
    text = route.name or f"route {number}"
    if route.fallback:
        return f"{text} (fallback)"
    if route.name or route.filter is None or not route.filter.leaves:
        return text
    return route.filter.leaves[0].mapped.text
