"""Inputs of a scenario are typed, defaulted and checked; bundles are read from a file."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ScenarioError
from engine.plan.inputs import read_bundles, settle_inputs
from engine.plan.plan import Plan

DECLARED = """\
settings: {timezone: Europe/Rome}
inputs:
  name: {}
  size: {type: number, default: 5}
  fast: {type: boolean, default: false}
  since: {type: date, default: 2026-03-01}
  tags: {type: array, default: [a]}
  more: {type: collection}
flow: [{module: demo.put}]
"""


def test_inputs_that_are_not_given_have_their_default_or_nothing(
    plan_of: Callable[[str], Plan],
) -> None:
    assert settle_inputs(plan_of(DECLARED), {}) == {
        "name": None,
        "size": 5,
        "fast": False,
        "since": datetime(2026, 2, 28, 23, tzinfo=UTC),
        "tags": ["a"],
        "more": None,
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "00712", "00712"),
        ("size", "12", 12),
        ("size", "-0.5", -0.5),
        ("size", "1e3", 1000.0),
        ("fast", "TRUE", True),
        ("since", "2026-07-01T12:00:00Z", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("since", "2026-07-01T12:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        ("since", "07/01/2026 2:00 PM", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("tags", '["x", 1]', ["x", 1]),
        ("more", '{"a": {"b": null}}', {"a": {"b": None}}),
    ],
)
def test_given_texts_are_typed(
    plan_of: Callable[[str], Plan], name: str, text: str, value: Any
) -> None:
    assert settle_inputs(plan_of(DECLARED), {name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("size", "many"),
        ("size", "nan"),
        ("size", "9" * 5000),
        ("fast", "yes"),
        ("since", "tomorrow"),
        ("tags", "a,b"),
        ("tags", "{}"),
        ("more", "[" * 100_000),
        ("nmae", "x"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(
    plan_of: Callable[[str], Plan], name: str, text: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        settle_inputs(plan_of(DECLARED), {name: text})

    (problem,) = caught.value.problems
    assert problem.code == "E401"
    assert name in problem.message
    assert len(problem.message) < 200


def test_all_that_is_wrong_with_inputs_is_told_at_once(plan_of: Callable[[str], Plan]) -> None:
    plan = plan_of(
        "inputs: {customer: {required: true, description: Whom to bill}, n: {type: number}}\n"
        "flow: [{module: demo.put}]\n"
    )

    with pytest.raises(ScenarioError) as caught:
        settle_inputs(plan, {"custmer": "x", "n": "y"})

    messages = [problem.message for problem in caught.value.problems]
    assert messages == [
        "the scenario has no input `custmer`; did you mean `customer`?",
        "the input `customer` is required",
        "the input `n` should be a number such as 5 or 0.25",
    ]
    assert caught.value.problems[1].notes == ("Whom to bill",)


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1}, {"a": 2}]',
        '{"a": 1}\n{"a": 2}\n',
        '\n{"a": 1}\n\n{"a": 2}',
        '[\n{"a": 1},\n{"a": 2}]',
    ],
)
def test_bundles_are_read_from_json_and_from_json_lines(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bundles.json"
    path.write_text(content)

    assert list(read_bundles(path)) == [{"a": 1}, {"a": 2}]


def test_lines_of_bundles_are_held_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"n": {number}, "text": "{"x" * 100}"}}\n' for number in range(20_000))

    tracemalloc.start()
    try:
        count = sum(1 for _ in read_bundles(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 20_000
    assert peak < path.stat().st_size / 4


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ('{"a": 1}\n{"a": }\n', 2, "no JSON"),
        ('[{"a": 1},\n {"a" 2}]\n', 2, "no JSON"),
        ("[1]", 1, "bundle 1 should be an object, but is a number"),
        ('{"a": 1}\n5\n', 2, "but is a number"),
        ("hello", 1, "no JSON"),
    ],
)
def test_a_file_of_bundles_that_is_wrong_says_where(
    tmp_path: Path, content: str, line: int, words: str
) -> None:
    path = tmp_path / "bundles.json"
    path.write_text(content)

    with pytest.raises(ScenarioError) as caught:
        read_bundles(path)

    (problem,) = caught.value.problems
    assert problem.code == "E402"
    assert words in problem.message
    assert problem.place is not None
    assert problem.place.line == line


def test_a_file_of_bundles_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        read_bundles(tmp_path / "none.json")
