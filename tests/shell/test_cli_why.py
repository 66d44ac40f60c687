"""`fusion why`: a value of a run, followed back to the bundle that the trigger emitted."""

import json
from pathlib import Path
from typing import Any

import pytest
from front_door import PEOPLE, fusion, write

from engine.cli.exits import Exit

ORDERS = """\
inputs: {vat: {type: number, default: 2}}
flow:
  - id: order
    module: tools.basic_trigger
    with:
      bundles:
        - {nr: 1, lines: [{qty: 2, price: 5}, {qty: 1, price: 7}]}
        - {nr: 2, lines: [{qty: 3, price: 1}]}
  - id: line
    module: flow.iterator
    with: {array: "{{ order.lines }}"}
  - id: costs
    module: tools.set_variables
    filter: "{{ line.qty > 0 }}"
    with: {variables: {total: "{{ line.qty * line.price * inputs.vat }}", currency: EUR}}
  - id: all
    module: flow.array_aggregator
    with: {source: line, fields: {total: "{{ costs.total }}"}}
  - id: letter
    module: tools.set_variables
    with: {variables: {text: "{{ order.nr }}: {{ all.array[1].total }} at {{ now }}"}}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    write("orders.yaml", ORDERS)


def run(scenario: str = "orders.yaml") -> str:
    fusion("run", scenario)
    latest: str = json.loads(fusion("runs", "--json").output)["runs"][0]["id"]
    return latest


def why(name: str, *words: str, scenario: str = "orders.yaml") -> dict[str, Any]:
    asked = fusion("why", name, "--run", run(scenario), *words, "--json")
    assert asked.exit_code == Exit.OK, asked.output
    origin: dict[str, Any] = json.loads(asked.output)["origin"]
    return origin


def sources(origin: dict[str, Any]) -> dict[str, Any]:
    return {source["name"]: source for source in origin["sources"]}


def every(origin: dict[str, Any]) -> list[dict[str, Any]]:
    return [origin, *(one for source in origin["sources"] for one in every(source))]


def test_a_field_is_told_with_its_expression_its_place_and_the_items_that_it_read() -> None:
    found = why("costs.variables.total", "--bundle", "2")
    assert found["value"] == 14
    assert found["text"] == "{{ line.qty * line.price * inputs.vat }}"
    assert (found["place"]["line"], found["place"]["column"]) == (15, 32)
    assert {name: one["value"] for name, one in sources(found).items()} == {
        "line.qty": 1,
        "line.price": 7,
        "inputs.vat": 2,
    }


def test_a_value_is_followed_back_to_the_bundle_of_the_trigger() -> None:
    found = every(why("letter.variables.text"))
    [trigger, *_] = [one for one in found if one["how"].startswith("emitted by order")]
    assert trigger["how"] == "emitted by order (tools.basic_trigger), bundle 1 of 2"


def test_an_element_of_an_aggregation_leads_to_the_bundle_that_it_came_from() -> None:
    found = every(why("letter.variables.text"))
    names = [one["name"] for one in found]
    assert "all.fields.total, bundle 2" in names
    assert "all.fields.total, bundle 1" not in names
    assert next(one for one in found if one["name"] == "line.price")["value"] == 7


def test_an_item_that_a_node_emitted_is_followed_as_a_field_is() -> None:
    found = why("costs.total", "--bundle", "3")
    assert found["value"] == 6
    assert sources(found)["costs.variables.total"]["value"] == 6


def test_an_item_is_that_of_the_first_operation_that_emitted_it() -> None:
    assert why("all.array")["value"] == [{"total": 20}, {"total": 14}]


def test_a_filter_can_be_asked_for() -> None:
    found = why("costs.filter")
    assert (found["value"], found["text"]) == (True, "{{ line.qty > 0 }}")


def test_what_is_constant_is_said_to_stand_in_the_scenario() -> None:
    found = why("costs.variables.currency")
    assert (found["value"], found["how"]) == ("EUR", "written in the scenario")


def test_what_changes_with_time_is_said_to() -> None:
    assert why("letter.variables.text")["how"].startswith("worked out anew")


def test_a_field_that_fails_says_how() -> None:
    found = why("next.variables.age", "--bundle", "2", scenario=write("people.yaml", PEOPLE))
    assert found["how"].startswith("fails: ")
    assert sources(found)["person.age"]["value"] is None


def test_people_read_it_as_an_outline() -> None:
    shown = fusion("why", "costs.variables.total", "--run", run())
    assert shown.output.splitlines()[:4] == [
        "costs.variables.total = 20",
        "  {{ line.qty * line.price * inputs.vat }}  orders.yaml:15:32",
        "  line.qty = 2",
        "    emitted by line (flow.iterator), bundle 1 of 2",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("costs.variabels", "did you mean `variables`?"),
        ("cost.total", "did you mean `costs`?"),
        ("costs", "NODE.FIELD"),
        ("costs.filter.x", "has no field"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(name: str, said: str) -> None:
    asked = fusion("why", name, "--run", run())
    assert asked.exit_code == Exit.NOT_FOUND
    assert said in asked.output
