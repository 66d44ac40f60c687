"""A plan as Mermaid text, which GitHub, GitLab and many editors show as a picture."""

from collections.abc import Iterator, Mapping
from typing import Final

from engine.draw.outcome import Mark, Outcome, count_words
from engine.draw.words import expression_words, readable, title_of
from engine.plan.graph import COLLECTS, ERROR, to_networkx
from engine.plan.plan import Node, NodeKind, Plan

LONGEST_LABEL: Final = 40

_COLOURS: Final = {
    Outcome.SUCCESS: "fill:#d3f0df,stroke:#23794b,color:#1d2733",
    Outcome.PARTLY: "fill:#fbe8c8,stroke:#9a6200,color:#1d2733",
    Outcome.FAILED: "fill:#f9d5d3,stroke:#bf2f2a,color:#1d2733",
    Outcome.UNTOUCHED: "fill:#eceff2,stroke:#93a0ae,color:#5f6b78",
}
_NO_MARKS: Final[Mapping[str, Mark]] = {}


def to_mermaid(plan: Plan, marks: Mapping[str, Mark] = _NO_MARKS) -> str:
    """Return the plan as a Mermaid flowchart: routers are diamonds, error routes are dashed."""
    names = {node_id: f"n{number}" for number, node_id in enumerate(plan.nodes)}
    lines = ["flowchart LR"]
    lines += [
        f"  {names[node.id]}{_node(node, marks.get(node.id))}" for node in plan.nodes.values()
    ]
    for before, after, edge in to_networkx(plan).edges.data():
        arrow = _arrow(edge["kind"], edge["label"])
        lines.append(f"  {names[before]} {arrow} {names[after]}")
    off = [names[node.id] for node in plan.nodes.values() if node.disabled]
    if off:
        lines += ["  classDef disabled opacity:0.4", f"  class {','.join(off)} disabled"]
    lines += _coloured(names, marks)
    return "\n".join(lines) + "\n"


def _coloured(names: Mapping[str, str], marks: Mapping[str, Mark]) -> Iterator[str]:
    for outcome, colours in _COLOURS.items():
        found = [name for node_id, name in names.items() if _is(marks.get(node_id), outcome)]
        if found:
            yield f"  classDef {outcome} {colours}"
            yield f"  class {','.join(found)} {outcome}"


def _is(mark: Mark | None, outcome: Outcome) -> bool:
    return mark is not None and mark.outcome is outcome


def _node(node: Node, mark: Mark | None) -> str:
    lines = [_escaped(node.module_id)]
    if mark is not None and mark.count is not None:
        lines.append(count_words(mark.count))
    text = f'"{_escaped(title_of(node))}<br/><small>{"<br/>".join(lines)}</small>"'
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
    said = expression_words(label)
    text = ": ".join(part for part in ("on error" if kind == ERROR else "", said) if part)
    return f'{line}|"{_escaped(text)}"|' if text else line


def _escaped(text: str) -> str:
    """Return a text that is a label and nothing else: Mermaid's and HTML's signs as entities."""
    text = readable(text)
    if len(text) > LONGEST_LABEL:
        text = text[: LONGEST_LABEL - 1] + "…"
    return "".join(
        char if char.isalnum() or char in " .,_-…:()/" else f"#{ord(char)};" for char in text
    )
