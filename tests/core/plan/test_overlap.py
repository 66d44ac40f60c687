"""Which nodes may run before their turn, and where operations cannot overlap."""

from pathlib import Path
from textwrap import dedent

import pytest
from runs import PROBES

from engine.errors import ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import Plan

NUMBERS = """
- id: each
  module: flow.repeater
  with: {repeats: 3}
"""


def plan_of(nodes: str) -> Plan:
    text = "flow:\n" + dedent(NUMBERS + nodes)
    return load_text(text, Path("overlap.yaml"), Catalog([PROBES]))


def refusal(nodes: str) -> str:
    with pytest.raises(ScenarioError) as raised:
        plan_of(nodes)
    (problem,) = raised.value.problems
    assert problem.code == "E125"
    return problem.message


def wait(node_id: str, more: str = "concurrency: 4") -> str:
    return f"\n- {{id: {node_id}, module: probe.wait, with: {{minutes: 1}}, {more}}}"


def test_without_concurrency_nothing_runs_ahead() -> None:
    assert plan_of(wait("slow", "label: slow")).ahead == {}


def test_all_nodes_on_the_way_to_overlapping_ones_may_run_ahead_of_their_source() -> None:
    plan = plan_of(wait("early", "label: one") + wait("slow") + wait("later", "label: later"))

    assert plan.ahead == {"each": {"early": 1, "slow": 4}}


def test_the_way_goes_through_routers_and_ends_at_the_nearest_source() -> None:
    plan = plan_of(
        """
- {id: parts, module: flow.iterator, with: {array: [1, 2]}}
- id: fork
  module: flow.router
  routes:
  - flow: [{id: a, module: probe.pass}]
  - flow:
    - {id: b, module: probe.pass}
    - {id: slow, module: probe.wait, with: {minutes: 1}, concurrency: 2}
"""
    )

    assert plan.ahead == {"parts": {"fork": 1, "b": 1, "slow": 2}}


def test_several_overlapping_nodes_share_their_source() -> None:
    plan = plan_of(wait("fetch", "concurrency: 8") + wait("convert", "concurrency: 2"))

    assert plan.ahead == {"each": {"fetch": 8, "convert": 2}}


def test_behind_an_aggregator_nothing_is_gained_and_nothing_runs_ahead() -> None:
    plan = plan_of(
        """
- {id: all, module: flow.array_aggregator, with: {fields: {i: "{{ each.i }}"}}}
"""
        + wait("slow")
    )

    assert plan.ahead == {}
    (warning,) = (each for each in plan.warnings if each.code == "W102")
    assert warning.code == "W102"
    assert warning.message.startswith("`concurrency` of `slow` gains nothing: `all` before it")


def test_what_numbers_its_bundles_stands_in_the_way_and_is_named() -> None:
    plan = plan_of(
        "\n- {id: nr, module: tools.increment, with: {reset_after: cycle}}" + wait("slow")
    )

    assert plan.ahead == {}
    (warning,) = (each for each in plan.warnings if each.code == "W102")
    assert "`nr` before it takes one bundle after the other" in warning.message


def test_without_a_source_of_several_bundles_nothing_is_gained() -> None:
    text = "flow:\n- {module: probe.pass}" + wait("slow")
    plan = load_text(text, Path("overlap.yaml"), Catalog([PROBES]))

    (warning,) = (each for each in plan.warnings if each.code == "W102")
    assert warning.message.endswith("gains nothing: no node before it emits several bundles")


def test_groups_of_an_aggregator_are_a_source() -> None:
    plan = plan_of(
        """
- id: groups
  module: flow.array_aggregator
  with: {fields: {i: "{{ each.i }}"}, group_by: "{{ each.i }}"}
"""
        + wait("slow")
    )

    assert plan.ahead == {"groups": {"slow": 4}}


@pytest.mark.parametrize(
    ("module", "fields", "reason"),
    [
        ("flow.iterator", "array: []", "it does nothing that takes time"),
        ("tools.set_variable", "name: a", "it only computes"),
        ("probe.search", "count: 1", "it hands its bundles on as they come"),
    ],
)
def test_some_operations_never_overlap(module: str, fields: str, reason: str) -> None:
    node = f"\n- {{id: one, module: {module}, with: {{{fields}}}, concurrency: 2}}"

    assert refusal(node) == f"operations of `{module}` do not overlap: {reason}"


GET = """
- {id: before, module: tools.get_variable, with: {name: total}}
"""
SET = """
- {id: after, module: tools.set_variable, with: {name: total, value: "{{ each.i }}"}}
"""


def test_a_way_that_reads_what_is_set_further_down_is_refused() -> None:
    assert refusal(GET + wait("slow") + SET) == (
        "operations of `slow` cannot overlap: `before` reads the variable `total`, "
        "which `after` sets for the bundle before"
    )


def test_a_variable_set_on_an_error_route_counts() -> None:
    handled = wait(
        "slow",
        "concurrency: 4, on_error: [{id: sad, module: tools.set_variables, "
        "with: {variables: {total: 1}}}]",
    )

    assert "which `sad` sets for the bundle before" in refusal(GET + handled)


def test_a_variable_whose_name_is_mapped_may_be_any() -> None:
    setting = """
- {id: after, module: tools.set_variable, with: {name: "v{{ each.i }}", value: 1}}
"""

    assert refusal(GET + wait("slow") + setting).endswith("`before` may read what `after` sets")


def test_what_the_way_sets_for_its_own_bundle_may_be_read_on_it() -> None:
    plan = plan_of(SET + GET.replace("before", "again") + wait("slow"))

    assert plan.ahead == {"each": {"after": 1, "again": 1, "slow": 4}}


def test_other_variables_do_not_matter() -> None:
    plan = plan_of(GET.replace("total", "other") + wait("slow") + SET)

    assert list(plan.ahead) == ["each"]


def test_operations_that_depend_on_the_one_before_do_not_overlap() -> None:
    count = "\n- {id: count, module: tools.increment, with: {reset_after: cycle}}"

    assert plan_of(count + wait("slow")).ahead == {}
    assert "one" in refusal(count.replace("count,", "count, concurrency: 2,"))
