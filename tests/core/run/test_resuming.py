"""Runs whose process died: taken up again, they end as if nothing had happened."""

import asyncio
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from mortal_store import Death, Died, MortalStore
from runs import Bench

from engine.model.execution import Execution, IncompleteStatus, Kind, Status
from engine.run.journaling import Resuming

ORDERS = """
settings: {store_incomplete_executions: true, auto_commit: AUTO}
flow:
  - id: order
    module: probe.emit
    with: {bundles: [{id: 1, lines: [a, b]}, {id: 2, lines: [c]}, {id: 3, lines: [d, e]}]}
  - {id: line, module: flow.iterator, with: {array: "{{ order.lines }}"}}
  - {id: serial, module: tools.increment, with: {reset_after: never}}
  - {id: parcel, module: deliver.parcel, with: {text: "{{ line.value }}{{ serial.i }}"}}
  - id: check
    module: probe.record
    with:
      text: "{{ line.value }}"
      fail: "{{ if(line.value == 'c', 'DataError', null) }}"
    on_error:
      - {module: probe.record, id: alarm, with: {text: "{{ line.value }}"}}
      - {module: flow.break}
  - id: both
    module: flow.array_aggregator
    with: {source: line, fields: {value: "{{ line.value }}"}}
  - {module: probe.record, id: done, with: {text: "{{ join(map(both.array, 'value'), '+') }}"}}
"""

WHOLE = {
    "check:a": 1,
    "check:b": 1,
    "check:c": 1,
    "alarm:c": 1,
    "check:d": 1,
    "check:e": 1,
    "done:a+b": 1,
    "done:": 1,
    "done:d+e": 1,
}
PARCELS = ["a1", "b2", "c3", "d4", "e5"]


def delivered(bench: Bench) -> list[str]:
    return [line.split()[1] for line in (bench.folder / "delivered.txt").read_text().splitlines()]


async def run_until(bench: Bench, death: Death) -> bool:
    """Run, and die as told; false if it lived to the end."""
    bench.store = MortalStore(bench.files, death)
    try:
        await bench.run()
    except Died:
        await bench.die()
        return True
    return False


def writes_of_a_run(folder: Path, text: str) -> int:
    death = Death()
    bench = Bench(folder, text)
    assert not asyncio.run(run_until(bench, death))
    assert Counter(bench.seen) == WHOLE
    return death.writes


@pytest.mark.parametrize("auto", ["true", "false"])
@pytest.mark.parametrize("after", [False, True])
def test_whenever_a_run_dies_it_is_finished_and_nothing_is_done_twice(
    tmp_path: Path, auto: str, after: bool
) -> None:
    text = ORDERS.replace("AUTO", auto)
    (tmp_path / "whole").mkdir()
    writes = writes_of_a_run(tmp_path / "whole", text)
    assert writes > 30
    for at in range(1, writes + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        asyncio.run(dies_once(Bench(folder, text), Death(at, after)))


async def dies_once(bench: Bench, death: Death) -> None:
    assert await run_until(bench, death)
    if await bench.store.journal.unfinished("probe"):
        await bench.resume()
    else:  # it died before it had begun, or when it had finished
        await bench.run()
    doubts = {
        f"{one.node_id}:{one.bundles['line']['value']}" if "line" in one.bundles else one.node_id
        for one in await bench.stored()
        if one.outcome_unknown
    }
    seen = Counter(bench.seen)
    assert max(seen.values()) == 1
    assert len(doubts) <= 1
    lost = WHOLE.keys() - seen.keys()
    assert len(lost) <= 2 * len(doubts), (lost, doubts)
    assert sorted(delivered(bench)) == PARCELS
    broken = [one for one in await bench.stored() if one.failure.type == "DataError"]
    assert len(broken) == 1 or doubts == {"check:c"}
    assert set(await bench.store.cursor("probe", "order")) == {"1", "2", "3"}
    assert await bench.store.journal.unfinished("probe") == []
    assert bench.store._records.journal.entries == {}


async def test_a_finished_run_leaves_nothing_to_take_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDERS.replace("AUTO", "true"))
    await bench.run()
    await bench.die()
    assert await bench.store.journal.unfinished("probe") == []


async def test_a_run_of_pure_modules_remembers_nothing(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: one, module: tools.basic_trigger, with: {bundles: [{n: 1}, {n: 2}]}}
          - {id: two, module: probe.pass, with: {value: "{{ one.n }}"}}
        """,
    )
    death = Death()
    bench.store = MortalStore(bench.files, death)
    await bench.run()
    assert death.writes == 2  # its beginning and its end


TWO = """
flow:
  - {id: came, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}}
  - {id: save, module: deliver.parcel, with: {text: "{{ came.id }}"}}
"""


async def test_a_changed_scenario_leaves_what_was_not_taken_to_the_next_run(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, TWO)
    assert await run_until(bench, Death(6))  # about to begin with the second
    run = await bench.resume(Resuming.TAKEN)
    assert delivered(bench) == ["1", "2"]
    assert run.resumed.reused == 3
    await bench.run()
    assert delivered(bench) == ["1", "2", "3"]


async def test_a_resolved_record_is_not_stored_again(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {store_incomplete_executions: true}
        flow:
          - {id: came, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
          - {id: bad, module: probe.record, with: {text: "{{ came.id }}", fail: DataError}}
        """,
    )
    assert await run_until(bench, Death(6))  # the first is stored, the second comes
    [record] = await bench.stored()
    await bench.replay(record.id)
    resolved = await bench.store.incomplete(record.id)
    await bench.resume()
    assert (await bench.store.incomplete(record.id)) == resolved
    assert len(await bench.stored()) == 2
    assert bench.seen == ["bad:1", "bad:1", "bad:2"]


async def test_a_search_goes_on_with_what_it_had_not_found(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: one, module: tools.basic_trigger, with: {bundles: [{n: 1}]}}
          - {id: found, module: steps.search, with: {reads: x, emits: [{n: 1}, {n: 1}, {n: 2}]}}
          - {id: save, module: deliver.parcel, with: {text: "{{ found.n }}"}}
        """,
    )
    assert await run_until(bench, Death(6, after=True))
    await bench.resume()
    assert delivered(bench) == ["1", "1", "2"]


async def test_variables_are_set_again_by_what_is_not_done_again(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: came, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}}
          - {id: serial, module: tools.increment, with: {reset_after: execution}}
          - {id: save, module: deliver.parcel, with: {text: "{{ serial.i }}"}}
        """,
    )
    assert await run_until(bench, Death(8))
    await bench.resume()
    assert delivered(bench) == ["1", "2", "3"]


async def test_attempts_in_place_have_keys_of_their_own(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: came, module: tools.basic_trigger, with: {bundles: [{n: 1}]}}
          - id: save
            module: probe.record
            with: {text: x, fail: DataError}
            on_error:
              - module: flow.retry
                with: {attempts: 2, interval: 1s, error_types: [DataError]}
        """,
    )
    await bench.run()
    assert bench.seen == ["save:x"] * 3
    assert await run_until(bench, Death(5, after=True))
    run = await bench.resume()
    assert run.resumed.reused == 2
    assert bench.seen == ["save:x"] * 6


async def test_a_replay_that_died_is_taken_up_and_resolves_its_record(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {store_incomplete_executions: true}
        flow:
          - {id: came, module: probe.emit, with: {bundles: [{id: 1}]}}
          - id: bad
            module: probe.record
            with: {text: "{{ came.id }}", fail: "{{ inputs.fail }}"}
          - {id: save, module: deliver.parcel, with: {text: "{{ came.id }}"}}
          - {id: store, module: deliver.parcel, with: {text: "{{ came.id }}"}}
        inputs: {fail: {type: text, default: null}}
        """,
    )
    await bench.run(inputs={"fail": "DataError"})
    [record] = await bench.stored()
    bench.store = MortalStore(bench.files, Death(6, after=True), bench.store._records)
    plan = bench.plan
    incomplete = await bench.store.claim(record.id)
    run = bench.run_of(plan, Kind.REPLAY, {"fail": None}, await bench.marks(plan))
    with suppress(Died):
        await run.replay(incomplete)
    await bench.die()
    assert (await bench.store.incomplete(record.id)).status is IncompleteStatus.UNRESOLVED
    resumed = await bench.resume()
    assert resumed.resumed.reused == 2
    assert (await bench.store.incomplete(record.id)).status is IncompleteStatus.RESOLVED
    assert delivered(bench) == ["1", "1"]


async def test_the_run_that_is_taken_up_is_the_one_that_had_begun(tmp_path: Path) -> None:
    bench = Bench(tmp_path, TWO)
    assert await run_until(bench, Death(4))
    [dead] = await bench.store.executions()
    assert dead.interrupted
    await bench.resume()
    [ended] = await bench.store.executions()
    assert (ended.id, ended.started_at) == (dead.id, dead.started_at)
    assert (ended.status, ended.interrupted) == (Status.SUCCESS, False)
    assert isinstance(ended, Execution)
