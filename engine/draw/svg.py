"""A plan as SVG: bubbles from left to right, in light and dark, with nothing from outside.

The text is ASCII, so that it is the same in every locale.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr
from zlib import crc32

from engine.draw.layout import END, LABEL, RADIUS, SIGN, Area, Layout, Point, Wire, layout
from engine.draw.outcome import Mark, count_words, few
from engine.draw.shapes import BOLT, FUNNEL, SHAPES, sign_of
from engine.draw.words import cut, readable, title_of, width_of
from engine.model.execution import NodeCount
from engine.plan.plan import Node, NodeKind, Plan

_CORNER: Final = 16
_HEAD: Final = 9
_COLOURS: Final = 8
_ENDING: Final = (NodeKind.DIRECTIVE, NodeKind.RETRY, NodeKind.THROW)
_NO_MARKS: Final[Mapping[str, Mark]] = {}


def style() -> str:
    """Return the style sheet of pictures; all of it applies to elements in `.picture` alone."""
    return Path(__file__).with_name("picture.css").read_text(encoding="ascii")


def to_svg(plan: Plan, marks: Mapping[str, Mark] = _NO_MARKS) -> str:
    """Return a plan as an SVG file; `marks` say by node id what a run made of it."""
    drawn = layout(plan)
    sheet = f"<style>\n{style()}</style>"
    paper = '<rect class="paper" width="100%" height="100%"/>'
    content = _content(plan, drawn, marks)
    return "\n".join([*_opening(plan, drawn), sheet, paper, *content, "</svg>\n"])


def to_svg_element(plan: Plan, marks: Mapping[str, Mark] = _NO_MARKS) -> str:
    """Return a plan as an element of a page that has `style`; nodes carry `data-node`, their id."""
    drawn = layout(plan)
    return "\n".join([*_opening(plan, drawn), *_content(plan, drawn, marks), "</svg>\n"])


def _opening(plan: Plan, drawn: Layout) -> Iterator[str]:
    width, height = _number(drawn.width), _number(drawn.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f"aria-label={_attribute(plan.name or plan.id)}>"
    )


def _content(plan: Plan, drawn: Layout, marks: Mapping[str, Mark]) -> Iterator[str]:
    for area in drawn.areas:
        yield from _area(area)
    for wire in drawn.wires:
        yield from _wire(wire)
    for name, point in drawn.ends.items():
        kind = " error" if name not in {wire.after for wire in drawn.wires} else ""
        x, y = map(_number, point)
        yield f'<circle class="end{kind}" cx="{x}" cy="{y}" r="{END - 1}"/>'
    colours = _colours(plan)
    for node_id, point in drawn.bubbles.items():
        node = plan.nodes[node_id]
        classes = " ".join(_classes(node, colours, marks.get(node_id)))
        yield (
            f'<g class="{classes}" data-node={_attribute(node.id)} '
            f'transform="translate({_pair(point)})">'
        )
        is_trigger = plan.has_trigger and node is plan.trigger
        yield from _bubble(node, marks.get(node_id), is_trigger=is_trigger)
        yield "</g>"


def _area(area: Area) -> Iterator[str]:
    yield '<g class="area">'
    for box in area.boxes:
        yield (
            f'<rect x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}" '
            f'height="{_number(box.height)}" rx="18"/>'
        )
    for band in area.bands:
        yield f'<path d="{_path(band)}"/>'
    yield "</g>"


def _wire(wire: Wire) -> Iterator[str]:
    off = " off" if wire.disabled else ""
    x, y = wire.points[-1]
    yield f'<g class="wire {wire.kind}{off}">'
    yield f'<path d="{_path([*wire.points[:-1], (x - _HEAD + 1, y)])}"/>'
    yield f'<path class="head" d="M{_number(x)} {_number(y)}l-{_HEAD} -4.5v9z"/>'
    if wire.text:
        yield from _written(wire)
    yield "</g>"


def _written(wire: Wire) -> Iterator[str]:
    x, y = wire.spot
    yield f"<g>{_title(wire.text)}"
    if wire.is_filtered:
        yield f'<path class="sign" transform="translate({_number(x)} {_number(y)})" d="{FUNNEL}"/>'
        x += SIGN
    yield f'<text x="{_number(x)}" y="{_number(y)}">{_text(wire.label)}</text></g>'


def _bubble(node: Node, mark: Mark | None, *, is_trigger: bool) -> Iterator[str]:
    title, module = readable(title_of(node)), readable(node.module_id)
    yield _title(f"{title}: {module}")
    yield f'<path class="shape" d="{SHAPES[node.kind]}"/>'
    sign = sign_of(node)
    if sign:
        yield f'<path class="glyph" d="{sign}"/>'
    else:
        yield f'<text class="initials" y="7">{_text(_initials(node.connector))}</text>'
    if is_trigger:
        yield '<g transform="translate(-22 22)"><circle class="start" r="10"/>'
        yield f'<path class="bolt" d="{BOLT}"/></g>'
    yield f'<text class="title" y="{RADIUS + 20}">{_text(cut(title, 13.5, LABEL))}</text>'
    yield f'<text class="module" y="{RADIUS + 36}">{_text(cut(module, 11, LABEL))}</text>'
    if mark is not None and mark.count is not None:
        yield from _counts(mark.count)


def _colours(plan: Plan) -> dict[str, int]:
    """Give each connector a colour: always the same, unless another one has taken it."""
    found: dict[str, int] = {}
    for name in dict.fromkeys(node.connector for node in plan.nodes.values()):
        first = crc32(name.encode()) % _COLOURS
        row = [(first + step) % _COLOURS for step in range(_COLOURS)]
        found[name] = next((one for one in row if one not in found.values()), first)
    return found


def _classes(node: Node, colours: Mapping[str, int], mark: Mark | None) -> Iterator[str]:
    yield "node"
    yield "directive" if node.kind in _ENDING else node.kind.value
    if node.kind is NodeKind.MODULE:
        yield f"c{colours[node.connector]}"
    if mark is not None:
        yield mark.outcome.value
    if node.disabled:
        yield "off"


def _counts(count: NodeCount) -> Iterator[str]:
    tried = count.operations + count.failed
    if tried:
        number = few(tried)
        width = max(20.0, width_of(number, 11) + 12)
        yield '<g transform="translate(22 -22)">'
        yield (
            f'<rect class="badge" x="{_number(-width / 2)}" y="-10" width="{_number(width)}" '
            'height="20" rx="10"/>'
        )
        yield f'<text class="number" y="4">{number}</text></g>'
        words = cut(count_words(count), 11, LABEL)
        yield f'<text class="count" y="{RADIUS + 51}">{_text(words)}</text>'


def _initials(connector: str) -> str:
    words = [word for word in connector.replace("_", " ").split() if word]
    if len(words) > 1:
        return (words[0][0] + words[1][0]).upper()
    return readable(connector[:2].capitalize())


def _path(points: list[Point] | tuple[Point, ...]) -> str:
    """Return a way through points, its corners rounded."""
    parts = [f"M{_pair(points[0])}"]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        radius = min(_CORNER, _apart(before, corner) / 2, _apart(corner, after) / 2)
        parts.append(f"L{_pair(_towards(corner, before, radius))}")
        parts.append(f"Q{_pair(corner)} {_pair(_towards(corner, after, radius))}")
    return "".join([*parts, f"L{_pair(points[-1])}"])


def _apart(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def _towards(start: Point, end: Point, length: float) -> Point:
    part = length / (_apart(start, end) or 1)
    return (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part)


def _pair(point: Point) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _title(text: str) -> str:
    return f"<title>{_text(text)}</title>"


def _text(text: str) -> str:
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _attribute(text: str) -> str:
    return quoteattr(readable(text)).encode("ascii", "xmlcharrefreplace").decode()
