"""Pictures of plans: golden texts of Mermaid and DOT, and what SVG shows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from all_kinds import ALL_KINDS

from engine.draw.dot import to_dot
from engine.draw.layout import layout
from engine.draw.mermaid import to_mermaid
from engine.draw.outcome import Mark, Outcome, count_words, few, marks_of
from engine.draw.svg import to_svg
from engine.draw.words import cut, expression_words, readable, width_of
from engine.model.execution import Execution, Kind, NodeCount, Status
from engine.plan.plan import Plan

PlanOf = Callable[[str], Plan]
SVG = "{http://www.w3.org/2000/svg}"

MERMAID = """\
flowchart LR
  n0["My #34;own#34; #60;b#62;videos#60;/b#62;<br/><small>demo.watch</small>"]
  n1[\\"each<br/><small>flow.iterator</small>"/]
  n2(["ignore<br/><small>flow.ignore</small>"])
  n3{"fork<br/><small>flow.router</small>"}
  n4[/"agg<br/><small>flow.array_aggregator</small>"\\]
  n5["put<br/><small>demo.put</small>"]
  n6["other<br/><small>demo.put</small>"]
  n7(["rollback<br/><small>flow.rollback</small>"])
  n0 --> n1
  n0 -.->|"on error"| n7
  n1 --> n3
  n1 -.->|"on error"| n2
  n1 -. "collects" .-> n4
  n3 -->|"named"| n4
  n3 -->|"route 3 (fallback)"| n6
  n4 -->|"only full ones"| n5
  classDef disabled opacity:0.4
  class n6 disabled
"""

DOT = """\
digraph "All kinds" {
  rankdir=LR
  node [fontname="sans-serif", fontsize=11, style=filled, fillcolor="#eef2f6"]
  edge [fontname="sans-serif", fontsize=10]
  n0 [label="My \\"own\\" <b>videos</b>\\ndemo.watch", shape="ellipse"]
  n1 [label="each\\nflow.iterator", shape="trapezium"]
  n2 [label="ignore\\nflow.ignore", shape="octagon"]
  n3 [label="fork\\nflow.router", shape="diamond"]
  n4 [label="agg\\nflow.array_aggregator", shape="invtrapezium"]
  n5 [label="put\\ndemo.put", shape="ellipse"]
  n6 [label="other\\ndemo.put", shape="ellipse", style="dashed"]
  n7 [label="rollback\\nflow.rollback", shape="octagon"]
  n0 -> n1 []
  n0 -> n7 [style="dashed", color="#c93c37", fontcolor="#c93c37"]
  n1 -> n3 []
  n1 -> n2 [style="dashed", color="#c93c37", fontcolor="#c93c37"]
  n1 -> n4 [style="dotted", constraint="false", label="collects"]
  n3 -> n4 [label="named"]
  n3 -> n6 [label="route 3 (fallback)"]
  n4 -> n5 [label="only full ones"]
  subgraph cluster_0 { style="filled,rounded" color="#b9cdee" fillcolor="#e9f0fb" n1 n3 n4 }
}
"""


def run_of(plan: Plan, **counts: NodeCount) -> Execution:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Execution("e", plan.id, Kind.SCENARIO, Status.WARNING, at, at, nodes=counts)


def elements(svg: str, name: str, css: str) -> Iterator[ET.Element]:
    for element in ET.fromstring(svg).iter(f"{SVG}{name}"):  # noqa: S314 - our own text
        if css in (element.get("class") or "").split():
            yield element


def bubble(svg: str, node_id: str) -> ET.Element:
    return next(node for node in elements(svg, "g", "node") if node.get("data-node") == node_id)


def texts(element: ET.Element) -> list[str]:
    return [found.text or "" for found in element.iter(f"{SVG}text")]


def test_mermaid_is_the_golden_text(plan_of: PlanOf) -> None:
    assert to_mermaid(plan_of(ALL_KINDS)) == MERMAID


def test_dot_is_the_golden_text(plan_of: PlanOf) -> None:
    assert to_dot(plan_of(ALL_KINDS)) == DOT


def test_mermaid_and_dot_tell_what_a_run_did(plan_of: PlanOf) -> None:
    plan = plan_of(ALL_KINDS)
    counts = {"video": NodeCount(1, 4), "each": NodeCount(3, 9, 1), "agg": NodeCount(failed=2)}
    marks = marks_of(plan, run_of(plan, **counts))

    mermaid, dot = to_mermaid(plan, marks), to_dot(plan, marks)

    assert "<small>flow.iterator<br/>3 ops, 9 bundles, 1 failed</small>" in mermaid
    assert "  class n0 success\n" in mermaid
    assert "  class n1 partly\n" in mermaid
    assert "  class n4 failed\n" in mermaid
    assert "  class n5,n6,n7 untouched\n" in mermaid
    assert 'n4 [label="agg\\nflow.array_aggregator\\n2 failed", ' in dot
    assert 'fillcolor="#f6c4c1"]' in dot


def test_what_does_not_count_is_passed_if_bundles_may_have_come_to_it(plan_of: PlanOf) -> None:
    plan = plan_of(ALL_KINDS)

    marks = marks_of(plan, run_of(plan, video=NodeCount(1, 4), each=NodeCount(3, 9, 1)))

    assert marks["fork"] == marks["ignore" if "ignore" in marks else "each.on_error.1"]
    assert marks["fork"] == Mark(Outcome.PASSED)
    assert marks["on_error.1"] == Mark(Outcome.UNTOUCHED)
    assert marks["agg"].outcome is Outcome.UNTOUCHED


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9_999, "9999"), (12_345, "12k"), (999_499, "999k"), (999_500, "1.0M")],
)
def test_large_counts_are_short(number: int, text: str) -> None:
    assert few(number) == text


def test_counts_are_told_in_words() -> None:
    assert count_words(NodeCount(1, 1)) == "1 op, 1 bundle"
    assert count_words(NodeCount(2, 0, 3)) == "2 ops, 0 bundles, 3 failed"
    assert count_words(NodeCount(failed=1)) == "1 failed"


def test_svg_gives_each_kind_its_own_shape(plan_of: PlanOf) -> None:
    svg = to_svg(plan_of(ALL_KINDS))

    def shape(node_id: str) -> str:
        path = next(bubble(svg, node_id).iter(f"{SVG}path"))
        return path.get("d") or ""

    assert len({shape(name) for name in ("video", "each", "fork", "agg")}) == 4
    assert shape("put") == shape("other") == shape("video")


def test_svg_shows_filters_error_routes_areas_and_what_is_switched_off(plan_of: PlanOf) -> None:
    svg = to_svg(plan_of(ALL_KINDS))

    routes = [texts(wire) for wire in elements(svg, "g", "route")]
    assert routes == [["named"], ["each.value == 'b'"], ["route 3 (fallback)"]]
    assert len(list(elements(svg, "path", "sign"))) == 3
    assert [texts(wire) for wire in elements(svg, "g", "error")] == [["any other error"], []]
    assert len(list(elements(svg, "g", "area"))) == 1
    assert "off" in (bubble(svg, "other").get("class") or "").split()
    assert [wire for wire in elements(svg, "g", "off") if "route" in (wire.get("class") or "")]
    assert len(list(elements(svg, "circle", "end"))) == 2


def test_svg_marks_the_trigger_and_gives_connectors_colours_of_their_own(plan_of: PlanOf) -> None:
    svg = to_svg(plan_of(ALL_KINDS))

    assert list(bubble(svg, "video").iter(f"{SVG}circle"))
    assert not list(bubble(svg, "put").iter(f"{SVG}circle"))
    assert bubble(svg, "video").get("class") == bubble(svg, "put").get("class")


def test_svg_shows_a_run_in_colours_and_numbers(plan_of: PlanOf) -> None:
    plan = plan_of(ALL_KINDS)
    counts = {"video": NodeCount(1, 4), "each": NodeCount(3, 9, 1)}

    svg = to_svg(plan, marks_of(plan, run_of(plan, **counts)))

    assert "partly" in (bubble(svg, "each").get("class") or "")
    assert texts(bubble(svg, "each")) == [
        "each",
        "flow.iterator",
        "4",
        "3 ops, 9 bundles, 1 failed",
    ]
    assert "untouched" in (bubble(svg, "put").get("class") or "")
    assert texts(bubble(svg, "put"))[-1] == "demo.put"


def test_svg_shows_any_text_as_text(plan_of: PlanOf) -> None:
    hostile = "</title><script>alert(1)</script>\\u0007\\u202e ]]> & \\u00e9\\U0001F600"
    svg = to_svg(plan_of(f'flow: [{{id: a, module: demo.put, label: "{hostile}"}}]'))

    assert svg.isascii()
    assert "<script" not in svg
    title = next(bubble(svg, "a").iter(f"{SVG}title")).text or ""
    assert title.startswith("</title><script>alert(1)</script>\ufffd\ufffd ]]> & é😀")


def test_svg_asks_for_nothing_from_outside(plan_of: PlanOf) -> None:
    svg = to_svg(plan_of(ALL_KINDS))

    assert svg.count("http") == 1  # the name space
    assert not any(word in svg for word in ("href", "url(", "@import", "<image", "<script"))


def test_long_names_are_cut_and_told_in_full(plan_of: PlanOf) -> None:
    name = "A name that is far too long to be written under a bubble"
    svg = to_svg(plan_of(f"flow: [{{id: a, module: demo.put, label: {name}}}]"))

    found = bubble(svg, "a")
    assert texts(found)[1].endswith("…")
    assert name.startswith(texts(found)[1][:-1])
    assert next(found.iter(f"{SVG}title")).text == f"{name}: demo.put"


def test_texts_are_cut_to_the_room_that_there_is() -> None:
    assert cut("short", 12, 100) == "short"
    for room in range(20, 200, 7):
        assert width_of(cut("wide WORDS and 日本語 words", 12, room), 12) <= room


def test_an_expression_is_told_without_its_braces() -> None:
    assert expression_words("{{ a.b > 1 }}") == "a.b > 1"
    assert expression_words("{{ a }} and {{ b }}") == "{{ a }} and {{ b }}"
    assert readable("two\nlines\x1b[0m") == "two lines\ufffd[0m"


def test_a_flow_that_is_too_long_goes_on_below(plan_of: PlanOf) -> None:
    flow = "".join(f"  - {{id: n{number}, module: demo.put}}\n" for number in range(12))

    picture = layout(plan_of(f"flow:\n{flow}"))

    rows = sorted({y for _, y in picture.bubbles.values()})
    assert [sum(y == row for _, y in picture.bubbles.values()) for row in rows] == [6, 6]
    assert picture.bubbles["n6"][0] == picture.bubbles["n0"][0]
