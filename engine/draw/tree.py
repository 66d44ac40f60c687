"""A plan as a tree of text lines, for a terminal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from engine.draw.outcome import Mark, Outcome, count_words
from engine.draw.words import ELLIPSIS, expression_words, readable, title_of
from engine.plan.graph import filter_label, last_resort, own_error_route, route_label
from engine.plan.plan import Flow, Node, NodeKind, Plan, Route

LONGEST_FILTER: Final = 60
"""Characters of a filter that are shown."""

_NO_MARKS: Final[Mapping[str, Mark]] = {}


@dataclass(frozen=True, slots=True)
class _Branch:
    """A line, and what hangs below it; `is_error` draws the wires to them dashed."""

    text: str
    below: "tuple[_Branch, ...]" = ()
    is_error: bool = False


def to_tree(plan: Plan, marks: Mapping[str, Mark] = _NO_MARKS) -> str:
    """Return the plan as text: routes and error routes hang below their node, these dashed."""
    top = _nodes(plan.flow, marks)
    resort = last_resort(plan)
    if resort is not None:
        text = "on any error that nothing else handles"
        top = (*top, _Branch(text, _nodes(resort, marks, is_error=True), is_error=True))
    lines = [readable(plan.name), *_lines(top, "")]
    return "\n".join(lines) + "\n"


def _lines(branches: tuple[_Branch, ...], indent: str) -> Iterator[str]:
    for place, branch in enumerate(branches, 1):
        is_last = place == len(branches)
        wire = "╌" if branch.is_error else "─"
        yield f"{indent}{'└' if is_last else '├'}{wire} {branch.text}"
        yield from _lines(branch.below, f"{indent}{' ' if is_last else '│'}  ")


def _nodes(flow: Flow, marks: Mapping[str, Mark], *, is_error: bool = False) -> tuple[_Branch, ...]:
    return tuple(
        _Branch(_words(node, marks.get(node.id)), tuple(_below(node, marks)), is_error)
        for node in flow
    )


def _below(node: Node, marks: Mapping[str, Mark]) -> Iterator[_Branch]:
    for number, route in enumerate(node.routes, 1):
        yield _Branch(_route_words(route, number), _nodes(route.flow, marks))
    own = own_error_route(node)
    if own is not None:
        yield _Branch("on error", _nodes(own, marks, is_error=True), is_error=True)


def _words(node: Node, mark: Mark | None) -> str:
    title = readable(title_of(node))
    words = [title if title == node.module_id else f"{title} · {node.module_id}"]
    if node.kind is NodeKind.AGGREGATOR and node.source is not None:
        words.append(f"collects from {node.source}")
    words += _condition(filter_label(node))
    if node.disabled:
        words.append("disabled")
    text = ", ".join(words)
    if mark is None:
        return text
    if mark.count is not None and mark.outcome is not Outcome.UNTOUCHED:
        return f"{text}  [{count_words(mark.count)}]"
    return f"{text}  [not reached]" if mark.outcome is Outcome.UNTOUCHED else text


def _route_words(route: Route, number: int) -> str:
    named = route.name or route.fallback or route.filter is None
    words = [readable(route_label(route, number)) if named else f"route {number}"]
    if route.filter is not None and route.filter.leaves:
        words += _condition(route.filter.name or route.filter.leaves[0].mapped.text)
    if route.disabled:
        words.append("disabled")
    return ", ".join(words)


def _condition(label: str) -> Iterator[str]:
    said = readable(expression_words(label))
    if len(said) > LONGEST_FILTER:
        said = said[: LONGEST_FILTER - 1] + ELLIPSIS
    if said:
        yield f"if {said}"
