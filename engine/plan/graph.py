"""The graph of a plan, for people who look at a scenario; a run never needs it.

The only place for networkx.
"""

from collections.abc import Iterator
from itertools import pairwise

import networkx as nx

from engine.errors import RunError
from engine.plan.plan import Flow, Node, NodeKind, Plan, Route

LONGEST_LABEL = 40

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


_Edge = tuple[str, str, str, str, bool]


def _edges(plan: Plan) -> Iterator[_Edge]:
    yield from _along(plan.flow)
    for node in plan.nodes.values():
        for number, route in enumerate(node.routes, 1):
            yield from _to_route(node, route, number)
        own = _own_error_route(node)
        if own is not None:
            yield from _hanging(node, own)
    last_resort = _last_resort(plan)
    if last_resort is not None:
        yield from _hanging(plan.flow[0], last_resort)
    for node in plan.nodes.values():
        for aggregator in node.closes:
            yield node.id, aggregator, COLLECTS, "", False


def _along(flow: Flow) -> Iterator[_Edge]:
    for before, after in pairwise(flow):
        yield before.id, after.id, FLOW, _filter_label(after), False


def _to_route(node: Node, route: Route, number: int) -> Iterator[_Edge]:
    if route.flow:
        yield node.id, route.flow[0].id, ROUTE, _route_label(route, number), route.disabled
        yield from _along(route.flow)


def _hanging(node: Node, flow: Flow) -> Iterator[_Edge]:
    yield node.id, flow[0].id, ERROR, _filter_label(flow[0]), False
    yield from _along(flow)


def _own_error_route(node: Node) -> Flow | None:
    """Return the error route that is written at a node itself."""
    for handler in node.handlers:
        if handler.router is None and handler.flow[0].path == f"{node.path}.on_error.0":
            return handler.flow
    return None


def _last_resort(plan: Plan) -> Flow | None:
    for handler in plan.flow[0].handlers:
        if handler.flow[0].path == "on_error.0":
            return handler.flow
    return None


def _filter_label(node: Node) -> str:
    if node.filter is None:
        return ""
    return node.filter.name or (node.filter.leaves[0].mapped.text if node.filter.leaves else "")


def _route_label(route: Route, number: int) -> str:
    text = route.name or f"route {number}"
    if route.fallback:
        return f"{text} (fallback)"
    if route.name or route.filter is None or not route.filter.leaves:
        return text
    return route.filter.leaves[0].mapped.text


def to_mermaid(plan: Plan) -> str:
    """Return the plan as a Mermaid flowchart: routers are diamonds, error routes are dashed."""
    names = {node_id: f"n{number}" for number, node_id in enumerate(plan.nodes)}
    lines = ["flowchart TD"]
    lines += [f"  {names[node.id]}{_mermaid_node(node)}" for node in plan.nodes.values()]
    for before, after, kind, label, _disabled in _edges(plan):
        lines.append(f"  {names[before]} {_arrow(kind, label)} {names[after]}")
    off = [names[node.id] for node in plan.nodes.values() if node.disabled]
    if off:
        lines += ["  classDef disabled opacity:0.4", f"  class {','.join(off)} disabled"]
    return "\n".join(lines) + "\n"


def _mermaid_node(node: Node) -> str:
    title = _escaped(node.title)
    text = f'"{title}<br/><small>{_escaped(node.module_id)}</small>"'
    match node.kind:
        case NodeKind.ROUTER:
            return f"{{{text}}}"
        case NodeKind.DIRECTIVE | NodeKind.RETRY | NodeKind.THROW:
            return f"([{text}])"
        case NodeKind.AGGREGATOR:
            return f"[/{text}\\]"
        case NodeKind.ITERATOR:
            return f"[\\{text}/]"
        case NodeKind.MODULE:
            return f"[{text}]"


def _arrow(kind: str, label: str) -> str:
    if kind == COLLECTS:
        return '-. "collects" .->'
    line = "-.->" if kind == ERROR else "-->"
    text = ": ".join(part for part in ("on error" if kind == ERROR else "", label) if part)
    return f'{line}|"{_escaped(text)}"|' if text else line


def _escaped(text: str) -> str:
    """Return a text that is a label and nothing else: Mermaid's and HTML's signs as entities."""
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    return "".join(
        char if char.isalnum() or char in " .,_-…:()/" else f"#{ord(char)};" for char in text
    )
