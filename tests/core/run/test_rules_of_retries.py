"""When what is stored is tried again, and what becomes of it: whole schedules in virtual time."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import START
from runs import Bench

from engine.model.execution import IncompleteStatus, Kind, Status
from engine.run.rules import FUSION_SCHEDULE, MAKE_SCHEDULE, event_wait

MINUTE = timedelta(minutes=1)
MOST_ATTEMPTS = 20
"""A schedule that has no end fails its test instead of going on."""

FAILS = """
settings: {{store_incomplete_executions: true{settings}}}
flow:
  - id: came
    module: tools.basic_trigger
    with: {{bundles: [{{text: x, fail: {fail}}}]}}
  - id: risky
    module: probe.record
    with: {{text: "{{{{ came.text }}}}", fail: "{{{{ came.fail }}}}"}}
{more}
"""

BREAKS = """
    on_error:
      - module: flow.break
        with: {automatically_complete: true, attempts: 3, interval: 15}
"""


def fails(folder: Path, fail: str = "ConnectionError", settings: str = "", more: str = "") -> Bench:
    return Bench(folder, FAILS.format(fail=fail, settings=settings, more=more))


async def attempts_of(bench: Bench) -> list[timedelta]:
    """Run, then retry whenever something is due; return the waits before each attempt."""
    await bench.run()
    waits: list[timedelta] = []
    while (due_at := await bench.store.retries.next_at()) is not None:
        assert len(waits) < MOST_ATTEMPTS
        waits.append(due_at - bench.clock.now())
        bench.clock.seconds = (due_at - START).total_seconds()
        assert await bench.store.retries.due(bench.clock.now() - timedelta(seconds=1)) == []
        [due] = await bench.store.retries.due(bench.clock.now())
        await bench.replay(due.id)
    return waits


@pytest.mark.parametrize(
    ("settings", "waits"),
    [
        ("", FUSION_SCHEDULE),
        (", retry_schedule: fusion", FUSION_SCHEDULE),
        (", retry_schedule: make", MAKE_SCHEDULE),
        (", retry_schedule: [30s, 1h30m]", (MINUTE / 2, 90 * MINUTE)),
        (", retry_schedule: []", ()),
    ],
)
async def test_a_lost_connection_is_retried_by_the_schedule_and_then_waits_for_a_person(
    tmp_path: Path, settings: str, waits: Sequence[timedelta]
) -> None:
    bench = fails(tmp_path, settings=settings)
    assert await attempts_of(bench) == list(waits)
    [left] = await bench.stored()
    assert (left.status, left.attempts) == (IncompleteStatus.UNRESOLVED, len(waits))
    assert bench.seen == ["risky:x"] * (1 + len(waits))


async def test_the_default_schedules_are_those_of_the_documentations() -> None:
    assert [wait // MINUTE for wait in FUSION_SCHEDULE] == [10, 60, 180, 720, 1440]
    assert [wait // MINUTE for wait in MAKE_SCHEDULE] == [1, 10, 10, 30, 30, 30, 180, 180]


async def test_a_break_is_retried_by_its_own_attempts_and_growing_interval(tmp_path: Path) -> None:
    bench = fails(tmp_path, "DataError", settings=", retry_schedule: make", more=BREAKS)
    assert [wait // MINUTE for wait in await attempts_of(bench)] == [15, 15, 30]
    [left] = await bench.stored()
    assert (left.status, left.attempts, left.allowed) == (IncompleteStatus.UNRESOLVED, 3, 3)


async def test_a_break_ends_early_when_an_attempt_succeeds(tmp_path: Path) -> None:
    bench = fails(tmp_path, "DataError", more=BREAKS)
    await bench.run()
    bench.text = bench.text.replace('"{{ came.fail }}"', "null")
    [due] = await bench.store.retries.due(START + 15 * MINUTE)
    await bench.replay(due.id)
    assert (await bench.store.incomplete(due.id)).status is IncompleteStatus.RESOLVED
    assert await bench.store.retries.next_at() is None


async def test_a_clock_that_is_set_back_after_a_failure_makes_no_retry_late(tmp_path: Path) -> None:
    bench = fails(tmp_path)
    await bench.run()
    earlier = START - timedelta(days=2)
    assert await bench.store.retries.due(earlier) == []
    assert len(await bench.store.retries.due(earlier + FUSION_SCHEDULE[0])) == 1


@pytest.mark.parametrize("fail", ["DataError", "InvalidAccessTokenError"])
async def test_what_no_repetition_mends_waits_for_a_person_at_once(
    tmp_path: Path, fail: str
) -> None:
    bench = fails(tmp_path, fail)
    assert await attempts_of(bench) == []
    [left] = await bench.stored()
    assert left.status is IncompleteStatus.UNRESOLVED


async def test_a_handler_applies_in_a_replay_and_its_break_changes_the_same_record(
    tmp_path: Path,
) -> None:
    bench = fails(tmp_path, "DataError", more=BREAKS)
    await bench.run()
    [before] = await bench.stored()
    await bench.replay(before.id)
    [after] = await bench.stored()
    assert (after.id, after.attempts, after.status) == (before.id, 1, IncompleteStatus.PENDING)
    ignoring = fails(tmp_path, "DataError", more="    on_error: [{module: flow.ignore}]")
    bench.text = ignoring.text
    await bench.replay(before.id)
    assert (await bench.store.incomplete(before.id)).status is IncompleteStatus.RESOLVED


async def test_a_replay_is_an_execution_of_its_own_and_a_later_failure_moves_the_record(
    tmp_path: Path,
) -> None:
    more = '  - id: later\n    module: probe.record\n    with: {text: y, fail: "{{ came.late }}"}'
    bench = fails(tmp_path, "DataError", more=more)
    await bench.run()
    [before] = await bench.stored()
    bench.text = bench.text.replace('"{{ came.fail }}"', "null").replace(
        '"{{ came.late }}"', "DataError"
    )
    execution = await bench.replay(before.id)
    assert (execution.kind, execution.operations) == (Kind.REPLAY, 1)
    [after] = await bench.stored()
    assert (after.id, after.node_id) == (before.id, "later")
    bench.text = bench.text.replace("text: y, fail: DataError", "text: y")
    assert (await bench.replay(before.id)).status is Status.SUCCESS
    assert bench.seen == ["risky:x", "risky:x", "later:y", "later:y"]


async def test_a_clock_set_back_a_day_delays_no_retry(tmp_path: Path) -> None:
    bench = fails(tmp_path)
    await bench.run()
    assert await bench.store.retries.due(bench.clock.now()) == []
    bench.clock.seconds -= 86_400
    assert await bench.store.retries.due(bench.clock.now()) == []
    bench.clock.seconds += 600
    assert len(await bench.store.retries.due(bench.clock.now())) == 1


async def test_a_clock_set_forward_a_month_makes_one_attempt_and_not_all_of_them(
    tmp_path: Path,
) -> None:
    bench = fails(tmp_path)
    await bench.run()
    bench.clock.seconds += 30 * 86_400
    [due] = await bench.store.retries.due(bench.clock.now())
    await bench.replay(due.id)
    assert await bench.store.retries.due(bench.clock.now()) == []
    [left] = await bench.stored()
    assert (left.attempts, left.due_at) == (1, bench.clock.now() + 60 * MINUTE)


def test_an_event_comes_again_only_after_what_time_may_mend() -> None:
    waits = (MINUTE, 2 * MINUTE)
    assert [event_wait("ConnectionError", done, waits) for done in range(3)] == [*waits, None]
    assert event_wait("RateLimitError", 0, waits) == MINUTE
    for hopeless in ("DataError", "RuntimeError", "InvalidAccessTokenError"):
        assert event_wait(hopeless, 0, waits) is None
