"""The JSON schema of the scenario language: what it says, and which mistakes it finds."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from mistakes import MISTAKES

from engine.errors import Problems, ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.flow import FLOW
from engine.plan.read import read
from engine.plan.schema import UNKNOWN_TO_SCHEMA, module_schema, scenario_schema
from engine.plan.source import Source

ALWAYS = frozenset({"E110", "E111", "E120", "E130"})
"""Codes of which the schema finds every mistake of the corpus."""
SOMETIMES = frozenset({"E105", "E112", "E121", "E122", "E123", "E131", "E132", "E303"})
"""Codes of which it finds those that show in one value."""


@pytest.fixture(scope="module")
def checker(catalog: Catalog) -> Draft7Validator:
    schema = scenario_schema(catalog)
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def refusal(checker: Draft7Validator, text: str) -> str | None:
    """Return what the schema refuses first in a text; None if nothing, or if it is no YAML."""
    try:
        data = read(Source("demo.yaml", text), Problems()).data
    except ScenarioError:
        return None
    return next((error.message for error in checker.iter_errors(data)), None)


def test_every_code_of_a_load_error_is_the_schemas_or_listed_as_validates_alone(
    checker: Draft7Validator,
) -> None:
    seen: dict[str, set[bool]] = defaultdict(set)
    for mistake in MISTAKES:
        seen[mistake.code].add(refusal(checker, mistake.written()[0]) is not None)

    assert set(seen) <= ALWAYS | SOMETIMES | UNKNOWN_TO_SCHEMA
    assert {code: True in seen[code] for code in SOMETIMES} == dict.fromkeys(SOMETIMES, True)
    assert {code for code in UNKNOWN_TO_SCHEMA if True in seen[code]} == set()
    assert {code for code in ALWAYS if seen[code] != {True}} == set()


def test_a_field_has_its_description_default_choices_and_examples() -> None:
    fields = module_schema(Catalog(), "files.watch_folder")["properties"]

    assert fields["folder"]["examples"] == ["inbox"]
    assert fields["pattern"]["default"] == "*"
    assert fields["limit"]["description"] == "Most files per cycle; left out: all."
    assert {"enum": ["all", "now"]} in fields["start"]["anyOf"]


def test_a_length_of_time_has_its_default_as_authors_write_it() -> None:
    fields = module_schema(Catalog(), "flow.break")["properties"]

    assert fields["interval"]["default"] == "15m"


@pytest.mark.parametrize("module", [*FLOW, *Catalog().module_ids()])
def test_every_field_of_every_module_is_described(module: str) -> None:
    fields: dict[str, Any] = module_schema(Catalog(), module)["properties"]

    assert [name for name, field in fields.items() if not field.get("description")] == []


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ({"folder": "in", "limit": 5}, True),
        ({"folder": "in", "limit": "{{ 2 + 3 }}"}, True),
        ({"folder": "in", "limit": "5"}, True),
        ({"folder": "in", "limit": None}, True),
        ({"folder": "in", "limit": 0}, False),
        ({"folder": "in", "limit": "many"}, False),
        ({"folder": ""}, False),
        ({"folder": "in", "start": "later"}, False),
        ({"folder": "in", "start": {"since": "2026-03-01"}}, True),
        ({"folder": "in", "start": {"sinec": "2026-03-01"}}, False),
        ({"folder": "in", "patern": "*.mov"}, False),
        ({}, False),
    ],
)
def test_a_typed_field_takes_its_values_and_expressions(fields: object, *, fine: bool) -> None:
    schema = module_schema(Catalog(), "files.watch_folder")

    assert Draft7Validator(schema).is_valid(fields) is fine


def test_the_readmes_and_examples_of_ours_are_accepted() -> None:
    checker = Draft7Validator(scenario_schema(Catalog()))
    folder = Path(__file__).parents[3] / "scenarios"
    scenarios = sorted(each for each in folder.glob("*.yaml") if ".test." not in each.name)

    assert scenarios
    for path in scenarios:
        assert refusal(checker, path.read_text(encoding="utf-8")) is None, path


def test_the_schema_is_the_same_each_time() -> None:
    first, second = (json.dumps(scenario_schema(Catalog())) for _ in range(2))

    assert first == second
