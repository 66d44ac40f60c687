"""Where the nodes of a plan lie on a grid: a column for each step, rows as close as they may be.

A flow is one row from left to right, in the order of its bundles. What hangs on it lies to the
right of where it hangs: error routes below the row, a router's routes fanned out. A flow that is
too long goes on in a new line, as text does. Blocks are pushed together until their columns touch,
so that no wire that leaves a column has to pass what lies in the next one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Final

from engine.plan.graph import last_resort, own_error_route
from engine.plan.plan import Flow, Node, Plan

WIDEST: Final = 9
"""Columns of a picture, as far as nesting allows."""

NARROWEST: Final = 5
"""Columns that a flow takes before it goes on in a new line, however far right it begins."""

ROUTE_COLUMNS: Final = 3
"""Columns that are wanted right of a router before it moves to a new line."""

RISE: Final = 1.0
"""How far above its router the first route may lie; few routes lie evenly around it."""

LINE_GAP: Final = 0.25
"""Rows between a line and the wire that leads from its end to the next line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A place on the grid; rows may be fractions, and begin anywhere."""

    column: int
    row: float


@dataclass(frozen=True, slots=True)
class Return:
    """How a flow goes on in a new line: behind column `right`, along `row`, before `left`."""

    right: int
    row: float
    left: int


@dataclass(slots=True)
class Block:
    """Cells of a part of the plan, relative to the row of its first node.

    `cells` are those of nodes and of ends (see `route_end`); `returns` are by the id of the node
    that begins a line; `top` and `bottom` bound what lies in a column.
    """

    cells: dict[str, Cell] = field(default_factory=dict)
    returns: dict[str, Return] = field(default_factory=dict)
    top: dict[int, float] = field(default_factory=dict)
    bottom: dict[int, float] = field(default_factory=dict)

    def put(self, name: str, cell: Cell) -> None:
        """Place one node or end."""
        self.cells[name] = cell
        self.take_up(cell.column, cell.row - 0.5, cell.row + 0.5)

    def take_up(self, column: int, top: float, bottom: float) -> None:
        """Keep a part of a column free of what is added below."""
        self.top[column] = min(self.top.get(column, top), top)
        self.bottom[column] = max(self.bottom.get(column, bottom), bottom)

    def add(self, other: "Block", rows: float) -> None:
        """Take over a block, so many rows further down."""
        for name, cell in other.cells.items():
            self.cells[name] = Cell(cell.column, cell.row + rows)
        for name, back in other.returns.items():
            self.returns[name] = Return(back.right, back.row + rows, back.left)
        for column, top in other.top.items():
            self.take_up(column, top + rows, other.bottom[column] + rows)

    def rows_below(self, other: "Block") -> float:
        """Return how far down another block has to go to touch nothing of this one."""
        touching = [
            self.bottom[column] - top for column, top in other.top.items() if column in self.bottom
        ]
        return max(touching, default=0.0)


def route_end(router_id: str, index: int) -> str:
    """Name the end of a route without nodes. No node has such a name."""
    return f"{router_id} -> {index}"


LAST_RESORT: Final = " -> on_error"
"""Name of the place where the scenario's own error route begins."""


def grid(plan: Plan) -> Block:
    """Return where all nodes of a plan lie."""
    whole = _flow(plan.flow, 0)
    resort = last_resort(plan)
    if resort is not None:
        below = _flow(resort, 1)
        below.put(LAST_RESORT, Cell(0, 0.0))
        whole.add(below, _bottom(whole) - _top(below))
    return whole


def _flow(flow: Flow, column: int) -> Block:
    """Lay out a flow from a column on, in as many lines as it needs."""
    lines = list(_lines(flow, column))
    block = _line(lines[0], column, goes_on=len(lines) > 1)
    for before, line in pairwise(lines):
        below = _line(line, column, goes_on=line is not lines[-1])
        right = max(cell.column for cell in block.cells.values())
        back = Return(right, _bottom(block) + LINE_GAP, column)
        for passed in range(column, right + 1):
            block.take_up(passed, block.cells[before[0].id].row - 0.5, back.row + LINE_GAP)
        block.add(below, _bottom(block) - _top(below))
        block.returns[line[0].id] = back
    return block


def _lines(flow: Flow, column: int) -> Iterator[Flow]:
    """Cut a flow into lines: of the same length, or the last one short if routes begin there."""
    room = max(WIDEST - column, NARROWEST)
    routed = max((len(route.flow) for route in flow[-1].routes), default=0)
    wanted = min(routed, ROUTE_COLUMNS)
    if len(flow) + wanted <= room or len(flow) == 1:
        yield flow
        return
    if flow[-1].routes:
        size, last = room, len(flow) % room or room
        cut = len(flow) - (last if last + wanted <= room else 1)
    else:
        size, cut = ceil(len(flow) / ceil(len(flow) / room)), len(flow)
    for start in range(0, cut, size):
        yield flow[start : min(start + size, cut)]
    if flow[cut:]:
        yield flow[cut:]


def _line(flow: Flow, column: int, *, goes_on: bool) -> Block:
    """Lay out one line: its nodes in a row, and what hangs on them.

    Error routes are hung from the last node on, so that none has to cross another.
    """
    block = Block()
    last = column + len(flow) - 1
    if flow[-1].routes:
        block.add(_fan(flow[-1], last + 1), 0.0)
    for index, node in enumerate(flow):
        block.put(node.id, Cell(column + index, 0.0))
    if goes_on:
        _keep_row_free(block, flow, last)
    for index in reversed(range(len(flow))):
        route = own_error_route(flow[index])
        if route is not None:
            hung = _flow(route, column + index + 1)
            block.add(hung, max(1.0, block.rows_below(hung)))
    return block


def _keep_row_free(block: Block, flow: Flow, last: int) -> None:
    """Let no error route rise above the wire that leads on from the end of a line."""
    reach = max((_depth(route) for node in flow if (route := own_error_route(node))), default=0)
    for column in range(last + 1, last + 1 + reach):
        block.take_up(column, -0.5, 0.5)


def _depth(flow: Flow) -> int:
    """Return at most how many columns a flow and what hangs on it take."""
    hanging = [_depth(part) for node in flow for part in _hanging(node)]
    return len(flow) + max(hanging, default=0)


def _hanging(node: Node) -> Iterator[Flow]:
    route = own_error_route(node)
    if route is not None:
        yield route
    yield from (route.flow for route in node.routes)


def _fan(router: Node, column: int) -> Block:
    """Lay out the routes of a router, one below the other, the first just above its row."""
    block = Block()
    rows: list[float] = []
    for index, route in enumerate(router.routes):
        part = _flow(route.flow, column) if route.flow else _end(router, index, column)
        row = max(rows[-1] + 1 if rows else 0.0, block.rows_below(part))
        block.add(part, row)
        rows.append(row)
    fan = Block()
    fan.add(block, -min(rows[-1] / 2, RISE))
    return fan


def _end(router: Node, index: int, column: int) -> Block:
    block = Block()
    block.put(route_end(router.id, index), Cell(column, 0.0))
    return block


def _top(block: Block) -> float:
    return min(block.top.values())


def _bottom(block: Block) -> float:
    return max(block.bottom.values())
