"""What `fusion validate` accepts, the schema accepts, whatever stands in a scenario."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from broken_texts import EDITS, TEXT
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from random_scenarios import seeded
from scenario_texts import as_yaml

from engine.errors import Problems, ScenarioError
from engine.module import Kind
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.flow import FLOW
from engine.plan.read import read
from engine.plan.schema import module_schema, scenario_schema
from engine.plan.source import Source

FILE = Path("nowhere/demo.yaml")
PROBES = Path(__file__).parents[1] / "probe_modules"
COMPLETE: dict[str, dict[str, Any]] = {
    "cloudconvert.convert_file": {"file": {"name": "a.txt", "data": "a"}},
    "flow.array_aggregator": {"source": "begin"},
    "tools.text_aggregator": {"source": "begin"},
    "tools.table_aggregator": {"source": "begin"},
    "tools.numeric_aggregator": {"source": "begin", "function": "count"},
}
"""Fields without which the others of a module do not fit, whatever they are."""


@cache
def catalog() -> Catalog:
    return Catalog([PROBES])


@cache
def checker() -> Draft7Validator:
    schema = scenario_schema(catalog())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


@cache
def modules() -> list[str]:
    return [*FLOW, *Catalog().module_ids()]


@cache
def fields_of(module: str) -> dict[str, Any]:
    schema = module_schema(catalog(), module)
    assert schema["type"] == "object"
    return dict(schema["properties"])


def accepted(text: str) -> bool:
    try:
        load_text(text, FILE, catalog())
    except ScenarioError:
        return False
    return True


def complaints(text: str) -> list[str]:
    data = read(Source("demo.yaml", text), Problems()).data
    return [f"{error.json_path}: {error.message}"[:300] for error in checker().iter_errors(data)]


def words_of(schema: dict[str, Any]) -> list[Any]:
    """Return values that a field names itself: of its choices, examples and default."""
    ways = [schema, *schema.get("anyOf", ())]
    named = [value for way in ways for value in (*way.get("enum", ()), *way.get("examples", ()))]
    return [*named, *([schema["default"]] if "default" in schema else [])]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 400),
    st.floats(-2, 400, allow_nan=False).map(lambda number: round(number, 2)),
    st.sampled_from(
        [
            "",
            " ",
            "a",
            "12",
            " 7.0 ",
            "1e3",
            "true",
            "false",
            "yes",
            "90s",
            "15m",
            "1h30m",
            "PDF",
            "upload",
            "2026-03-01",
            "12:30:00",
            "*.txt",
            "{{ 5 }}",
            "{{ begin.x }}",
            "a{{ 1 }}b",
            "{% if true %}a{% endif %}",
            "{# a #}",
            "{{",
            "https://example.com/a.pdf",
            "\u00e9\U0001f600",
        ]
    ),
)
NAMES = st.sampled_from(
    ["name", "data", "value", "pattern", "output", "file", "url", "x", "input_file"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def scenarios(draw: st.DrawFn, module: str) -> str:
    """Draw a scenario with a node of a module, whose fields are given anything."""
    schema = module_schema(catalog(), module)
    fields = fields_of(module)
    wanted = list(schema.get("required", ()))
    chosen = draw(st.lists(st.sampled_from([*fields, "x"]), max_size=3)) if fields else []
    given: dict[str, Any] = dict(COMPLETE.get(module, {}))
    for name in dict.fromkeys([*wanted, *chosen]):
        own = words_of(fields.get(name, {}))
        named = st.sampled_from(own) if own else VALUES
        if name not in given or draw(st.booleans()):
            given[name] = draw(st.one_of(named, named, st.just("{{ begin.x }}"), VALUES))
    node: dict[str, Any] = {"module": module, "with": given}
    first: dict[str, Any] = {"module": "tools.basic_trigger", "with": {"bundles": [{"x": 1}]}}
    flow = [{"id": "begin", **first}]
    if module not in FLOW and catalog().module(module).kind is Kind.TRIGGER:
        flow = [{"id": "begin", **node}]
    elif module in ("flow.rollback", "flow.commit", "flow.resume", "flow.ignore", "flow.break"):
        flow.append({"module": "tools.compose_string", "on_error": [node]})
    elif module == "flow.retry":
        flow.append(
            {"module": "tools.compose_string", "on_error": [node, {"module": "flow.ignore"}]}
        )
    elif module == "flow.router":
        flow.append({**node, "routes": [{"flow": []}]})
    else:
        flow.append(node)
    return json.dumps({"settings": {"store_incomplete_executions": True}, "flow": flow})


@pytest.mark.parametrize("module", modules())
def test_what_validate_accepts_of_a_module_the_schema_accepts(module: str) -> None:
    found = {True: 0, False: 0}

    @given(text=scenarios(module))
    def agree(text: str) -> None:
        fine = accepted(text)
        found[fine] += 1
        if fine:
            assert complaints(text) == [], text

    for examples in (25, 400):  # more where chance has not met one that is accepted
        if not found[True]:
            settings(deadline=None, max_examples=examples, database=None)(agree)()
    assert found[True] >= 1


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 100_000))
def test_a_random_scenario_is_accepted_by_both(seed: int) -> None:
    text = as_yaml(seeded(seed))

    if accepted(text):
        assert complaints(text) == []


@settings(deadline=None, max_examples=80)
@given(edits=EDITS)
def test_a_file_that_survived_its_edits_is_accepted_by_both(
    edits: list[tuple[int, int, str]],
) -> None:
    text = TEXT
    for at, removed, piece in edits:
        text = text[:at] + piece + text[at + removed :]
    if accepted(text):
        assert complaints(text) == []
