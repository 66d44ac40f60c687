from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contexts import World, outputs
from pydantic import ValidationError

from modules.tools.basic_trigger import BasicTrigger
from modules.tools.get_variables import GetVariables
from modules.tools.set_variables import SetVariables


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_the_basic_trigger_emits_its_bundles_in_order(world: World) -> None:
    bundles: list[dict[str, Any]] = [
        {"a": 1},
        {},
        {"b": {"c": [None, datetime(2026, 1, 1, tzinfo=UTC)]}},
    ]
    assert await outputs(BasicTrigger, {"bundles": bundles}, world) == bundles


async def test_the_basic_trigger_may_have_no_bundle(world: World) -> None:
    assert await outputs(BasicTrigger, {"bundles": []}, world) == []


async def test_set_variables_emits_items_named_after_them(world: World) -> None:
    values = {"label": "ANN", "total": 2.5, "none": None}
    assert await outputs(SetVariables, {"variables": values}, world) == [values]


@pytest.mark.parametrize("lifetime", ["cycle", "execution"])
async def test_variables_are_kept_for_as_long_as_said(world: World, lifetime: str) -> None:
    fields = {"variables": {"a": 1, "b": None}, "lifetime": lifetime}
    await outputs(SetVariables, fields, world)
    assert world.variables.values == {"a": 1, "b": None}
    assert set(world.variables.lifetimes.values()) == {lifetime}


async def test_variables_live_for_the_cycle_unless_said(world: World) -> None:
    await outputs(SetVariables, {"variables": {"a": 1}}, world)
    assert world.variables.lifetimes == {"a": "cycle"}


async def test_get_variables_finds_the_last_value_and_null_for_unset(world: World) -> None:
    for value in (1, 2):
        await outputs(SetVariables, {"variables": {"a": value}}, world)
    assert await outputs(GetVariables, {"names": ["a", "b"]}, world) == [{"a": 2, "b": None}]


@pytest.mark.parametrize(
    ("module", "fields"),
    [
        (SetVariables, {"variables": {}}),
        (SetVariables, {"variables": {"": 1}}),
        (SetVariables, {}),
        (GetVariables, {"names": [""]}),
        (GetVariables, {}),
        (BasicTrigger, {}),
        (SetVariables, {"variables": {"a": 1}, "lifetime": "forever"}),
        (GetVariables, {"names": []}),
        (BasicTrigger, {"bundles": [1]}),
    ],
)
def test_fields_that_say_nothing_sensible_are_refused(module: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        module.input.model_validate(fields)
