"""Pictures of random scenarios, small ones of every kind and large ones: nothing lies on anything.

Each number is a seed of its own.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import hypot
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from random_scenarios import VARIANTS, seeded
from trials import loaded

from engine.draw.layout import LABEL, RADIUS, WIRE_SIZE, Area, Layout, Point, Wire, layout
from engine.draw.svg import to_svg
from engine.draw.words import width_of
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.graph import COLLECTS, collected, to_networkx
from engine.plan.plan import Plan

SMALL = range(0, 60 * VARIANTS, VARIANTS)
LARGE = range(25)

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Large:
    """A scenario of about 60 nodes: routers in routers, error routes on error routes."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a seed
        self._left = self._random.randrange(40, 80)

    def text(self) -> str:
        flow = self._flow(self._random.randrange(1, 25), 0)
        flow[0].pop("filter", None)
        scenario: dict[str, Any] = {"flow": flow}
        if self._random.random() < 0.5:
            scenario["on_error"] = self._route_for_errors(3)
        return json.dumps(scenario)

    def _flow(self, length: int, depth: int) -> list[dict[str, Any]]:
        flow = [self._node(depth) for _ in range(length)]
        if depth < 4 and self._left > 0 and self._random.random() < 0.8:
            count = self._random.choice((1, 2, 3, 5, 9))
            flow.append(
                {"module": "flow.router", "routes": [self._route(depth) for _ in range(count)]}
            )
        return flow

    def _route(self, depth: int) -> dict[str, Any]:
        length = self._random.choice((0, 1, 2, 3, 6, 11)) if self._left > 0 else 0
        named = {"name": "a route with a long name " * self._random.randrange(3)}
        return {**named, "flow": self._flow(length, depth + 1) if length else []}

    def _node(self, depth: int) -> dict[str, Any]:
        self._left -= 1
        node: dict[str, Any] = {"module": "tools.sleep", "with": {"duration": 1}}
        node["label"] = "Long name of a module " * self._random.randrange(4)
        if self._random.random() < 0.2:
            node["filter"] = "{{ pi > 3 and pi < 4 or executionID == 1 }}"
        if depth < 4 and self._random.random() < 0.3:
            node["on_error"] = self._route_for_errors(depth + 1)
        return node

    def _route_for_errors(self, depth: int) -> list[dict[str, Any]]:
        length = self._random.choice((0, 0, 0, 1, 2, 7))
        return [*(self._node(depth) for _ in range(length)), {"module": "flow.rollback"}]


SLEEP = {"module": "tools.sleep", "with": {"duration": 1}}
FAN = {"module": "flow.router", "routes": [{"flow": [{"module": "flow.ignore"}]}] * 3}
RISING = {"flow": [*[SLEEP] * 5, {**SLEEP, "on_error": [SLEEP, FAN]}, *[SLEEP] * 6]}
"""A line that goes on below, past routes of an error route that want to rise above its row."""


def plan_of(seed: int, folder: Path, *, large: bool) -> Plan:
    if large:
        return load_text(Large(seed).text(), folder / "large.yaml", Catalog())
    return loaded(seeded(seed), folder)


EVERY = [*((seed, False) for seed in SMALL), *((seed, True) for seed in LARGE)]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Plan, Layout]]:
    folder = tmp_path_factory.mktemp("plans")
    plans = [plan_of(seed, folder, large=large) for seed, large in EVERY]
    plans.append(load_text(json.dumps(RISING), folder / "rising.yaml", Catalog()))
    return [(plan, layout(plan)) for plan in plans]


def label_rect(point: Point) -> Rect:
    """Return what a bubble takes with all that is written under it."""
    return (point[0] - LABEL / 2, point[1] - RADIUS, point[0] + LABEL / 2, point[1] + 82)


def free_rect(point: Point) -> Rect:
    """Return what a bubble takes, and some room above it."""
    left, top, right, bottom = label_rect(point)
    return (left, top - 12, right, bottom)


def parts_of(point: Point) -> Iterator[Rect]:
    """Yield a bubble, and what is written under it."""
    x, y = point
    yield (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS)
    yield (x - LABEL / 2, y + RADIUS + 4, x + LABEL / 2, y + 82)


def text_rect(wire: Wire) -> Rect:
    x, y = wire.spot
    width = width_of(wire.label, WIRE_SIZE) + (16 if wire.is_filtered else 0)
    return (x, y - WIRE_SIZE, x + width, y + 3)


def overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def segments(wire: Wire) -> Iterator[Rect]:
    for (x1, y1), (x2, y2) in pairwise(wire.points):
        assert x1 == x2 or y1 == y2, "wires run straight"
        yield (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def apart(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def test_no_bubble_lies_on_another(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        assert list(plan.nodes) == [name for name in plan.nodes if name in picture.bubbles]
        for one, other in combinations(map(label_rect, picture.bubbles.values()), 2):
            assert not overlap(one, other), plan.source


def test_every_wire_ends_at_its_bubbles(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        middles = {**picture.bubbles, **picture.ends}
        for wire in picture.wires:
            for name, point in ((wire.before, wire.points[0]), (wire.after, wire.points[-1])):
                assert apart(middles[name], point) <= RADIUS + 0.01, (wire, plan.source)


def test_every_edge_of_the_plan_has_one_wire(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        edges = to_networkx(plan).edges
        expected = sorted(edge for edge in edges if edges[edge]["kind"] != COLLECTS)
        wires = [(wire.before, wire.after) for wire in picture.wires]
        resort = [(plan.trigger.id, after) for before, after in wires if " -> on" in before]
        inside = [pair for pair in wires if all(name in plan.nodes for name in pair)]
        assert sorted([*inside, *resort]) == expected


def test_no_wire_passes_a_bubble(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        for wire in picture.wires:
            others = [
                free_rect(point)
                for name, point in picture.bubbles.items()
                if name not in (wire.before, wire.after)
            ]
            for part in segments(wire):
                assert not any(overlap(part, rect) for rect in others), (wire, plan.source)


def test_no_wire_crosses_another(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        for one, other in combinations(picture.wires, 2):
            if one.before != other.before:
                crossing = [(a, b) for a in segments(one) for b in segments(other) if overlap(a, b)]
                assert not crossing, (one, other, plan.source)


def test_what_is_written_on_wires_lies_on_nothing(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for plan, picture in drawn:
        bubbles = [part for point in picture.bubbles.values() for part in parts_of(point)]
        written = [text_rect(wire) for wire in picture.wires if wire.label]
        for rect in written:
            assert not any(overlap(rect, bubble) for bubble in bubbles), plan.source
        assert not any(overlap(one, other) for one, other in combinations(written, 2)), plan.source


def test_everything_lies_inside_the_picture(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    for _, picture in drawn:
        rects = [label_rect(point) for point in picture.bubbles.values()]
        rects += [part for wire in picture.wires for part in segments(wire)]
        rects += [text_rect(wire) for wire in picture.wires]
        rects += [box for area in picture.areas for box in boxes(area)]
        assert min(min(left, top) for left, top, _, _ in rects) >= 0
        assert max(right for _, _, right, _ in rects) <= picture.width
        assert max(bottom for _, _, _, bottom in rects) <= picture.height


def boxes(area: Area) -> list[Rect]:
    return [(box.x, box.y, box.x + box.width, box.y + box.height) for box in area.boxes]


def test_an_area_holds_the_nodes_that_an_aggregator_collects_from(
    drawn: Sequence[tuple[Plan, Layout]],
) -> None:
    found = 0
    for plan, picture in drawn:
        areas = {area.aggregator: boxes(area) for area in picture.areas}
        paths = collected(plan)
        assert areas.keys() == paths.keys()
        for aggregator, path in paths.items():
            for name in path:
                point = picture.bubbles[name]
                assert any(overlap((*point, *point), box) for box in areas[aggregator])
                found += 1
    assert found > 50


def test_large_scenarios_stay_as_wide_as_a_page(drawn: Sequence[tuple[Plan, Layout]]) -> None:
    """Nesting may take more; what lies in a row may not."""
    text = json.dumps({"flow": [{"module": "tools.sleep", "with": {"duration": 1}}] * 60})
    picture = layout(load_text(text, Path("row.yaml"), Catalog()))
    assert picture.width < 2000
    assert len({y for _, y in picture.bubbles.values()}) == 7
    assert max(picture.width for _, picture in drawn) < 4500


def test_every_picture_is_well_formed_and_names_every_node(
    drawn: Sequence[tuple[Plan, Layout]],
) -> None:
    for plan, _ in drawn[::7]:
        root = ET.fromstring(to_svg(plan))  # noqa: S314 - our own text
        named = [node.get("data-node") for node in root.iter() if node.get("data-node")]
        assert sorted(filter(None, named)) == sorted(plan.nodes)
