"""The rules of a job's graph: facts in, decisions out; no clock, no I/O.

Called by the scheduler each time a task changes. Source: CloudConvert API v2, jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from modules.cloudconvert.local.records import Status


@dataclass(frozen=True, slots=True)
class Standing:
    """How a task stands. `excused`: it failed, but that does not count against the job."""

    status: Status
    excused: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """All inputs that will ever come are there."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An input has not ended."""


@dataclass(frozen=True, slots=True)
class Fail:
    """It can never run. `excused`: what it lacks was allowed to fail."""

    code: str
    message: str
    excused: bool = False


Decision = Start | Wait | Fail

INPUT_TASK_FAILED = "INPUT_TASK_FAILED"


def decide(inputs: Sequence[Standing | None]) -> Decision:
    """Say what becomes of a waiting task; None stands for an input that was deleted.

    One failed input is enough to fail it at once. Inputs that were allowed to fail are left out as
    long as another one has finished.
    """
    if any(one is None for one in inputs):
        return Fail("INPUT_FILE_NOT_FOUND", "The files of an input task were deleted")
    known = [one for one in inputs if one is not None]
    failed = [one for one in known if one.status is Status.ERROR]
    if any(not one.excused for one in failed):
        return Fail(INPUT_TASK_FAILED, "Input task has failed")
    if any(not one.status.ended for one in known):
        return Wait()
    if failed and len(failed) == len(known):
        return Fail(INPUT_TASK_FAILED, "Input task has failed", excused=True)
    return Start()


def verdict(tasks: Sequence[Standing]) -> Status | None:
    """Return how a job ended; None while something in it can still run."""
    if any(not one.status.ended for one in tasks):
        return None
    if any(one.status is Status.ERROR and not one.excused for one in tasks):
        return Status.ERROR
    return Status.FINISHED


def cycle_in(inputs: Mapping[str, Sequence[str]]) -> str | None:
    """Return the name of one task that waits for itself, None if there is none."""
    try:
        TopologicalSorter(inputs).prepare()
    except CycleError as error:
        return str(error.args[1][0])
    return None
