"""Random scenarios: the engine does what the reference interpreter says, operation by operation.

Where operations may overlap, the outcome is the same however many do.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from clocks import VirtualLoop, virtually
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_scenarios import VARIANTS, Drawn, seeded
from reference_values import Json
from trials import Trial, disagreement, loaded


@st.composite
def scenarios(draw: st.DrawFn, *, stores: bool) -> Json:
    return Drawn(lambda below: draw(st.integers(0, below - 1)), stores=stores).scenario()


agreed = settings(
    deadline=None,
    derandomize=True,
    max_examples=1000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield runner


@agreed
@given(scenario=scenarios(stores=True))
def test_storing_scenarios_run_as_the_reference_says(
    tmp_path: Path, runner: asyncio.Runner, scenario: Json
) -> None:
    plan = loaded(scenario, tmp_path)

    found = runner.run(disagreement(plan, scenario, tmp_path, 1, 2, 3, 10))

    assert not found, found


@agreed
@given(scenario=scenarios(stores=False))
def test_scenarios_that_store_nothing_run_as_the_reference_says(
    tmp_path: Path, runner: asyncio.Runner, scenario: Json
) -> None:
    plan = loaded(scenario, tmp_path)

    found = runner.run(disagreement(plan, scenario, tmp_path, 1, 2, 3, 10))

    assert not found, found


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("seed", range(40))
def test_two_runs_of_the_same_seed_are_equal(tmp_path: Path, seed: int, n: int) -> None:
    plan = loaded(seeded(seed * VARIANTS), tmp_path)

    async def told() -> str:
        trial = Trial(folder=tmp_path, loaded=plan, n=n)
        told = (await trial.executed(), await trial.stored(), await trial.marks(plan))
        return repr((*told, trial.listener, trial.ids, trial.clock.now()))

    assert virtually(told()) == virtually(told())
