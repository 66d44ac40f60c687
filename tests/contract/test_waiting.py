"""What any store must do with events of hooks and with retries that are due."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from engine.errors import StoreError
from engine.model.events import Event, Hook
from engine.model.execution import Execution, Failure, Incomplete, IncompleteStatus, Kind, Status
from engine.model.retention import Retention
from engine.run.ports import CursorChange, Ending, Store
from engine.run.waiting import ACKNOWLEDGED

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Processes: TypeAlias = Callable[[], Awaitable[Store]]


def event(event_id: str = "job.finished:1", **changes: Any) -> Event:
    return replace(Event("pickup", event_id, AT, {"event": "job.finished", "n": 1}), **changes)


def begun(execution_id: str = "e1") -> Execution:
    return Execution(execution_id, "pickup", Kind.SCENARIO, Status.RUNNING, AT)


async def parked(store: Store, record_id: str, **changes: Any) -> None:
    record = Incomplete(
        id=record_id,
        scenario_id="pickup",
        execution_id="e1",
        node_id="convert",
        status=IncompleteStatus.PENDING,
        created_at=AT,
        failure=Failure("ConnectionError", "refused"),
        source="flow: []\n",
        source_path="/home/ann/pickup.yaml",
        bundles={},
        due_at=AT + 10 * MINUTE,
    )
    await store.park(replace(record, **changes))


async def due_ids(store: Store, now: datetime, **more: Any) -> list[str]:
    return [one.id for one in await store.retries.due(now, **more)]


# Events


async def test_events_wait_in_the_order_of_their_arrival(store: Store) -> None:
    for name in ("b", "a", "c"):
        assert await store.events.add(event(name))
    assert await store.events.waiting("pickup") == 3
    assert await store.events.first("pickup") == event("b")
    assert await store.events.first("other") is None


async def test_a_scenario_tells_how_many_events_wait(store: Store, tmp_path: Path) -> None:
    await store.register_scenario("pickup", tmp_path / "pickup.yaml")
    for name in ("a", "b"):
        await store.events.add(event(name))
    assert (await store.scenario("pickup")).events == 2


async def test_an_event_that_was_sent_twice_is_stored_once(store: Store) -> None:
    assert await store.events.add(event())
    assert not await store.events.add(event(payload={"event": "another"}))
    assert await store.events.waiting("pickup") == 1
    assert await store.events.first("pickup") == event()


async def test_two_scenarios_may_have_events_of_one_id(store: Store) -> None:
    assert await store.events.add(event())
    assert await store.events.add(event(scenario_id="other"))


async def test_the_end_of_a_run_acknowledges_its_event_and_no_other(store: Store) -> None:
    await store.events.add(event("a"))
    await store.events.add(event("b"))
    await store.events.add(event("a", scenario_id="other"))
    await store.begin(begun())
    await store.finish(begun(), Ending([CursorChange("trigger", ACKNOWLEDGED, "a")]))
    assert await store.events.first("pickup") == event("b")
    assert await store.events.waiting("other") == 1
    assert await store.cursor("pickup", "trigger") == {}


async def test_a_run_that_cannot_end_acknowledges_nothing(store: Store) -> None:
    await store.events.add(event())
    with pytest.raises(StoreError):
        await store.finish(begun(), Ending([CursorChange("trigger", ACKNOWLEDGED, event().id)]))
    assert await store.events.waiting("pickup") == 1


async def test_an_acknowledged_event_is_not_taken_again_until_its_id_is_forgotten(
    store: Store,
) -> None:
    await store.events.add(event())
    await store.commit_cursor("pickup", [CursorChange("trigger", ACKNOWLEDGED, event().id)])
    assert not await store.events.add(event())
    for days in (29, 31, 31.5):
        await store.tidy(Retention(), AT + timedelta(days=days))
        assert not await store.events.add(event())
    await store.tidy(Retention(), AT + timedelta(days=32))
    assert await store.events.add(event())


async def test_an_event_that_waits_is_never_forgotten(store: Store) -> None:
    await store.events.add(event())
    for days in (400, 401):
        await store.tidy(Retention(), AT + timedelta(days=days))
    assert await store.events.waiting("pickup") == 1


async def test_a_postponed_event_keeps_its_place(store: Store) -> None:
    await store.events.add(event("a"))
    await store.events.add(event("b"))
    await store.events.postpone(event("a"), AT + MINUTE)
    assert await store.events.first("pickup") == event("a", attempts=1, due_at=AT + MINUTE)


async def test_events_are_there_for_the_next_process(processes: Processes) -> None:
    await (await processes()).events.add(event())
    assert await (await processes()).events.first("pickup") == event()


async def test_what_no_bundle_can_hold_is_no_event(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.events.add(event(payload={"job": object()}))
    assert await store.events.waiting("pickup") == 0


async def test_a_confidential_event_stays_one(processes: Processes) -> None:
    hidden = event(confidential=True)
    await (await processes()).events.add(hidden)
    assert await (await processes()).events.first("pickup") == hidden


# Hooks


async def test_a_hook_is_remembered_until_it_is_removed(processes: Processes) -> None:
    store, hook = await processes(), Hook("pickup", "ended", "http://127.0.0.1:9/hooks/x")
    await store.events.set_hook(hook)
    known = replace(hook, data={"id": 42})
    await store.events.set_hook(known)
    assert await (await processes()).events.hooks() == [known]
    await store.events.remove_hook("pickup")
    await store.events.remove_hook("pickup")
    assert await store.events.hooks() == []


# Retries


async def test_what_is_pending_is_due_at_its_moment_and_not_before(store: Store) -> None:
    await parked(store, "i1")
    assert await due_ids(store, AT + 9 * MINUTE) == []
    assert await due_ids(store, AT + 10 * MINUTE) == ["i1"]
    assert await store.retries.next_at() == AT + 10 * MINUTE


async def test_what_is_not_pending_is_never_due(store: Store) -> None:
    await parked(store, "i1", status=IncompleteStatus.UNRESOLVED, due_at=None)
    await parked(store, "i2", status=IncompleteStatus.RESOLVED)
    assert await due_ids(store, AT + 60 * MINUTE) == []
    assert await store.retries.next_at() is None


async def test_the_oldest_comes_first_whatever_is_due_first(store: Store) -> None:
    await parked(store, "young", created_at=AT + MINUTE, due_at=AT)
    await parked(store, "old", due_at=AT + MINUTE)
    assert await due_ids(store, AT + MINUTE) == ["old", "young"]
    assert await due_ids(store, AT + MINUTE, limit=1) == ["old"]


async def test_retries_are_told_by_scenario(store: Store) -> None:
    await parked(store, "i1", scenario_id="other", due_at=AT)
    await parked(store, "i2")
    assert await due_ids(store, AT + 10 * MINUTE, scenario_id="pickup") == ["i2"]
    assert await store.retries.next_at("pickup") == AT + 10 * MINUTE
    assert await store.retries.next_at("other") == AT


async def test_what_somebody_replays_is_not_due(processes: Processes) -> None:
    store, other = await processes(), await processes()
    await parked(store, "i1")
    await other.claim("i1")
    assert await due_ids(store, AT + 10 * MINUTE) == []
    await other.close()
    assert await due_ids(store, AT + 10 * MINUTE) == ["i1"]


async def test_a_postponed_retry_is_due_later_and_counts_as_no_attempt(store: Store) -> None:
    await parked(store, "i1", attempts=1)
    await store.retries.postpone("i1", AT + 20 * MINUTE)
    assert await due_ids(store, AT + 10 * MINUTE) == []
    assert (await store.incomplete("i1")).attempts == 1
    assert (await store.incomplete("i1")).due_at == AT + 20 * MINUTE


async def test_only_what_is_pending_is_postponed(store: Store) -> None:
    await parked(store, "i1", status=IncompleteStatus.RESOLVED, due_at=None)
    await store.retries.postpone("i1", AT)
    assert (await store.incomplete("i1")).due_at is None


async def test_a_clock_that_goes_back_a_day_stalls_nothing(processes: Processes) -> None:
    store = await processes()
    await parked(store, "i1")
    await store.events.add(event())
    await store.events.postpone(event(), AT + 30 * MINUTE)
    assert await due_ids(store, AT) == []
    yesterday = AT - timedelta(days=1)
    other = await processes()
    assert await due_ids(other, yesterday) == []
    assert await other.retries.next_at() == yesterday + 10 * MINUTE
    assert await due_ids(other, yesterday + 10 * MINUTE) == ["i1"]
    first = await other.events.first("pickup")
    assert first is not None
    assert first.due_at == yesterday + 30 * MINUTE


async def test_what_was_stored_by_a_clock_that_ran_ahead_comes_back_with_it(store: Store) -> None:
    await due_ids(store, AT - timedelta(days=20))
    await store.retries.saw(AT)
    await parked(store, "i1")
    yesterday = AT - timedelta(days=1)
    assert await due_ids(store, yesterday) == []
    assert await due_ids(store, yesterday + 10 * MINUTE) == ["i1"]


async def test_a_clock_that_is_set_back_twice_takes_nothing_back_twice(store: Store) -> None:
    await parked(store, "i1")
    await due_ids(store, AT)
    for _ in range(2):
        assert await due_ids(store, AT - timedelta(days=1)) == []
    assert await store.retries.next_at() == AT - timedelta(days=1) + 10 * MINUTE


async def test_time_that_goes_on_moves_nothing(store: Store) -> None:
    await parked(store, "i1", due_at=AT + timedelta(days=9))
    for day in range(9):
        await due_ids(store, AT + timedelta(days=day))
    assert await store.retries.next_at() == AT + timedelta(days=9)
