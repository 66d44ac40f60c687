"""What each setting of a scenario changes, and how operations are counted."""

from pathlib import Path

import pytest
from runs import Bench

from engine.errors import UnresolvedError
from engine.model.execution import Execution, Status
from engine.run.turn import in_turn

FAILING = """
    settings: {max_consecutive_errors: 2, max_cycles: 1}
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{fail: RuntimeError}]}
      - id: save
        module: probe.record
        with: {text: one, fail: "{{ mail.fail }}"}
"""


def ending_with(bench: Bench, failure: str) -> Bench:
    bench.text = FAILING.replace("RuntimeError", failure)
    return bench


async def in_its_turn(bench: Bench) -> Execution:
    """Run as `fusion run` does."""
    plan = bench.plan
    await bench.store.register_scenario(plan.id, plan.path)
    async with in_turn(bench.store, plan, bench.listener):
        return await bench.run()


# max_consecutive_errors


async def test_a_scenario_is_deactivated_after_so_many_errors_in_a_row(tmp_path: Path) -> None:
    bench = ending_with(Bench(tmp_path, ""), "RuntimeError")

    await in_its_turn(bench)
    assert (await bench.store.scenario("probe")).active
    await in_its_turn(bench)

    assert not (await bench.store.scenario("probe")).active
    assert bench.listener.notes == [
        "`probe` is deactivated after 2 errors in a row: fusion activate probe"
    ]


async def test_an_inactive_scenario_runs_by_hand_after_one_line(tmp_path: Path) -> None:
    bench = ending_with(Bench(tmp_path, ""), "null")
    await in_its_turn(bench)
    await bench.store.set_active("probe", active=False)

    assert (await in_its_turn(bench)).status is Status.SUCCESS

    assert len(bench.listener.notes) == 1
    assert "inactive" in bench.listener.notes[0]


@pytest.mark.parametrize(
    ("between", "errors_in_row"), [("null", 1), ("DataError", 2), ("ConnectionError", 2)]
)
async def test_success_ends_the_row_and_uncounted_errors_leave_it(
    tmp_path: Path, between: str, errors_in_row: int
) -> None:
    bench = Bench(tmp_path, "")
    for failure in ("RuntimeError", between, "RuntimeError"):
        await in_its_turn(ending_with(bench, failure))
    assert (await bench.store.scenario("probe")).errors_in_row == errors_in_row


# sequential_processing

STORING = """
    settings: {store_incomplete_executions: true, sequential_processing: true}
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{n: 1}]}
      - id: save
        module: probe.record
        with: {text: "{{ mail.n }}", fail: DataError}
"""


async def test_a_sequential_scenario_does_not_start_while_something_is_unresolved(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, STORING)
    await in_its_turn(bench)

    with pytest.raises(UnresolvedError) as refusal:
        await in_its_turn(bench)

    (waiting,) = await bench.stored()
    assert refusal.value.notes == (f"{waiting.id[:8]}  save  DataError: cannot take 1",)
    assert bench.seen == ["save:1"]


async def test_a_scenario_that_is_not_sequential_starts_all_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, STORING.replace(", sequential_processing: true", ""))
    await in_its_turn(bench)
    await in_its_turn(bench)
    assert bench.seen == ["save:1", "save:1"]


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


async def test_the_time_is_looked_at_between_cycles(tmp_path: Path) -> None:
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

    execution = await in_its_turn(bench)

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
    await in_its_turn(bench)

    bench.text = FULL.replace("incomplete_limit: 2", "incomplete_limit: 4")
    execution = await in_its_turn(bench)

    assert bench.seen[3:] == ["save:3", "save:4"]
    assert execution.status is Status.WARNING
    assert len(await bench.stored()) == 4


async def test_with_data_loss_what_has_no_room_is_dropped_counted_and_told(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, LOSING)

    execution = await in_its_turn(bench)

    assert bench.seen == ["save:1", "save:2", "save:3", "save:4"]
    assert len(await bench.stored()) == 2
    assert (execution.status, execution.lost) == (Status.WARNING, 2)
    assert (await bench.store.execution(execution.id)).lost == 2
    told = [outcome for _, _, outcome in bench.listener.failures]
    assert (
        told
        == ["stored as an incomplete execution"] * 2
        + ["dropped: DLQ limit per scenario has been exceeded"] * 2
    )


async def test_a_break_that_has_no_room_is_a_warning_even_if_it_completes_by_itself(
    tmp_path: Path,
) -> None:
    breaking = """
        on_error: [{module: flow.break, with: {automatically_complete: true}}]
"""
    bench = Bench(tmp_path, LOSING.rstrip() + breaking)
    assert (await in_its_turn(bench)).status is Status.WARNING


async def test_without_a_limit_everything_is_stored(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL.replace(", incomplete_limit: 2", ""))
    await in_its_turn(bench)
    assert len(await bench.stored()) == 4


async def test_a_replay_needs_no_room_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FULL.replace("incomplete_limit: 2", "incomplete_limit: 4"))
    await in_its_turn(bench)
    (first, *_) = await bench.stored()

    await bench.replay(first.id)

    assert (await bench.store.incomplete(first.id)).attempts == 1


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


# data_is_confidential

SECRET = """
    settings: {data_is_confidential: true, store_incomplete_executions: true}
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{card: "4111 1111"}]}
      - id: save
        module: probe.record
        with: {text: "{{ mail.card }}"}
"""


def failing_with(fields: str, *, stores: bool = True) -> str:
    text = SECRET.replace('{text: "{{ mail.card }}"}', fields)
    return text if stores else text.replace("executions: true", "executions: false")


@pytest.mark.parametrize(
    "fields",
    [
        '{text: "{{ mail.card * 2 }}"}',
        '{text: x, bug: "{{ mail.card }}"}',
        '{text: "{{ mail.card }}", fail: DataError}',
        '{text: "{{ mail.card }}", fail: RuntimeError}',
    ],
)
async def test_failures_of_a_confidential_scenario_quote_no_value(
    tmp_path: Path, fields: str
) -> None:
    for stores in (True, False):
        bench = Bench(tmp_path, failing_with(fields, stores=stores))

        execution = await bench.run()

        kept = [one.failure for one in await bench.stored()] + [execution.failure]
        told = f"{kept} {bench.listener.failures}"
        assert "4111" not in told
        assert "confidential" in told
        assert "probe.yaml" in told


async def test_the_same_failure_quotes_values_when_nothing_is_confidential(tmp_path: Path) -> None:
    text = failing_with('{text: "{{ mail.card * 2 }}"}')
    bench = Bench(tmp_path, text.replace("confidential: true", "confidential: false"))
    await bench.run()
    (stored,) = await bench.stored()
    assert "4111" in stored.failure.message


async def test_a_lost_connection_of_a_confidential_scenario_is_told_in_full(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing_with("{text: it, fail: ConnectionError}"))
    await bench.run()
    (stored,) = await bench.stored()
    assert stored.failure.message == "cannot take it"


async def test_the_data_of_an_incomplete_execution_is_stored_all_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing_with('{text: "{{ mail.card }}", fail: DataError}'))
    await bench.run()
    (stored,) = await bench.stored()
    assert stored.bundles["mail"]["card"] == "4111 1111"


async def test_error_routes_of_a_confidential_scenario_see_the_whole_message(
    tmp_path: Path,
) -> None:
    route = """
        on_error: [{id: tell, module: probe.record, with: {text: "{{ error.message }}"}}]
"""
    text = failing_with('{text: "{{ mail.card }}", fail: DataError}')
    bench = Bench(tmp_path, text.rstrip() + route)
    await bench.run()
    assert bench.seen == ["save:4111 1111", "tell:cannot take 4111 1111"]
