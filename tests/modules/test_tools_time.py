"""Tools that wait and that count."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contexts import NOON, World, outputs
from pydantic import ValidationError

from modules.tools.increment import Increment
from modules.tools.sleep import Sleep


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [(1, 1), (300, 300), (2.5, 2.5), ("20", 20), ("90s", 90), ("5m", 300), ("1m30s", 90)],
)
async def test_sleep_waits_by_the_clock_of_the_run_and_emits_no_item(
    world: World, duration: Any, seconds: float
) -> None:
    assert await outputs(Sleep, {"duration": duration}, world) == [{}]
    assert world.slept == [timedelta(seconds=seconds)]
    assert world.now() == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "duration",
    [0, 0.5, 301, -1, "6m", "0s", "soon", "", True, None, [1], 1e300, -1e300, float("nan")],
)
def test_a_wait_out_of_bounds_is_refused(duration: Any) -> None:
    with pytest.raises(ValidationError):
        Sleep.input.model_validate({"duration": duration})


def test_sleep_has_no_wait_of_its_own() -> None:
    with pytest.raises(ValidationError):
        Sleep.input.model_validate({})


@pytest.mark.parametrize("reset_after", ["cycle", "execution"])
async def test_increment_counts_from_one(world: World, reset_after: str) -> None:
    fields = {"reset_after": reset_after}

    found = [await outputs(Increment, fields, world) for _ in range(3)]

    assert found == [[{"i": 1}], [{"i": 2}], [{"i": 3}]]
    assert world.own_variables.lifetimes == {"i": reset_after}
    assert world.variables.values == {}


@pytest.mark.parametrize("fields", [{}, {"reset_after": "hourly"}, {"reset_after": None}])
def test_increment_resets_after_a_cycle_or_an_execution_or_never(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Increment.input.model_validate(fields)
