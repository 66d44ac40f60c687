"""A world and short ways to evaluate, for the tests of the mapping language."""

from datetime import UTC, datetime
from typing import Any

from engine.mapping.compile import Mapped, World, compile_text

NOW = datetime(2026, 3, 5, 14, 7, 9, 120_000, tzinfo=UTC)


def world(timezone: str = "UTC") -> World:
    facts = {"executionID": "e1", "scenarioName": "Videos", "operationsConsumed": 4}
    return World(lambda: NOW, timezone, lambda: 0.25, lambda: "0" * 32, facts)


def compiled(text: str) -> Mapped:
    mapped = compile_text(text)
    assert isinstance(mapped, Mapped), f"no expression in {text!r}"
    return mapped


def value_of(text: str, timezone: str = "UTC", **scope: Any) -> Any:
    """Compile and evaluate a whole text, braces included."""
    return compiled(text).evaluate({"": world(timezone), **scope})


def result(expression: str, timezone: str = "UTC", **scope: Any) -> Any:
    """Compile and evaluate one expression, given without braces."""
    return value_of("{{ " + expression + " }}", timezone, **scope)
