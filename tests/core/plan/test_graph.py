"""A plan as a graph, and what can never run."""

import subprocess
import sys
from collections.abc import Callable

from all_kinds import ALL_KINDS

from engine.plan.graph import check_graph, collected, to_networkx
from engine.plan.plan import Plan


def test_a_plan_is_a_graph_of_flows_routes_error_routes_and_aggregations(
    plan_of: Callable[[str], Plan],
) -> None:
    graph = to_networkx(plan_of(ALL_KINDS))

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
    check_graph(plan_of(ALL_KINDS))


def test_what_an_aggregator_collects_from_goes_from_its_source_to_itself(
    plan_of: Callable[[str], Plan],
) -> None:
    assert collected(plan_of(ALL_KINDS)) == {"agg": ["each", "fork", "agg"]}


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


def test_a_fallback_beside_a_route_that_takes_all_is_a_warning(
    plan_of: Callable[[str], Plan],
) -> None:
    text = (
        "flow:\n"
        "- module: demo.put\n"
        "- module: flow.router\n"
        "  routes: [{name: all, flow: []}, {fallback: true, flow: []}]\n"
    )

    def never_run(text: str) -> list[str]:
        return [one.message for one in plan_of(text).warnings if one.code == "W101"]

    (message,) = never_run(text)
    assert "`all` takes every bundle" in message
    assert never_run(text.replace("name: all", 'name: all, filter: "{{ true }}"')) == []
    assert never_run(text.replace("name: all", "name: all, disabled: true")) == []


def test_checking_a_scenario_does_not_import_networkx() -> None:
    code = "import sys, engine.plan.check; sys.exit('networkx' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
