"""What a checked plan holds: ids, who sees whom, handlers, sources, compiled fields."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import MappingError, ScenarioError
from engine.model.directive import Directive
from engine.plan.catalog import Catalog
from engine.plan.check import load, load_text
from engine.plan.plan import NodeKind, Plan

MakePlan = Callable[[str], Plan]

HEAD = """\
flow:
  - id: video
    module: demo.watch
    with: {folder: inbox}
"""


def after_trigger(nodes: str) -> str:
    return HEAD + "".join(f"  {line}\n" for line in nodes.splitlines())


def test_a_node_without_an_id_is_named_by_its_place(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- module: demo.put\n"
            "- id: convert\n"
            "  module: demo.put\n"
            "  on_error: [{module: demo.put}, {module: flow.ignore}]\n"
            "- module: flow.router\n"
            "  routes:\n"
            "  - flow: [{module: demo.put}]\n"
            "  - flow: [{module: demo.put, on_error: [{module: flow.commit}]}]\n"
        )
        + "on_error: [{module: flow.rollback}]\n"
    )

    assert list(plan.nodes) == [
        "video",
        "flow.2",
        "convert",
        "convert.on_error.1",
        "convert.on_error.2",
        "flow.4",
        "flow.4.routes.1.1",
        "flow.4.routes.2.1",
        "flow.4.routes.2.1.on_error.1",
        "on_error.1",
    ]
    assert plan.nodes["convert.on_error.2"].path == "flow.2.on_error.1"
    flow, index = plan.positions["convert.on_error.2"]
    assert flow[index] is plan.nodes["convert.on_error.2"]
    assert plan.trigger is plan.nodes["video"]


def test_a_node_maps_what_is_before_it_on_its_path(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- {id: idle, module: demo.put, disabled: true}\n"
            "- {id: early, module: demo.put}\n"
            "- module: flow.router\n"
            "  routes:\n"
            "  - flow: [{id: a, module: demo.put}, {id: b, module: demo.put}]\n"
            "  - flow: [{id: c, module: demo.put}]\n"
        )
    )

    assert plan.nodes["early"].mappable == ("video",)
    assert plan.nodes["b"].mappable == ("video", "early", "a")
    assert plan.nodes["c"].mappable == ("video", "early")


def test_an_aggregator_closes_its_source_and_all_between(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- {id: orders, module: flow.iterator, with: {array: [1]}}\n"
            "- {id: lines, module: flow.iterator, with: {array: [1]}}\n"
            "- {id: put, module: demo.put}\n"
            '- {id: inner, module: flow.array_aggregator, with: {fields: {a: "{{ put.a }}"}}}\n'
            "- id: outer\n"
            "  module: flow.array_aggregator\n"
            "  with:\n"
            "    source: orders\n"
            '    fields: {a: "{{ inner.array }}"}\n'
            '    group_by: "{{ orders.x }}"\n'
            "- id: final\n"
            "  module: demo.put\n"
            '  with: {a: "{{ outer.key }} {{ outer.bundle_index }}"}\n'
        )
    )

    assert plan.nodes["inner"].source == "lines"
    assert plan.nodes["lines"].closes == ("inner",)
    assert plan.nodes["outer"].mappable == ("video", "orders", "inner")
    assert plan.nodes["outer"].source == "orders"
    assert plan.nodes["final"].mappable == ("video", "outer")


def test_the_nearest_source_is_a_trigger_a_search_or_a_grouping_aggregator(
    plan_of: MakePlan,
) -> None:
    plan = plan_of(
        after_trigger(
            "- {id: put, module: demo.put}\n"
            "- {id: one, module: flow.array_aggregator, with: {fields: {a: 1}, group_by: 1}}\n"
            "- {id: two, module: flow.array_aggregator, with: {fields: {a: 1}}}\n"
            "- {id: find, module: demo.find}\n"
            "- {id: three, module: flow.array_aggregator, with: {fields: {a: 1}}}\n"
        )
    )

    sources = [plan.nodes[name].source for name in ("one", "two", "three")]
    assert sources == ["video", "one", "find"]


def test_handlers_go_from_the_node_through_its_routers_to_the_scenario(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- id: outer\n"
            "  module: flow.router\n"
            "  on_error: [{id: outer_handler, module: demo.put}]\n"
            "  routes:\n"
            "  - flow:\n"
            "    - id: inner\n"
            "      module: flow.router\n"
            "      on_error: [{id: inner_handler, module: demo.put}]\n"
            "      routes:\n"
            "      - flow:\n"
            "        - id: deep\n"
            "          module: demo.put\n"
            "          on_error: [{id: own_handler, module: demo.put}]\n"
        )
        + "on_error: [{id: last_resort, module: demo.put}]\n"
    )

    def chain(name: str) -> list[tuple[str, str | None]]:
        return [(handler.flow[0].id, handler.router) for handler in plan.nodes[name].handlers]

    assert chain("deep") == [
        ("own_handler", None),
        ("inner_handler", "inner"),
        ("outer_handler", "outer"),
        ("last_resort", None),
    ]
    assert chain("inner") == [
        ("inner_handler", None),
        ("outer_handler", "outer"),
        ("last_resort", None),
    ]
    assert chain("video") == [("last_resort", None)]
    assert chain("own_handler") == []


def test_an_error_route_maps_the_error_and_what_the_failed_node_could_map(
    plan_of: MakePlan,
) -> None:
    plan = plan_of(
        after_trigger(
            "- id: put\n"
            "  module: demo.put\n"
            "  on_error:\n"
            "  - id: told\n"
            "    module: demo.put\n"
            '    with: {a: "{{ error.type }} {{ put.error.message }} {{ video.name }}"}\n'
            '  - {module: flow.resume, with: {any: "{{ told.a }}", thing: [1]}}\n'
        )
        + "on_error:\n"
        '  - {module: demo.put, with: {a: "{{ error.detail.x }} {{ put.error.type }}"}}\n'
    )

    resume = plan.nodes["put.on_error.2"]
    assert resume.directive is Directive.RESUME
    assert resume.kind is NodeKind.DIRECTIVE
    assert resume.on_error_route
    assert resume.fields.constants == {"thing": [1]}
    assert not plan.nodes["put"].on_error_route


def test_fields_are_evaluated_with_constants_and_without_what_is_null(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- id: put\n"
            "  module: demo.put\n"
            "  with:\n"
            "    constant: 5\n"
            "    brace: \"{{ '{{' }}\"\n"
            '    file: " {{ video.file }} "\n'
            '    text: "size {{ video.size }}"\n'
            '    gone: "{{ video.tags[9] }}"\n'
            '    nested: {a: 1, b: ["{{ video.size }}", 2], c: "{{ video.tags[9] }}"}\n'
        )
    )
    fields = plan.nodes["put"].fields

    found = fields.evaluate({"video": {"file": b"x", "size": 3, "tags": []}})

    assert found == {
        "constant": 5,
        "brace": "{{",
        "file": b"x",
        "text": "size 3",
        "nested": {"a": 1, "b": [3, 2], "c": None},
    }
    assert fields.constants == {"constant": 5}
    assert [leaf.path for leaf in fields.leaves] == [
        ("with", "brace"),
        ("with", "file"),
        ("with", "text"),
        ("with", "gone"),
        ("with", "nested", "b", 0),
        ("with", "nested", "c"),
    ]


def test_constant_fields_are_a_fresh_dict_for_every_bundle(plan_of: MakePlan) -> None:
    fields = plan_of("flow: [{module: demo.put, with: {a: 1}}]\n").trigger.fields

    fields.evaluate({})["a"] = 2

    assert fields.is_constant
    assert fields.evaluate({}) == {"a": 1}


def test_a_leaf_turns_an_error_of_the_run_into_a_place(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            '- {id: put, module: demo.put}\n- module: demo.put\n  filter: "{{ put.x + 1 }}"\n'
        )
    )
    passing = plan.nodes["flow.3"].filter
    assert passing is not None

    with pytest.raises(MappingError) as caught:
        passing.passes({"put": {"x": None}})

    place = passing.leaves[0].place_at(caught.value.offset, caught.value.length)
    assert (place.line, place.column) == (7, 17)


def test_a_constant_filter_needs_no_expression(plan_of: MakePlan) -> None:
    plan = plan_of(after_trigger("- {id: put, module: demo.put, filter: false}\n"))

    passing = plan.nodes["put"].filter
    assert passing is not None
    assert passing.passes({}) is False


def test_routes_keep_their_order_filters_and_switches(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- id: fork\n"
            "  module: flow.router\n"
            "  routes:\n"
            '  - {name: big, filter: "{{ video.size > 9 }}", flow: [{id: a, module: demo.put}]}\n'
            "  - {disabled: true, flow: []}\n"
            "  - {fallback: true}\n"
        )
    )

    big, off, rest = plan.nodes["fork"].routes
    assert big.name == "big"
    assert big.filter is not None
    assert big.filter.passes({"video": {"size": 10}})
    assert big.filter.leaves[0].path == ("routes", 0, "filter")
    assert big.flow[0].id == "a"
    assert off.disabled
    assert rest.fallback
    assert rest.flow == ()


def test_what_is_mapped_is_left_for_the_run_to_validate(plan_of: MakePlan) -> None:
    plan = plan_of(
        after_trigger(
            "- module: demo.convert\n"
            "  with:\n"
            '    format: "{{ video.name }}"\n'
            '    parts: "{{ video.tags }}"\n'
            '    options: {width: "{{ video.size }}", height: 3}\n'
            "- module: demo.convert\n"
            "  with:\n"
            "    format: mp4\n"
            '    parts: ["{{ video.file }}", {kind: "{{ video.name }}"}]\n'
        )
    )

    _, first, second = plan.nodes.values()
    assert [leaf.path[1:] for leaf in first.fields.leaves] == [
        ("format",),
        ("parts",),
        ("options", "width"),
    ]
    assert [leaf.path[1:] for leaf in second.fields.leaves] == [("parts", 0), ("parts", 1, "kind")]
    assert (first.fields.constants, second.fields.constants) == ({}, {"format": "mp4"})


def test_an_id_comes_from_the_scenario_else_from_its_file(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "holiday videos.yaml"
    path.write_text("flow: [{module: demo.put}]\n")

    plan = load(path, catalog)

    assert (plan.id, plan.name) == ("holiday videos", "holiday videos")
    given = load_text("id: holiday\nname: H\nflow: [{module: demo.put}]\n", path, catalog)
    assert (given.id, given.name) == ("holiday", "H")
    assert load_text(plan.source, path, catalog).id == plan.id


def test_a_scenario_has_a_limit_of_nodes(catalog: Catalog, tmp_path: Path) -> None:
    text = "flow:\n" + "- {module: demo.put}\n" * 1_001

    with pytest.raises(ScenarioError) as caught:
        load_text(text, tmp_path / "demo.yaml", catalog)

    assert [problem.code for problem in caught.value.problems] == ["E103"]


@pytest.mark.parametrize("depth", [5, 12])
def test_error_routes_and_routers_nest(plan_of: MakePlan, depth: int) -> None:
    node: dict[str, Any] = {"module": "flow.ignore"}
    for _ in range(depth):
        node = {"module": "demo.put", "on_error": [node]}

    plan = plan_of(f"flow: [{node}]\n".replace("'", ""))

    assert len(plan.nodes) == depth + 1
