"""Where everything of a picture lies, in pixels: bubbles, wires between them, areas behind them.

Bubbles stand where `engine.draw.grid` puts their nodes; here columns become wide enough for what is
written on their wires. A wire is a row of points, its corners still sharp.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil
from typing import Final

from engine.draw.grid import LAST_RESORT, Block, Return, grid, route_end
from engine.draw.words import cut, expression_words, readable, width_of
from engine.plan.graph import (
    ERROR,
    FLOW,
    ROUTE,
    collected,
    filter_label,
    last_resort,
    own_error_route,
    route_label,
)
from engine.plan.plan import Flow, Node, Plan, Route

RADIUS: Final = 30
"""Of a bubble."""

END: Final = 6
"""Radius of an end that is no bubble."""

ROW: Final = 156
COLUMN: Final = 186
"""The least that lies between the middles of two columns."""

LABEL: Final = 152
"""Width of what is written under a bubble."""

WIRE_SIZE: Final = 12
"""Size of what is written on a wire."""

_LONGEST: Final = 176
"""Width of what is written on a wire, at most."""

SIGN: Final = 16
"""Width of the sign for a filter, which stands before what is written on a wire."""

_CLEAR: Final = 8
"""Left free on both sides of what is written on a wire."""

_TRUNK: Final = 96
"""How far right of a router its routes part."""

_DROP: Final = 83
"""How far right of a bubble its error route goes down: past what is written under the bubble."""

_BACK: Final = 84
"""How far left of a bubble the wire comes down that begins a new line."""

_ABOVE: Final = 42
_BELOW: Final = 86
"""How far a bubble reaches with all that is written at it."""

_MARGIN: Final = 28
_PADDING: Final = 8
"""What an area adds around its bubbles, and once more around each area inside it."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Wire:
    """A way that bundles take, from `before` to `after`: nodes, or ends without a node.

    `kind` is one of `engine.plan.graph`. `text` is what is to be said about it, `label` what there
    is room for, which begins at `spot`, on its base line, after the sign if it `is_filtered`.
    """

    before: str
    after: str
    kind: str
    points: tuple[Point, ...]
    text: str
    label: str
    spot: Point
    is_filtered: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its left upper corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Area:
    """What an aggregator collects, from its source on: a box for each line, joined by `bands`."""

    aggregator: str
    boxes: tuple[Box, ...]
    bands: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture. `bubbles` gives the middle of each node, `ends` that of what is no node."""

    width: float
    height: float
    bubbles: Mapping[str, Point]
    ends: Mapping[str, Point]
    wires: tuple[Wire, ...]
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class _Link:
    """A wire without its way."""

    before: str
    after: str
    kind: str
    text: str
    is_filtered: bool = False
    disabled: bool = False

    @property
    def words(self) -> str:
        """What is to be written on it, in one line."""
        return readable(expression_words(self.text))

    @property
    def left(self) -> float:
        """How far right of its first bubble it may begin to be written on."""
        return {ROUTE: _TRUNK, ERROR: _DROP}.get(self.kind, RADIUS)

    @property
    def around(self) -> float:
        """Width between two bubbles that is not for its label."""
        return self.left + RADIUS + 2 * _CLEAR + (SIGN if self.is_filtered else 0)


def layout(plan: Plan) -> Layout:
    """Lay a plan out."""
    block, links = grid(plan), list(_links(plan))
    shape = _Shape(plan, block, links)
    points = {name: shape.middle(name) for name in block.cells}
    wires = tuple(shape.wire(link) for link in links)
    areas = tuple(_areas(plan, points, wires))
    boxes = [box for area in areas for box in area.boxes]
    right = [x for wire in wires for x, _ in wire.points]
    right += [x + LABEL / 2 for x, _ in points.values()] + [box.x + box.width for box in boxes]
    low = [y + _BELOW for _, y in points.values()] + [box.y + box.height for box in boxes]
    return Layout(
        width=max(right) + _MARGIN,
        height=max(low) + _MARGIN,
        bubbles={name: point for name, point in points.items() if name in plan.nodes},
        ends={name: point for name, point in points.items() if name not in plan.nodes},
        wires=wires,
        areas=areas,
    )


def _links(plan: Plan) -> Iterator[_Link]:
    """Yield all wires, those of error routes first, so that they lie undermost."""
    resort = last_resort(plan)
    if resort is not None:
        yield _Link(LAST_RESORT, resort[0].id, ERROR, "any other error")
        yield from _along(resort)
    for node in plan.nodes.values():
        route = own_error_route(node)
        if route is not None:
            label = filter_label(route[0])
            yield _Link(node.id, route[0].id, ERROR, label, is_filtered=bool(label))
            yield from _along(route)
    for node in plan.nodes.values():
        for index, way in enumerate(node.routes):
            yield _to_route(node, way, index)
            yield from _along(way.flow)
    yield from _along(plan.flow)


def _to_route(router: Node, route: Route, index: int) -> _Link:
    return _Link(
        router.id,
        route.flow[0].id if route.flow else route_end(router.id, index),
        ROUTE,
        route_label(route, index + 1),
        is_filtered=route.filter is not None,
        disabled=route.disabled,
    )


def _along(flow: Flow) -> Iterator[_Link]:
    for before, after in pairwise(flow):
        label = filter_label(after)
        yield _Link(before.id, after.id, FLOW, label, is_filtered=after.filter is not None)


class _Shape:
    """The grid in pixels; `_columns` are the middles of the columns."""

    def __init__(self, plan: Plan, block: Block, links: list[_Link]) -> None:
        self._block = block
        self._ends = block.cells.keys() - plan.nodes.keys()
        self._top = min(block.top.values())
        self._columns = list(accumulate(self._steps(links), initial=_MARGIN + LABEL / 2 + _PADDING))

    def _steps(self, links: list[_Link]) -> Iterator[float]:
        """Yield how far apart neighbouring columns are."""
        steps = [float(COLUMN)] * max(cell.column for cell in self._block.cells.values())
        for link in links:
            if link.after not in self._block.returns:
                column = self._block.cells[link.before].column
                label = min(width_of(link.words, WIRE_SIZE), _LONGEST)
                steps[column] = max(steps[column], ceil(link.around + label))
        yield from steps

    def middle(self, name: str) -> Point:
        """Return the middle of a node or an end."""
        cell = self._block.cells[name]
        return self._columns[cell.column], self._down(cell.row)

    def wire(self, link: _Link) -> Wire:
        """Return the way of a wire and what is written on it."""
        start, end = self.middle(link.before), self.middle(link.after)
        back = self._block.returns.get(link.after)
        if back is None:
            points = _way(link, start, end, self._radii(link))
            spot = (start[0] + link.left + _CLEAR, end[1] - _CLEAR)
            room = end[0] - start[0] - link.around
        else:
            points = self._back(start, end, back)
            spot = (points[3][0] + 2 * _CLEAR, points[3][1] - _CLEAR)
            room = _LONGEST
        return Wire(
            link.before,
            link.after,
            link.kind,
            points,
            link.words,
            cut(link.words, WIRE_SIZE, room + 1),
            spot,
            link.is_filtered,
            link.disabled,
        )

    def _radii(self, link: _Link) -> tuple[float, float]:
        ends = self._ends
        return (END if link.before in ends else RADIUS, END if link.after in ends else RADIUS)

    def _back(self, start: Point, end: Point, back: Return) -> tuple[Point, ...]:
        right, left = self._columns[back.right] + _TRUNK, end[0] - _BACK
        row = self._down(back.row)
        first, last = (start[0] + RADIUS, start[1]), (end[0] - RADIUS, end[1])
        return (first, (right, start[1]), (right, row), (left, row), (left, end[1]), last)

    def _down(self, row: float) -> float:
        return _MARGIN + _ABOVE + ROW * (row - self._top - 0.5)


def _way(link: _Link, start: Point, end: Point, radii: tuple[float, float]) -> tuple[Point, ...]:
    """Return the way from one point to another, around both of which there are circles."""
    last = (end[0] - radii[1], end[1])
    if start[1] == end[1]:
        return ((start[0] + radii[0], start[1]), last)
    if link.kind == ERROR:
        first = (start[0] + 0.8 * RADIUS, start[1] + 0.6 * RADIUS)
    else:
        first = (start[0] + RADIUS, start[1])
    turn = start[0] + link.left
    return (first, (turn, first[1]), (turn, end[1]), last)


def _areas(plan: Plan, points: Mapping[str, Point], wires: tuple[Wire, ...]) -> Iterator[Area]:
    """Yield the areas, outer ones first."""
    ways = {(wire.before, wire.after): wire.points for wire in wires}
    paths = sorted(collected(plan).items(), key=lambda item: -len(item[1]))
    for number, (aggregator, path) in enumerate(paths):
        inside = sum(1 for _, other in paths[number + 1 :] if set(other) < set(path))
        around = _PADDING * (1 + min(inside, 2))
        lines = list(_lines(path, points))
        yield Area(
            aggregator,
            tuple(_box([points[name] for name in line], around) for line in lines),
            tuple(ways[before[-1], after[0]] for before, after in pairwise(lines)),
        )


def _lines(path: Sequence[str], points: Mapping[str, Point]) -> Iterator[list[str]]:
    """Yield the parts of a path that lie in a row."""
    line = [path[0]]
    for before, after in pairwise(path):
        if points[before][1] != points[after][1]:
            yield line
            line = []
        line.append(after)
    yield line


def _box(points: Sequence[Point], around: float) -> Box:
    left, top = points[0][0] - LABEL / 2 - around, points[0][1] - _ABOVE - around
    width = points[-1][0] - points[0][0] + LABEL + 2 * around
    return Box(left, top, width, _ABOVE + _BELOW + 2 * around)
