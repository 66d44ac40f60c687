"""Random scenarios: the engine does what the reference interpreter says, operation by operation."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_scenarios import Drawn, Trial, as_yaml, disagreement, seeded
from reference_interpreter import Json


@st.composite
def scenarios(draw: st.DrawFn, *, stores: bool) -> Json:
    return Drawn(lambda below: draw(st.integers(0, below - 1)), stores=stores).scenario()


agreed = settings(
    deadline=None,
    derandomize=True,
    max_examples=1000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@agreed
@given(scenario=scenarios(stores=True))
async def test_storing_scenarios_run_as_the_reference_says(tmp_path: Path, scenario: Json) -> None:
    found = await disagreement(scenario, tmp_path)

    assert not found, found


@agreed
@given(scenario=scenarios(stores=False))
async def test_scenarios_that_store_nothing_run_as_the_reference_says(
    tmp_path: Path, scenario: Json
) -> None:
    found = await disagreement(scenario, tmp_path)

    assert not found, found


@pytest.mark.parametrize("seed", range(40))
async def test_two_runs_of_the_same_seed_are_equal(tmp_path: Path, seed: int) -> None:
    first, second = (Trial(tmp_path, as_yaml(seeded(seed))) for _ in range(2))

    executions = [await trial.run() for trial in (first, second)]

    assert executions[0] == executions[1]
    assert await first.stored() == await second.stored()
    assert first.listener == second.listener
    assert first.ids == second.ids
