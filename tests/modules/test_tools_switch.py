"""The switch: plain patterns, regular expressions, and what neither matches."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contexts import World, outputs
from pydantic import ValidationError
from runs import Bench

from engine.errors import DataError, ScenarioError
from modules.tools.switch import Switch

CASES = [
    {"pattern": "de", "output": "Germany"},
    {"pattern": "49", "output": {"code": 49}},
    {"pattern": "de", "output": "second"},
    {"pattern": "", "output": "nothing"},
    {"pattern": "null"},
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("de", {"output": "Germany"}),
        (49, {"output": {"code": 49}}),
        (None, {"output": "nothing"}),
        ("null", {"output": None}),
        ("DE", {}),
        ("d.", {}),
        ("xdex", {}),
    ],
)
async def test_the_first_case_that_is_the_input_gives_the_output(
    world: World, given: Any, expected: dict[str, Any]
) -> None:
    assert await outputs(Switch, {"input": given, "cases": CASES}, world) == [expected]


async def test_the_input_may_be_left_out(world: World) -> None:
    assert await outputs(Switch, {"cases": CASES}, world) == [{"output": "nothing"}]


@pytest.mark.parametrize("regex", [False, True])
async def test_without_a_match_the_output_is_that_of_else(world: World, regex: bool) -> None:
    cases = CASES[:3]
    fields = {"input": "fr", "cases": cases, "else": "elsewhere", "regex": regex}
    assert await outputs(Switch, fields, world) == [{"output": "elsewhere"}]
    assert await outputs(Switch, {**fields, "else": None}, world) == [{}]
    assert await outputs(Switch, {**fields, "input": "de"}, world) == [{"output": "Germany"}]


EXPRESSIONS = [
    {"pattern": r"^\d{4}-\d\d", "output": "a date"},
    {"pattern": r"invoice|receipt", "output": "money"},
    {"pattern": r"^(a+)+$", "output": "a row"},
    {"pattern": "^$", "output": "nothing"},
    {"pattern": "[\u0142\u00f3]", "output": "Polish"},
]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03 invoice", {"output": "a date"}),
        ("the invoice", {"output": "money"}),
        ("the Invoice", {}),
        ("aaa", {"output": "a row"}),
        ("a" * 900_000 + "b", {}),
        (None, {"output": "nothing"}),
        ("\u0141\u00f3d\u017a", {"output": "Polish"}),
        (datetime(2026, 3, 1, tzinfo=UTC), {"output": "a date"}),
        ("a\n2026-03", {}),
    ],
)
async def test_a_regular_expression_applies_where_it_matches_in_the_input(
    world: World, given: Any, expected: dict[str, Any]
) -> None:
    fields = {"input": given, "regex": True, "cases": EXPRESSIONS}
    assert await outputs(Switch, fields, world) == [expected]


async def test_patterns_are_plain_texts_unless_said(world: World) -> None:
    fields = {"input": "a(b", "cases": [{"pattern": "a.b", "output": 1}, {"pattern": "a(b"}]}
    assert await outputs(Switch, fields, world) == [{"output": None}]


@pytest.mark.parametrize(
    "cases", [[{"pattern": "((x{30}){30})y", "output": 1}], [{"pattern": "a[^b]*b"}] * 2_000]
)
async def test_regular_expressions_that_would_take_long_fail_the_bundle(
    world: World, cases: list[dict[str, Any]]
) -> None:
    started = time.process_time()

    with pytest.raises(DataError, match="field `input`: the regular expression"):
        await outputs(Switch, {"input": "a" * 900_000, "regex": True, "cases": cases}, world)
    assert time.process_time() - started < 2


async def test_broken_text_fails_the_bundle(world: World) -> None:
    fields = {"input": "\ud800", "regex": True, "cases": EXPRESSIONS}
    with pytest.raises(DataError, match="broken characters"):
        await outputs(Switch, fields, world)


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "a"},
        {"input": "a", "cases": []},
        {"input": {"a": 1}, "cases": CASES},
        {"input": "a", "cases": [{"output": 1}]},
        {"input": "a", "cases": [{"pattern": {"a": 1}}]},
        {"input": "a", "cases": CASES, "regex": "perhaps"},
        {"input": "a", "cases": [], "regex": True},
        {"input": "a", "cases": ["a"], "regex": True},
        {"input": "a", "cases": [{"pattern": "(", "output": 1}], "regex": True},
        {"input": "a", "cases": [{"pattern": "a" * 1_001}], "regex": True},
        {"input": "a", "cases": [{"pattern": "\ud800"}], "regex": True},
    ],
)
def test_fields_that_cannot_work_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Switch.input.model_validate(fields)


FLOW = """
flow:
  - id: came
    module: tools.basic_trigger
    with: {bundles: [{p: "^a", on: true}, {p: "(", on: true}, {p: a, on: false}]}
  - id: found
    module: tools.switch
    with:
      input: abc
      regex: REGEX
      cases:
        - {pattern: "{{ came.p }}", output: 1}
        - {pattern: PATTERN, output: 2}
      else: 3
    on_error: [{module: flow.ignore}]
  - id: save
    module: probe.record
    with: {text: "{{ found.output }}"}
"""


@pytest.mark.parametrize("regex", ["true", '"true"'])
def test_a_constant_expression_that_cannot_be_used_is_told_at_load_at_its_place(
    tmp_path: Path, regex: str
) -> None:
    bench = Bench(tmp_path, FLOW.replace("REGEX", regex).replace("PATTERN", "'(?=b)'"))

    with pytest.raises(ScenarioError) as caught:
        _ = bench.plan

    (problem,) = caught.value.problems
    assert problem.code == "E132"
    assert problem.message == (
        "`cases.1.pattern` cannot be used: regular expressions here cannot look around, as by `(?=`"
    )
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (13, 22)


@pytest.mark.parametrize(
    ("regex", "seen"),
    [("true", ["save:1", "save:1"]), ('"{{ came.on }}"', ["save:1", "save:3"])],
)
async def test_what_is_mapped_is_checked_for_its_bundle(
    tmp_path: Path, regex: str, seen: list[str]
) -> None:
    bench = Bench(tmp_path, FLOW.replace("REGEX", regex).replace("PATTERN", "c$"))

    execution = await bench.run()

    assert bench.seen == seen
    assert execution.nodes["found"].failed == 1
    ((_node, failure, _outcome),) = bench.listener.failures
    assert failure.startswith("BundleValidationError")
    assert "this is not a regular expression" in failure
