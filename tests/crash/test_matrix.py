"""A sample of the crash matrix: 60 points and 30 times `kill -9`; `crash_matrix` does all of it."""

import random
from pathlib import Path

import pytest
from crash_matrix import POINTS, Trial, points

SEED = 20260131

DEATHS = 6
"""Of one run, one after another."""

SAMPLE = points(4 * len(POINTS), random.Random(SEED))  # noqa: S311 - a sample


@pytest.mark.parametrize("trial", range(len(SAMPLE) // DEATHS))
def test_a_run_that_dies_again_and_again_loses_nothing_and_repeats_nothing(
    tmp_path: Path, trial: int
) -> None:
    run = Trial(tmp_path)
    for kind, where, number in SAMPLE[trial * DEATHS :][:DEATHS]:
        run.die_at(kind, where, number)
    run.finish()
    run.check()


@pytest.mark.parametrize("trial", range(5))
def test_a_run_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    tmp_path: Path, trial: int
) -> None:
    chance, run = random.Random(SEED + trial), Trial(tmp_path)  # noqa: S311 - a sample
    for _ in range(DEATHS):
        run.die_after(chance.uniform(0.3, 4))
    run.finish()
    run.check()


def test_the_sample_has_every_kind_of_call_before_amid_and_after() -> None:
    assert {(kind, where) for kind, where, _ in SAMPLE} == set(POINTS)
