"""`fusion modules` where the engine carries a connector's module out itself."""

import json

from front_door import fusion

from engine.cli.exits import Exit


def test_a_connector_lists_what_the_engine_carries_out_under_its_name() -> None:
    told = json.loads(fusion("modules", "tools", "--json").stdout)["modules"]

    kinds = {module["id"]: module["kind"] for module in told}
    assert kinds["tools.numeric_aggregator"] == "aggregator"
    assert kinds["tools.switch"] == "action"
    assert all(name.startswith("tools.") for name in kinds)


def test_each_module_is_listed_once() -> None:
    told = json.loads(fusion("modules", "--json").stdout)["modules"]

    ids = [module["id"] for module in told]
    assert len(ids) == len(set(ids))
    assert {"flow.router", "tools.text_aggregator"} <= set(ids)


def test_an_aggregator_has_a_page_of_fields_and_output() -> None:
    result = fusion("modules", "tools.text_aggregator")

    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("tools.text_aggregator  aggregator\n")
    assert "  row_separator  " in result.stdout
    assert "\noutput\n  text  text\n" in result.stdout


def test_a_field_is_shown_under_the_name_that_authors_write() -> None:
    result = fusion("modules", "tools.switch")

    assert "  else  any\n" in result.stdout
    assert "when no case applies" in result.stdout


def test_a_module_that_takes_fields_of_any_name_says_so() -> None:
    told = fusion("modules", "flow.resume").stdout

    assert "each field is an item" in told
    assert "\nfields\n  any name  any\n" in told
    assert "\nno fields\n" in fusion("modules", "flow.ignore").stdout
