"""The engine's own modules: their fields, and lengths of time."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from engine.model.directive import Directive
from engine.model.durations import duration
from engine.plan.flow import FLOW, directive_fields
from engine.plan.reference import describe_flow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20s", timedelta(seconds=20)),
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        (" 1.5s ", timedelta(seconds=1.5)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "15", "m", "30m1h", "-5m", "1h 30m", "1w", "9999999h", "1,5s"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        duration(text)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (1, timedelta(minutes=1)),
        (0.5 * 3, timedelta(seconds=90)),
        ("15", timedelta(minutes=15)),
        ("90s", timedelta(seconds=90)),
        ("30d", timedelta(days=30)),
        (timedelta(minutes=2), timedelta(minutes=2)),
    ],
)
def test_breaks_interval_is_minutes_or_a_duration(interval: Any, expected: timedelta) -> None:
    assert directive_fields(Directive.BREAK, {"interval": interval})["interval"] == expected


@pytest.mark.parametrize("interval", [0, -1, "10s", "soon", True, None, "31d", 1e300, float("nan")])
def test_an_interval_out_of_bounds_is_refused(interval: Any) -> None:
    with pytest.raises(ValidationError):
        directive_fields(Directive.BREAK, {"interval": interval})


@pytest.mark.parametrize("attempts", [0, 101, "many"])
def test_attempts_out_of_bounds_are_refused(attempts: Any) -> None:
    with pytest.raises(ValidationError):
        directive_fields(Directive.BREAK, {"attempts": attempts})


def test_break_has_the_defaults_of_fusion() -> None:
    assert directive_fields(Directive.BREAK, {}) == {
        "automatically_complete": False,
        "attempts": 3,
        "interval": timedelta(minutes=15),
    }


def test_values_that_blueprints_hold_as_texts_are_understood() -> None:
    found = directive_fields(
        Directive.BREAK, {"automatically_complete": "true", "attempts": "5", "interval": "15"}
    )

    assert found == {
        "automatically_complete": True,
        "attempts": 5,
        "interval": timedelta(minutes=15),
    }


def test_resume_takes_any_items_as_they_are() -> None:
    assert directive_fields(Directive.RESUME, {"a": [1], "b": None}) == {"a": [1], "b": None}


def test_every_module_is_described_as_json_with_every_field_explained() -> None:
    described = json.loads(json.dumps(describe_flow()))

    assert [module["id"] for module in described] == list(FLOW)
    for module in described:
        assert module["summary"].endswith(".")
        assert all(
            field["description"] for field in module["fields"].get("properties", {}).values()
        )
