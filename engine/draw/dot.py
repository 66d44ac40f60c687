"""A plan as DOT text, the language of Graphviz and of many tools beside it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from engine.draw.outcome import Mark, Outcome, count_words
from engine.draw.words import expression_words, readable, title_of
from engine.plan.graph import COLLECTS, ERROR, collected, to_networkx
from engine.plan.plan import Node, NodeKind, Plan

_SHAPES: Final = {
    NodeKind.MODULE: "ellipse",
    NodeKind.ROUTER: "diamond",
    NodeKind.ITERATOR: "trapezium",
    NodeKind.AGGREGATOR: "invtrapezium",
    NodeKind.DIRECTIVE: "octagon",
    NodeKind.RETRY: "octagon",
    NodeKind.THROW: "octagon",
}
_COLOURS: Final = {
    Outcome.SUCCESS: "#bfe8d0",
    Outcome.PARTLY: "#fbe0b0",
    Outcome.FAILED: "#f6c4c1",
    Outcome.UNTOUCHED: "#eceff2",
    Outcome.PASSED: "#dfe5eb",
}
_NO_MARKS: Final[Mapping[str, Mark]] = {}


def to_dot(plan: Plan, marks: Mapping[str, Mark] = _NO_MARKS) -> str:
    """Return the plan as a directed graph; what an aggregator collects is a shaded cluster."""
    return "\n".join(_lines(plan, marks)) + "\n"


def _lines(plan: Plan, marks: Mapping[str, Mark]) -> Iterator[str]:
    names = {node_id: f"n{number}" for number, node_id in enumerate(plan.nodes)}
    yield f"digraph {_quoted(plan.name or plan.id)} {{"
    yield "  rankdir=LR"
    yield '  node [fontname="sans-serif", fontsize=11, style=filled, fillcolor="#eef2f6"]'
    yield '  edge [fontname="sans-serif", fontsize=10]'
    for node in plan.nodes.values():
        yield f"  {names[node.id]} [{_attributes(_node(node, marks.get(node.id)))}]"
    for before, after, edge in to_networkx(plan).edges.data():
        yield f"  {names[before]} -> {names[after]} [{_attributes(_edge(edge))}]"
    yield from _clusters(plan, names)
    yield "}"


def _clusters(plan: Plan, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a cluster for each aggregation that shares no node with another: DOT has no others."""
    paths = collected(plan)
    for number, (aggregator, path) in enumerate(paths.items()):
        others = [other for name, other in paths.items() if name != aggregator]
        if not any(set(path) & set(other) for other in others):
            inside = " ".join(names[node_id] for node_id in path)
            colours = 'style="filled,rounded" color="#b9cdee" fillcolor="#e9f0fb"'
            yield f"  subgraph cluster_{number} {{ {colours} {inside} }}"


def _node(node: Node, mark: Mark | None) -> Mapping[str, str]:
    lines = [title_of(node), node.module_id]
    found = {"shape": _SHAPES[node.kind]}
    if mark is not None:
        found["fillcolor"] = _COLOURS[mark.outcome]
        lines += [count_words(mark.count)] if mark.count is not None else []
    if node.disabled:
        found["style"] = "dashed"
    return {"label": "\n".join(map(readable, lines)), **found}


def _edge(edge: Mapping[str, Any]) -> Mapping[str, str]:
    if edge["kind"] == COLLECTS:
        return {"style": "dotted", "constraint": "false", "label": "collects"}
    found = {"label": readable(expression_words(edge["label"]))} if edge["label"] else {}
    if edge["kind"] == ERROR:
        return {**found, "style": "dashed", "color": "#c93c37", "fontcolor": "#c93c37"}
    return {**found, "color": "#b0b8c1"} if edge["disabled"] else found


def _attributes(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    """Return a quoted text of DOT, in which a line break is written out."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
