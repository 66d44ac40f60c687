"""What an incomplete execution holds for a replay, and replays from the trigger."""

from dataclasses import replace
from pathlib import Path

from runs import Bench

from engine.model.execution import IncompleteStatus, Kind, Status

RISKY = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1, bad: true}, {id: 2, bad: false}]}
      - id: up
        module: probe.record
        with: {text: "{{ came.id }}"}
      - id: risky
        module: probe.record
        with: {text: "{{ up.text }}", fail: "{{ if(came.bad, 'DataError', null) }}"}
        on_error: [{module: flow.break}]
"""


async def test_a_record_has_the_fields_as_they_were_mapped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RISKY)
    await bench.run()
    (record,) = await bench.stored()
    assert record.fields == {"text": "1", "fail": "DataError"}


async def test_fields_that_could_not_be_mapped_are_not_there(tmp_path: Path) -> None:
    bad = 'bug: "{{ came.id + came.none == 1 }}"'
    bench = Bench(tmp_path, RISKY.replace('text: "{{ up.text }}"', f"text: a, {bad}"))
    await bench.run()
    first, _ = await bench.stored()
    assert first.fields is None


async def test_a_record_has_the_marks_that_belong_to_its_bundle(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RISKY)
    await bench.run()
    (record,) = await bench.stored()
    assert record.cursor == {"1": True}


async def test_a_record_tells_of_each_attempt(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RISKY)
    first_run = await bench.run()
    (record,) = await bench.stored()
    bench.clock.seconds += 60
    replay = await bench.replay(record.id)
    (again,) = await bench.stored()
    (attempt,) = again.earlier
    assert (attempt.at, attempt.execution_id, attempt.node_id) == (
        record.created_at,
        first_run.id,
        "risky",
    )
    assert attempt.failure == record.failure
    assert (again.execution_id, again.failed_at) == (replay.id, bench.clock.now())
    assert again.cursor == record.cursor


async def test_a_replay_from_the_trigger_runs_everything_for_its_bundle(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RISKY)
    await bench.run()
    (record,) = await bench.stored()
    before = len(bench.seen)
    mended = {"came": {**record.bundles["came"], "bad": False}, "up": {"text": "old"}}
    await bench.store.park(replace(record, bundles=mended))

    claimed = await bench.store.claim(record.id)
    plan = bench.plan
    run = bench.run_of(plan, Kind.REPLAY, claimed.inputs, await bench.marks(plan))
    execution = await run.replay(claimed, from_trigger=True)

    assert bench.seen[before:] == ["up:1", "risky:1"]
    assert execution.status is Status.SUCCESS
    assert (await bench.store.incomplete(record.id)).status is IncompleteStatus.RESOLVED


LATE = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: order, module: tools.basic_trigger, with: {bundles: [{word: tea}]}}
      - {id: parcel, module: deliver.parcel, with: {text: "{{ order.word }}", late: true}}
"""


def delivered(bench: Bench) -> list[list[str]]:
    """Return the key and the text of each parcel."""
    return [line.split() for line in (bench.folder / "delivered.txt").read_text().splitlines()]


async def test_what_was_only_late_is_asked_for_again_under_its_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LATE)
    await bench.run()
    (record,) = await bench.stored()

    await bench.replay(record.id)

    assert delivered(bench) == [[record.operation_key, "tea"]]
    assert await bench.stored() == []


async def test_other_fields_are_another_order_under_a_key_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LATE)
    await bench.run()
    (record,) = await bench.stored()
    edited = replace(record, bundles={"order": {"word": "coffee"}})

    await bench.run_of(bench.plan, Kind.REPLAY, {}, {}).replay(edited)

    (first, _), (second, text) = delivered(bench)
    assert (first, text) == (record.operation_key, "coffee")
    assert second != first
