"""What any store forgets by age and size, and that a clock which jumps makes it lose nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from engine.model.execution import Execution, Failure, Incomplete, IncompleteStatus, Kind, Status
from engine.model.history import History, KeptOperation, Seen
from engine.model.retention import Forgotten, Retention
from engine.run.ports import Ending, Store

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

Processes: TypeAlias = Callable[[], Awaitable[Store]]


async def look(store: Store, day: float, **retention: Any) -> Forgotten:
    """Let a store look what it may forget, so many days after AT by the machine's clock."""
    return await store.tidy(Retention(**retention), AT + timedelta(days=day))


async def past(store: Store, execution_id: str, day: float = 0, **changes: Any) -> None:
    """Store an execution of that day, with a history of about 1,000 bytes."""
    at = AT + timedelta(days=day)
    begun = Execution(execution_id, "videos", Kind.SCENARIO, Status.RUNNING, at)
    begun = replace(begun, **changes)
    await store.begin(begun)
    seen = KeptOperation(1, Seen({"order": {"text": execution_id + "x" * 1000}}))
    kept = History("flow: []\n", "/home/ann/videos.yaml", {"convert": [seen]})
    await store.finish(replace(begun, status=Status.SUCCESS, ended_at=at), Ending(history=kept))


async def park(
    store: Store,
    record_id: str,
    status: IncompleteStatus = IncompleteStatus.RESOLVED,
    execution_id: str = "e1",
) -> None:
    record = Incomplete(
        id=record_id,
        scenario_id="videos",
        execution_id=execution_id,
        node_id="convert",
        status=status,
        created_at=AT - timedelta(days=400),
        failure=Failure("DataError", "moov atom not found"),
        source="flow: []\n",
        source_path="/home/ann/videos.yaml",
        bundles={},
    )
    await store.park(record)


async def left(store: Store) -> list[str]:
    """Name the executions, latest first, then the incomplete ones, resolved or not."""
    records = await store.incompletes(statuses=tuple(IncompleteStatus))
    return [one.id for one in await store.executions()] + [one.id for one in records]


# Age


async def test_executions_past_their_time_are_forgotten_with_their_histories(store: Store) -> None:
    await look(store, -1)
    for execution_id, day in {"old": -32, "young": -30, "latest": 0}.items():
        await past(store, execution_id, day)
    forgotten = await look(store, 0, runs=timedelta(days=30))
    assert (forgotten.executions, forgotten.histories) == (1, 0)
    assert await left(store) == ["latest", "young"]
    assert await store.history("old") is None


async def test_what_is_unresolved_and_a_scenarios_latest_run_are_never_forgotten(
    store: Store,
) -> None:
    await look(store, -1)
    for execution_id in ("broken", "mended", "latest"):
        await past(store, execution_id, -400)
    await past(store, "rare", -400, scenario_id="photos")
    await park(store, "i1", IncompleteStatus.UNRESOLVED, "broken")
    await park(store, "i2", IncompleteStatus.RESOLVED, "mended")
    await look(store, 0)
    assert await left(store) == ["rare", "latest", "broken", "i1", "i2"]


async def test_what_has_been_resolved_for_long_is_forgotten(store: Store) -> None:
    await park(store, "done")
    await park(store, "open", IncompleteStatus.UNRESOLVED)
    for day in (0, 29, 31):
        assert (await look(store, day)).records == 0
    assert (await look(store, 32)).records == 1
    assert await left(store) == ["open"]


async def test_the_time_of_what_is_resolved_begins_anew_if_it_was_not_for_a_while(
    store: Store,
) -> None:
    for day, status in ((0, "resolved"), (20, "unresolved"), (25, "resolved"), (40, "resolved")):
        await park(store, "i1", IncompleteStatus(status))
        await look(store, day)
    assert (await look(store, 42)).records == 0


# Clocks


async def aged(store: Store) -> None:
    """Store what is 20 days old on day 0, looked at by a clock that was right all the time."""
    await park(store, "resolved")
    for day in range(-20, 0):
        await past(store, f"e{day}", day)
        await look(store, day)


async def test_a_store_that_was_not_looked_at_before_forgets_nothing_by_age(store: Store) -> None:
    for execution_id in ("old", "latest"):
        await past(store, execution_id, -400)
    assert (await look(store, 0)).executions == 0
    assert (await look(store, 0.9)).executions == 0
    assert (await look(store, 1)).executions == 1


async def test_a_clock_that_jumps_ahead_and_is_set_back_makes_a_store_forget_nothing(
    store: Store,
) -> None:
    await aged(store)
    before = await left(store)
    for day in (40, 40.9, 0, 41.5, 0.5, 400):
        await look(store, day)
    assert await left(store) == before


async def test_what_is_right_again_goes_on_as_if_the_clock_had_never_jumped(store: Store) -> None:
    await aged(store)
    await look(store, 40)
    for day in range(12):
        assert (await look(store, day)).executions == 0
    forgotten = [await look(store, day) for day in (12, 13)]
    assert [(one.executions, one.records) for one in forgotten] == [(1, 1), (1, 0)]


async def test_a_clock_that_stays_ahead_for_a_day_is_believed(store: Store) -> None:
    await aged(store)
    assert (await look(store, 40)).executions == 0
    forgotten = await look(store, 41)
    assert (forgotten.executions, forgotten.records) == (19, 1)


async def test_a_clock_that_is_behind_for_long_makes_a_store_forget_nothing(store: Store) -> None:
    await aged(store)
    before = await left(store)
    for day in (-40, -39, 0, 1, 2):
        await look(store, day)
    assert await left(store) == before


async def test_what_ran_by_a_clock_that_was_behind_is_as_young_as_what_ran_before_it(
    store: Store,
) -> None:
    await aged(store)
    await past(store, "behind", -60)
    for day in (-60, 0, 1, 2):
        await past(store, f"e{day}", day)
        assert (await look(store, day)).executions == 0


async def test_what_ran_by_a_clock_far_ahead_keeps_nothing_else(store: Store) -> None:
    await past(store, "ahead", 4000)
    await aged(store)
    assert [(await look(store, day)).executions for day in (11, 12)] == [0, 1]


async def test_a_store_that_is_looked_at_each_week_forgets_one_look_later(store: Store) -> None:
    weeks = [0, 7, 14, 21, 28, 35, 42]
    gone = []
    for day in weeks:
        await past(store, f"e{day}", day)
        gone.append((await look(store, day)).executions)
    assert gone == [0, 0, 0, 0, 0, 0, 1]


async def test_a_look_of_one_process_is_confirmed_by_another(processes: Processes) -> None:
    first = await processes()
    for execution_id in ("old", "latest"):
        await past(first, execution_id, -400)
    await look(first, 0)
    await first.close()
    assert (await look(await processes(), 1)).executions == 1


# Number and size


async def test_beyond_the_size_the_oldest_histories_go_and_executions_stay(store: Store) -> None:
    for number in range(3):
        await past(store, f"e{number}", number - 3)
    assert (await look(store, 0, size=10**9)).histories == 0
    assert (await look(store, 0, size=1)).histories == 3
    assert len(await store.executions()) == 3
    assert await store.history("e2") is None


@pytest.mark.parametrize("wrong", [-40, 40])
async def test_beyond_their_number_those_that_came_first_go_whatever_the_clock_said(
    store: Store, wrong: float
) -> None:
    for execution_id, day in {"first": 0, "second": wrong, "third": 0.1}.items():
        await past(store, execution_id, day)
    assert (await look(store, wrong, histories=2)).histories == 1
    assert await store.history("first") is None
