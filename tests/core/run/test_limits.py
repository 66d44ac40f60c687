"""Limits of a scenario: time, incomplete executions, size of files; and what data loss allows."""

import os
from pathlib import Path

import pytest
from runs import Bench

from engine.model.bundle import Bundle
from engine.model.execution import Status
from engine.store.encode import MAX_DEPTH

# timeout_minutes

SLOW = """
    settings: {timeout_minutes: 40, max_cycles: 3}
    flow:
      - id: mail
        module: probe.emit
        with: {bundles: [{id: 1, took: 30}, {id: 2, took: 11}, {id: 3, took: 0}]}
      - module: probe.wait
        with: {minutes: "{{ mail.took }}"}
      - id: save
        module: probe.record
        with: {text: "{{ mail.id }}"}
"""


async def test_a_run_over_its_time_stops_between_two_operations(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SLOW)

    execution = await bench.run()

    assert bench.seen == ["save:1"]
    assert execution.status is Status.ERROR
    assert execution.failure is not None
    assert execution.failure.type == "ScenarioTimeoutError"
    assert "40 minutes" in execution.failure.message
    await bench.run()
    assert bench.seen == ["save:1", "save:2", "save:3"]


async def test_a_run_without_a_limit_takes_any_time(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SLOW.replace("timeout_minutes: 40, ", "").replace("30", "100000"))
    assert (await bench.run()).status is Status.SUCCESS


async def test_the_time_of_all_cycles_counts(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {timeout_minutes: 40, max_cycles: 10}
        flow: [{id: slow, module: probe.wait, with: {minutes: 30}}]
        """,
    )
    execution = await bench.run()
    assert execution.nodes["slow"].operations == 2
    assert execution.status is Status.ERROR


# incomplete_limit, enable_data_loss

FULL = """
    settings: {store_incomplete_executions: true, incomplete_limit: 2}
    flow:
      - id: mail
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}, {id: 3}, {id: 4}]}
      - id: save
        module: probe.record
        with: {text: "{{ mail.id }}", fail: DataError}
"""
LOSING = FULL.replace("incomplete_limit", "enable_data_loss: true, incomplete_limit")


async def test_a_run_stops_before_a_bundle_that_has_no_room(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL)

    execution = await bench.run_in_turn()

    assert bench.seen == ["save:1", "save:2", "save:3"]
    assert len(await bench.stored()) == 2
    assert execution.status is Status.ERROR
    assert execution.failure is not None
    assert execution.failure.message == (
        "DLQ limit per scenario has been exceeded, so this could not be stored: "
        "DataError: cannot take 3"
    )
    assert not (await bench.store.scenario("probe")).active
    assert bench.listener.notes == ["`probe` is deactivated: fusion activate probe"]


async def test_what_had_no_room_comes_again_once_there_is_some(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL)
    await bench.run_in_turn()

    bench.text = FULL.replace("incomplete_limit: 2", "incomplete_limit: 4")
    execution = await bench.run_in_turn()

    assert bench.seen[3:] == ["save:3", "save:4"]
    assert execution.status is Status.WARNING
    assert len(await bench.stored()) == 4


async def test_with_data_loss_what_has_no_room_is_dropped_counted_and_told(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, LOSING)

    execution = await bench.run_in_turn()

    assert bench.seen == ["save:1", "save:2", "save:3", "save:4"]
    assert len(await bench.stored()) == 2
    assert (execution.status, execution.lost) == (Status.WARNING, 2)
    assert (await bench.store.execution(execution.id)).lost == 2
    told = [outcome.partition("; ")[2] for _, _, outcome in bench.listener.failures]
    assert (
        told
        == ["stored as an incomplete execution"] * 2
        + ["dropped: DLQ limit per scenario has been exceeded"] * 2
    )


def deep() -> list[Bundle]:
    """Return three bundles, of which no store can hold the second."""
    value: object = "core"
    for _ in range(MAX_DEPTH + 1):
        value = {"in": value}
    return [{"id": 1}, {"id": 2, "value": value}, {"id": 3}]


TOO_DEEP = "a value nested deeper than 80 levels cannot be stored"


async def test_with_data_loss_what_no_store_can_hold_is_dropped_counted_and_told(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, LOSING.replace(", incomplete_limit: 2", ""))

    execution = await bench.run(fed=deep())

    assert bench.seen == ["save:1", "save:2", "save:3"]
    assert [one.bundles["mail"]["id"] for one in await bench.stored()] == [1, 3]
    assert (execution.status, execution.lost) == (Status.WARNING, 1)
    assert bench.listener.failures[1][2].endswith(f"; dropped: {TOO_DEEP}")


async def test_without_data_loss_what_no_store_can_hold_ends_the_run_and_is_named(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, FULL.replace(", incomplete_limit: 2", ""))

    execution = await bench.run(fed=deep())

    assert bench.seen == ["save:1", "save:2"]
    assert len(await bench.stored()) == 1
    assert (execution.status, execution.interrupted) == (Status.ERROR, False)
    assert execution.failure is not None
    assert execution.failure.type == "DataSizeLimitExceededError"
    assert execution.failure.message.startswith(f"{TOO_DEEP}, so this could not be stored: ")
    assert bench.listener.failures[1][0] == "save"


async def test_a_break_that_has_no_room_is_a_warning_even_if_it_completes_by_itself(
    tmp_path: Path,
) -> None:
    breaking = """
        on_error: [{module: flow.break, with: {automatically_complete: true}}]
"""
    bench = Bench(tmp_path, LOSING.rstrip() + breaking)
    assert (await bench.run_in_turn()).status is Status.WARNING


async def test_without_a_limit_everything_is_stored(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL.replace(", incomplete_limit: 2", ""))
    await bench.run_in_turn()
    assert len(await bench.stored()) == 4


async def test_a_replay_needs_no_room_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL.replace("incomplete_limit: 2", "incomplete_limit: 4"))
    await bench.run_in_turn()
    (first, *_) = await bench.stored()

    execution = await bench.replay(first.id)

    assert execution.status is Status.WARNING
    again = await bench.store.incomplete(first.id)
    assert (again.attempts, again.failure.message) == (1, "cannot take 1")


# max_file_size

LARGE = """
    settings: {max_file_size: 5, store_incomplete_executions: true, enable_data_loss: false}
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{name: a.txt, text: short}, {name: b.txt, text: too long}]}
      - id: save
        module: files.save_file
        with: {folder: out, file: {name: "{{ mail.name }}", data: "{{ mail.text }}"}}
"""


def saved(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.folder / "out").iterdir())


async def test_a_file_over_the_limit_is_stored_as_incomplete(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LARGE)

    execution = await bench.run()

    assert saved(bench) == ["a.txt"]
    (stored,) = await bench.stored()
    assert stored.failure.type == "MaxFileSizeExceededError"
    assert "max_file_size of 5 bytes" in stored.failure.message
    assert (execution.status, execution.lost) == (Status.WARNING, 0)


@pytest.mark.parametrize("stores", ["true", "false"])
async def test_with_data_loss_a_file_over_the_limit_is_a_warning(
    tmp_path: Path, stores: str
) -> None:
    text = LARGE.replace("data_loss: false", "data_loss: true")
    bench = Bench(tmp_path, text.replace("executions: true", f"executions: {stores}"))

    execution = await bench.run()

    assert saved(bench) == ["a.txt"]
    assert await bench.stored() == []
    assert (execution.status, execution.lost) == (Status.WARNING, 1)


async def test_without_storing_a_file_over_the_limit_ends_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LARGE.replace("executions: true", "executions: false"))
    assert (await bench.run()).status is Status.ERROR


async def test_without_a_limit_a_file_may_have_any_size(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LARGE.replace("max_file_size: 5, ", ""))
    assert (await bench.run()).status is Status.SUCCESS
    assert saved(bench) == ["a.txt", "b.txt"]


WATCHING = """
    settings: {max_file_size: 5, enable_data_loss: LOSS}
    flow:
      - {id: letter, module: files.watch_folder, with: {folder: in}}
      - {id: save, module: probe.record, with: {text: "{{ letter.name }}"}}
"""


def with_letters(bench: Bench) -> Bench:
    """Put three letters into the folder, the second of which is too large."""
    (bench.folder / "in").mkdir()
    for second, (name, text) in enumerate([("a", "short"), ("b", "too long"), ("c", "short")]):
        (bench.folder / "in" / name).write_text(text)
        os.utime(bench.folder / "in" / name, (second, second))
    return bench


async def test_with_data_loss_a_trigger_passes_by_a_file_over_the_limit(tmp_path: Path) -> None:
    bench = with_letters(Bench(tmp_path, WATCHING.replace("LOSS", "true")))

    first, second = await bench.run(), await bench.run()

    assert (first.status, first.lost) == (Status.WARNING, 1)
    assert (second.status, second.lost) == (Status.SUCCESS, 0)
    assert bench.seen == ["save:a", "save:c"]


async def test_without_data_loss_a_trigger_fails_at_a_file_over_the_limit_each_time(
    tmp_path: Path,
) -> None:
    bench = with_letters(Bench(tmp_path, WATCHING.replace("LOSS", "false")))
    for _ in range(2):
        execution = await bench.run()
        assert execution.failure is not None
        assert execution.failure.type == "MaxFileSizeExceededError"
    assert "save:c" not in bench.seen
