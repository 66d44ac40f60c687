"""The rules of a job's graph: what starts, what fails, how a job ends."""

import pytest

from modules.cloudconvert.local.graph import Fail, Standing, Start, Wait, cycle_in, decide, verdict
from modules.cloudconvert.local.records import Status

DONE = Standing(Status.FINISHED)
BUSY = Standing(Status.PROCESSING)
BROKEN = Standing(Status.ERROR)
FORGIVEN = Standing(Status.ERROR, excused=True)


def test_a_task_without_inputs_starts_at_once() -> None:
    assert decide([]) == Start()


def test_a_task_starts_when_all_inputs_have_finished() -> None:
    assert decide([DONE, DONE]) == Start()
    assert decide([DONE, BUSY]) == Wait()


def test_one_failed_input_fails_the_task_although_others_still_work() -> None:
    assert decide([BUSY, BROKEN]) == Fail("INPUT_TASK_FAILED", "Input task has failed")


def test_an_input_that_may_fail_is_left_out_while_another_has_finished() -> None:
    assert decide([FORGIVEN, DONE]) == Start()
    assert decide([FORGIVEN, BUSY]) == Wait()


def test_a_task_with_nothing_but_forgiven_failures_fails_without_counting() -> None:
    assert decide([FORGIVEN]) == Fail("INPUT_TASK_FAILED", "Input task has failed", excused=True)


def test_a_deleted_input_fails_the_task() -> None:
    decision = decide([DONE, None])
    assert isinstance(decision, Fail)
    assert decision.code == "INPUT_FILE_NOT_FOUND"


@pytest.mark.parametrize(
    ("tasks", "ended"),
    [
        ([DONE, DONE], Status.FINISHED),
        ([DONE, FORGIVEN], Status.FINISHED),
        ([DONE, BROKEN], Status.ERROR),
        ([BROKEN, BUSY], None),
        ([DONE, Standing(Status.WAITING)], None),
    ],
)
def test_a_job_ends_when_nothing_can_run_any_more(
    tasks: list[Standing], ended: Status | None
) -> None:
    assert verdict(tasks) is ended


def test_a_cycle_is_found_however_long() -> None:
    ring = {str(number): [str((number + 1) % 5000)] for number in range(5000)}
    assert cycle_in(ring) is not None
    assert cycle_in({"a": [], "b": ["a"], "c": ["a", "b"]}) is None
