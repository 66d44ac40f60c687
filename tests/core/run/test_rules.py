"""The tables of failure: what directives and defaults decide, from plain facts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.model.directive import Directive
from engine.model.execution import (
    Execution,
    Failure,
    Incomplete,
    IncompleteStatus,
    Kind,
    Phase,
    Status,
)
from engine.run import core
from engine.run.core import Failed, Retry
from engine.run.rules import FUSION_SCHEDULE, TriggerMoves, break_wait, retry_waits

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BREAK_FIELDS = {
    "automatically_complete": False,
    "attempts": 3,
    "interval": timedelta(minutes=15),
}


def incomplete(**changes: object) -> Incomplete:
    facts: dict[str, object] = {
        "id": "a" * 32,
        "scenario_id": "videos",
        "execution_id": "e" * 32,
        "node_id": "convert",
        "status": IncompleteStatus.UNRESOLVED,
        "created_at": NOW,
        "failure": Failure("DataError", "moov atom not found"),
        "source": "flow: []",
        "source_path": "videos.yaml",
        "bundles": {"video": {"name": "a.mov"}},
    }
    return Incomplete(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("directive", "parks", "stops", "status", "trigger"),
    [
        (Directive.ROLLBACK, False, True, Status.ERROR, TriggerMoves.NONE),
        (Directive.COMMIT, False, True, Status.SUCCESS, TriggerMoves.ALL),
        (Directive.RESUME, False, False, Status.SUCCESS, TriggerMoves.ALL),
        (Directive.IGNORE, False, False, Status.SUCCESS, TriggerMoves.ALL),
        (Directive.BREAK, True, False, Status.WARNING, TriggerMoves.ALL),
    ],
)
def test_each_directive_decides_as_fusion_documents(
    directive: Directive, parks: bool, stops: bool, status: Status, trigger: TriggerMoves
) -> None:
    decision = core.by_directive(directive, BREAK_FIELDS)

    assert (decision.parks, decision.stops, decision.status, decision.trigger) == (
        parks,
        stops,
        status,
        trigger,
    )


def test_resume_goes_on_with_the_substitute_output() -> None:
    assert core.by_directive(Directive.RESUME, {"id": 0}).substitute == {"id": 0}


def test_a_break_that_completes_automatically_ends_as_a_success_with_growing_waits() -> None:
    decision = core.by_directive(
        Directive.BREAK, {**BREAK_FIELDS, "automatically_complete": True, "attempts": 4}
    )

    assert decision.status is Status.SUCCESS
    assert decision.retry is not None
    minutes = [wait.total_seconds() / 60 for wait in decision.retry.waits]
    assert minutes == [15, 15, 30, 30]


@pytest.mark.parametrize("type_name", ["ConnectionError", "RateLimitError", "DataError"])
def test_the_first_module_stores_nothing_and_rolls_back(type_name: str) -> None:
    decision = core.by_default(
        Failed(type_name, in_first_module=True), stores=True, schedule=FUSION_SCHEDULE
    )

    assert (decision.parks, decision.stops, decision.trigger) == (False, True, TriggerMoves.NONE)
    mild = type_name in {"ConnectionError", "RateLimitError"}
    assert decision.status is (Status.WARNING if mild else Status.ERROR)


@pytest.mark.parametrize(
    ("type_name", "parks", "retried", "shuts"),
    [
        ("ConnectionError", True, True, False),
        ("OutOfSpaceError", True, True, False),
        ("DataError", True, False, False),
        ("BundleValidationError", True, False, False),
        ("InvalidAccessTokenError", True, False, True),
        ("RuntimeError", False, False, False),
        ("InconsistencyError", False, False, False),
    ],
)
def test_defaults_follow_the_type_when_the_scenario_stores(
    type_name: str, parks: bool, retried: bool, shuts: bool
) -> None:
    decision = core.by_default(
        Failed(type_name, in_first_module=False), stores=True, schedule=FUSION_SCHEDULE
    )

    assert decision.parks is parks
    assert decision.stops is not parks
    assert (decision.retry is not None) is retried
    assert decision.shuts_node is shuts


def test_nothing_is_stored_when_the_scenario_does_not_store() -> None:
    decision = core.by_default(
        Failed("DataError", in_first_module=False), stores=False, schedule=FUSION_SCHEDULE
    )

    assert (decision.parks, decision.stops, decision.status) == (False, True, Status.ERROR)


def test_an_error_can_say_that_it_is_storable_against_its_type() -> None:
    waited_too_long = Failed("RuntimeError", in_first_module=False, storable=True)

    assert core.by_default(waited_too_long, stores=True, schedule=FUSION_SCHEDULE).parks


def test_break_waits_double_every_other_attempt() -> None:
    waits = [break_wait(k, timedelta(minutes=15)) // timedelta(minutes=1) for k in range(1, 7)]

    assert waits == [15, 15, 30, 30, 60, 60]


def test_a_scenario_may_bring_its_own_retry_schedule() -> None:
    assert retry_waits(["10m", "1h30m"]) == (timedelta(minutes=10), timedelta(minutes=90))
    assert retry_waits("fusion")[0] == timedelta(minutes=10)
    assert retry_waits("make")[0] == timedelta(minutes=1)


def test_a_stored_bundle_is_due_after_its_first_wait() -> None:
    record = core.parked(incomplete(), Retry((timedelta(minutes=10),)), now=NOW, replayed=None)

    assert record.status is IncompleteStatus.PENDING
    assert record.due_at == NOW + timedelta(minutes=10)


def test_a_replay_that_fails_again_changes_its_record_instead_of_adding_one() -> None:
    before = incomplete(attempts=1)
    fresh = incomplete(id="b" * 32, node_id="save", failure=Failure("DataError", "disk"))

    record = core.parked(fresh, None, now=NOW, replayed=before)

    assert (record.id, record.node_id, record.attempts) == (before.id, "save", 2)


def test_the_last_failed_attempt_leaves_the_record_for_a_person() -> None:
    record = core.parked(
        incomplete(),
        Retry((timedelta(minutes=10),)),
        now=NOW,
        replayed=incomplete(attempts=0),
    )

    assert record.status is IncompleteStatus.UNRESOLVED
    assert record.due_at is None


@pytest.mark.parametrize(
    ("status", "interrupted", "then", "attempts"),
    [
        (Status.SUCCESS, False, IncompleteStatus.RESOLVED, 0),
        (Status.ERROR, False, IncompleteStatus.UNRESOLVED, 1),
        (Status.ERROR, True, IncompleteStatus.PENDING, 0),
    ],
)
def test_what_a_replay_that_stores_nothing_does_to_its_record(
    status: Status, interrupted: bool, then: IncompleteStatus, attempts: int
) -> None:
    ended = Execution("f" * 32, "videos", Kind.REPLAY, status, NOW, interrupted=interrupted)

    record = core.after_replay(incomplete(status=IncompleteStatus.PENDING), ended)

    assert (record.status, record.attempts) == (then, attempts)


@pytest.mark.parametrize(
    ("cycle", "bundles", "has_trigger", "goes_on"),
    [(1, 5, True, True), (1, 0, True, False), (3, 5, True, False), (1, 0, False, True)],
)
def test_cycles_end_at_the_limit_or_when_the_trigger_is_empty(
    cycle: int, bundles: int, has_trigger: bool, goes_on: bool
) -> None:
    assert (
        core.another_cycle(cycle=cycle, max_cycles=3, bundles=bundles, has_trigger=has_trigger)
        is goes_on
    )


def test_replays_and_interruptions_are_no_part_of_a_burst_of_errors() -> None:
    error = Execution("f" * 32, "videos", Kind.SCENARIO, Status.ERROR, NOW, NOW)
    replay, cut = replace(error, kind=Kind.REPLAY), replace(error, interrupted=True)

    assert core.is_burst([error] * 10)
    assert not core.is_burst([error] * 9 + [replay, cut])
    assert core.is_burst([error, replay, cut] * 10)


@pytest.mark.parametrize("phase", [Phase.CONNECTION, Phase.INITIALIZATION])
def test_a_replay_that_never_began_leaves_its_record(phase: Phase) -> None:
    failure = Failure("AccountValidationError", "refused", phase=phase)
    ended = Execution("f" * 32, "videos", Kind.REPLAY, Status.ERROR, NOW, failure=failure)

    assert core.after_replay(incomplete(), ended) == incomplete()
