"""What stored work still refers to, asked of any store."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.model.events import Event
from engine.model.execution import Attempt, Failure, Incomplete, IncompleteStatus
from engine.run.ports import CursorChange, Store
from engine.run.waiting import ACKNOWLEDGED
from engine.store.mentions import mentioned

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
JOB = "0a1b2c3d-0000-4000-8000-00000000000a"
TASK = "0a1b2c3d-0000-4000-8000-00000000000b"


async def park(
    store: Store, bundle: Mapping[str, Any], incomplete_id: str = "i1", **more: Any
) -> None:
    settings: dict[str, Any] = {
        "status": IncompleteStatus.UNRESOLVED,
        "failure": Failure("DataError", "no"),
    }
    record = Incomplete(
        id=incomplete_id,
        scenario_id="videos",
        execution_id="e1",
        node_id="get",
        created_at=AT,
        source="flow: []\n",
        source_path="/home/ann/videos.yaml",
        bundles={"convert": bundle},
        **(settings | more),
    )
    await store.park(record)


async def test_a_name_is_found_in_bundles_fields_and_failures(store: Store) -> None:
    failure = Failure("RuntimeError", "late", {"tag": "run 7/ä", "job_id": 5})
    earlier = Attempt(AT, "e0", "get", Failure("RuntimeError", "late", {"job": {"id": "first"}}))
    fields = {"job": "mapped"}
    await park(store, {"tasks": [{"id": TASK}]}, failure=failure, earlier=(earlier,), fields=fields)
    names = {TASK, "run 7/ä", "first", "mapped", "tag", "job_id", "5", "DataError", "late"}
    assert await mentioned(store, names) == {TASK, "run 7/ä", "first", "mapped"}


async def test_an_id_is_found_inside_of_a_text_but_no_part_of_one(store: Store) -> None:
    await park(store, {"url": f"http://127.0.0.1:1/storage/tasks/{JOB}/0/a.pdf?x=order-17&y"})
    names = {JOB, JOB[:-1], JOB[1:], "order-17", "order", "storage", "a b"}
    assert await mentioned(store, names) == {JOB, "order-17", "storage"}


async def test_events_that_wait_hold_what_they_name_until_they_are_acknowledged(
    store: Store,
) -> None:
    for number, job in enumerate((JOB, TASK)):
        event = Event(f"s{number}", "e", AT, {"job": {"id": job}}, confidential=number == 1)
        await store.events.add(event)
    assert await mentioned(store, [JOB, TASK]) == {JOB, TASK}
    await store.commit_cursor("s0", [CursorChange("node", ACKNOWLEDGED, "e")])
    assert await mentioned(store, [JOB, TASK]) == {TASK}


async def test_only_what_is_not_resolved_counts(store: Store) -> None:
    for number, status in enumerate(IncompleteStatus):
        await park(store, {"id": status.value}, f"i{number}", status=status)
    found = await mentioned(store, [status.value for status in IncompleteStatus])
    assert found == {"unresolved", "pending", "in progress"}


async def test_confidential_work_holds_what_it_names_too(store: Store) -> None:
    await park(store, {"id": JOB}, confidential=True)
    assert await mentioned(store, [JOB, TASK]) == {JOB}


async def test_texts_of_any_depth_are_searched_and_very_long_ones_only_as_a_whole(
    store: Store,
) -> None:
    deep: Any = JOB
    for _ in range(35):
        deep = [{"a": deep}]
    await park(store, {"deep": deep, "long": f"{'x' * 200_000} {TASK}"})
    assert await mentioned(store, [JOB, TASK]) == {JOB}


async def test_nothing_is_found_where_nothing_is_asked_or_stored(store: Store) -> None:
    assert await mentioned(store, []) == frozenset()
    assert await mentioned(store, [JOB]) == frozenset()
