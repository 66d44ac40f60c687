"""Fusion's filter form: every operator, and what a side that cannot be coerced means."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.plan.conditions import OPERATORS, any_of
from engine.plan.plan import Plan

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "name", "right", "holds"),
    [
        ("", "exist", None, False),
        (None, "exist", None, False),
        ([], "exist", None, False),
        (0, "exist", None, True),
        (False, "exist", None, True),
        (" ", "exist", None, True),
        (None, "notexist", None, True),
        ("a", "text:equal", "a", True),
        (5, "text:equal", "5", True),
        (None, "text:equal", "", True),
        ("A", "text:equal", "a", False),
        ("A", "text:equal:ci", "a", True),
        ("a", "text:notequal", "b", True),
        ({"a": 1}, "text:equal", "a", False),
        ({"a": 1}, "text:notequal", "a", True),
        ("holiday.mov", "text:contain", "day", True),
        ("holiday.mov", "text:notcontain", "day", False),
        ("Holiday", "text:startwith", "Hol", True),
        ("Holiday", "text:notstartwith:ci", "hol", False),
        ("a.MOV", "text:endwith:ci", ".mov", True),
        ("a.MOV", "text:notendwith", ".mov", True),
        ("img_0042.jpg", "text:pattern", r"\d{4}", True),
        ("img.jpg", "text:notpattern", r"\d", True),
        ("IMG", "text:pattern:ci", "^img$", True),
        ("a1", "text:pattern", r"[a-z]\u0031$", True),
        ("a" * 900_000 + "b", "text:pattern", "(a+)+$", False),
        ("x", "text:notpattern", "(?!y)", True),
        ("x", "text:pattern", "(", False),
        ("x", "text:notpattern", "(", True),
        ("10", "number:greater", 9, True),
        ("ten", "number:less", 9, False),
        ("ten", "number:equal", 9, False),
        ("ten", "number:notequal", 9, True),
        (None, "number:less", 5, False),
        (5, "number:lessorequal", 5, True),
        (4, "number:greaterorequal", 5, False),
        (NOON, "date:greater", "2026-03-01", True),
        ("2026-03-01T12:00:00Z", "date:equal", NOON, True),
        ("2026-03-01T13:00:00+01:00", "date:equal", NOON, True),
        ("1.3.2026 12:00:00", "date:equal", NOON, True),
        ("03/01/2026 1:00 PM", "date:greater", NOON, True),
        ("soon", "date:less", NOON, False),
        ("soon", "date:notequal", NOON, True),
        ("9:30", "time:less", "10:00", True),
        (NOON, "time:equal", "12:00:00", True),
        ("25:00", "time:less", "26:00", False),
        (True, "boolean:equal", True, True),
        ("false", "boolean:equal", False, True),
        (0, "boolean:equal", True, True),
        (None, "boolean:equal", False, True),
        ("x", "boolean:notequal", True, False),
        (["a", "b"], "array:contain", "b", True),
        ([5], "array:contain", "5", True),
        (["A"], "array:contain:ci", "a", True),
        (["a"], "array:notcontain", "b", True),
        (None, "array:contain", "a", False),
        ([1, 2], "array:equal", 2, True),
        ([1, 2], "array:greater", "1", True),
        ([], "array:lessorequal", 0, True),
        ([1], "array:less", "many", False),
    ],
)
def test_an_operator_decides(left: Any, name: str, right: Any, *, holds: bool) -> None:
    assert OPERATORS[name](left, right) is holds


def test_every_operator_of_fusion_is_there() -> None:
    texts = ("equal", "contain", "startwith", "endwith", "pattern")
    orders = ("equal", "notequal", "less", "greater", "lessorequal", "greaterorequal")
    expected = {"exist", "notexist", "boolean:equal", "boolean:notequal"}
    for suffix in ("", ":ci"):
        expected |= {f"text:{no}{name}{suffix}" for name in texts for no in ("", "not")}
        expected |= {f"array:{no}contain{suffix}" for no in ("", "not")}
    expected |= {
        f"{family}:{name}" for family in ("number", "date", "time", "array") for name in orders
    }

    assert set(OPERATORS) == expected


def test_without_conditions_everything_passes() -> None:
    assert any_of([])({})
    assert any_of([[]])({})


def test_one_group_must_hold_and_all_in_it(plan_of: Callable[[str], Plan]) -> None:
    plan = plan_of(
        "flow:\n"
        "- id: start\n"
        "  module: demo.put\n"
        "- id: next\n"
        "  module: demo.put\n"
        "  filter:\n"
        "    name: large or named\n"
        "    any:\n"
        '    - all: [["{{ start.size }}", "number:greater", 100], ["{{ start.ok }}", exist]]\n'
        '    - all: [["{{ start.name }}", "text:pattern", "^a"]]\n'
    )
    passing = plan.nodes["next"].filter
    assert passing is not None

    assert passing.name == "large or named"
    assert passing.passes({"start": {"size": 200, "ok": 1}})
    assert not passing.passes({"start": {"size": 200}})
    assert passing.passes({"start": {"name": "abc"}})
    assert [leaf.path for leaf in passing.leaves] == [
        ("filter", "any", 0, "all", 0, 0),
        ("filter", "any", 0, "all", 1, 0),
        ("filter", "any", 1, "all", 0, 0),
    ]
