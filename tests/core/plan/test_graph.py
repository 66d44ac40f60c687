"""Pictures of a plan, and what can never run."""

import subprocess
import sys
from collections.abc import Callable

from engine.plan.graph import check_graph, to_mermaid, to_networkx
from engine.plan.plan import Plan

TEXT = """\
flow:
  - id: video
    module: demo.watch
    label: 'My "own" <b>videos</b>'
    with: {folder: inbox}
  - id: each
    module: flow.iterator
    with: {array: "{{ video.tags }}"}
    on_error: [{module: flow.ignore}]
  - id: fork
    module: flow.router
    routes:
      - name: named
        filter: "{{ each.value == 'a' }}"
        flow:
          - {id: agg, module: flow.array_aggregator, with: {fields: {a: 1}}}
          - id: put
            module: demo.put
            filter: {name: only full ones, any: []}
      - fallback: true
        flow: [{id: other, module: demo.put, disabled: true}]
on_error: [{module: flow.rollback}]
"""


def test_a_plan_is_a_graph_of_flows_routes_error_routes_and_aggregations(
    plan_of: Callable[[str], Plan],
) -> None:
    graph = to_networkx(plan_of(TEXT))

    kinds = {edge: graph.edges[edge]["kind"] for edge in graph.edges}
    assert kinds == {
        ("video", "each"): "flow",
        ("each", "fork"): "flow",
        ("each", "each.on_error.1"): "error",
        ("fork", "agg"): "route",
        ("agg", "put"): "flow",
        ("fork", "other"): "route",
        ("video", "on_error.1"): "error",
        ("each", "agg"): "collects",
    }
    assert graph.nodes["agg"]["source"] == "each"
    check_graph(plan_of(TEXT))


def test_a_source_right_before_its_aggregator_keeps_the_tree_whole(
    plan_of: Callable[[str], Plan],
) -> None:
    plan = plan_of(
        "flow:\n"
        "- {id: find, module: demo.find}\n"
        "- {id: agg, module: flow.array_aggregator, with: {fields: {a: 1}}}\n"
    )

    check_graph(plan)
    assert to_networkx(plan).edges["find", "agg"]["kind"] == "flow"


def test_mermaid_shows_filters_error_routes_routers_and_aggregation(
    plan_of: Callable[[str], Plan],
) -> None:
    lines = to_mermaid(plan_of(TEXT)).splitlines()

    assert lines[0] == "flowchart TD"
    assert '  n3{"fork<br/><small>flow.router</small>"}' in lines
    assert '  n1 -.->|"on error"| n2' in lines
    assert '  n3 -->|"named"| n4' in lines
    assert '  n4 -->|"only full ones"| n5' in lines
    assert '  n3 -->|"route 2 (fallback)"| n6' in lines
    assert '  n1 -. "collects" .-> n4' in lines
    assert "  class n6 disabled" in lines


def test_labels_cannot_break_out_of_the_picture(plan_of: Callable[[str], Plan]) -> None:
    picture = to_mermaid(plan_of(TEXT))

    assert "<b>" not in picture
    assert "My #34;own#34; #60;b#62;" in picture


def test_a_fallback_beside_a_route_that_takes_all_is_a_warning(
    plan_of: Callable[[str], Plan],
) -> None:
    text = (
        "flow:\n"
        "- module: demo.put\n"
        "- module: flow.router\n"
        "  routes: [{name: all, flow: []}, {fallback: true, flow: []}]\n"
    )

    (warning,) = plan_of(text).warnings

    assert warning.code == "W101"
    assert "`all` takes every bundle" in warning.message
    assert plan_of(text.replace("name: all", 'name: all, filter: "{{ true }}"')).warnings == ()
    assert plan_of(text.replace("name: all", "name: all, disabled: true")).warnings == ()


def test_checking_a_scenario_does_not_import_networkx() -> None:
    code = "import sys, engine.plan.check; sys.exit('networkx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
