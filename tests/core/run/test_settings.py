"""What each setting of a scenario changes; its limits have tests of their own."""

from datetime import timedelta
from pathlib import Path

import pytest
from runs import Bench

from engine.errors import UnresolvedError
from engine.model.execution import Status

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


# max_consecutive_errors


async def test_a_scenario_is_deactivated_after_so_many_errors_in_a_row(tmp_path: Path) -> None:
    bench = ending_with(Bench(tmp_path, ""), "RuntimeError")

    await bench.run_in_turn()
    assert (await bench.store.scenario("probe")).active
    await bench.run_in_turn()

    assert not (await bench.store.scenario("probe")).active
    assert bench.listener.notes == [
        "`probe` is deactivated after 2 errors in a row: fusion activate probe"
    ]


async def test_an_inactive_scenario_runs_by_hand_after_one_line(tmp_path: Path) -> None:
    bench = ending_with(Bench(tmp_path, ""), "null")
    await bench.run_in_turn()
    await bench.store.set_active("probe", active=False)

    assert (await bench.run_in_turn()).status is Status.SUCCESS

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
        await ending_with(bench, failure).run_in_turn()
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
    await bench.run_in_turn()

    with pytest.raises(UnresolvedError) as refusal:
        await bench.run_in_turn()

    (waiting,) = await bench.stored()
    assert refusal.value.notes == (f"{waiting.id[:8]}  save  DataError: cannot take 1",)
    assert bench.seen == ["save:1"]


async def test_a_scenario_that_is_not_sequential_starts_all_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, STORING.replace(", sequential_processing: true", ""))
    await bench.run_in_turn()
    await bench.run_in_turn()
    assert bench.seen == ["save:1", "save:1"]


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


# max_cycles

POLLING = """
    settings: {max_cycles: CYCLES}
    flow:
      - id: mail
        module: steps.poll
        with: {reads: "", limit: 10, bundles: "{{ inputs.mails }}"}
      - id: save
        module: probe.record
        with: {text: "{{ mail.id }}"}
    inputs: {mails: {type: array}}
"""


async def taken(bench: Bench, cycles: int, mails: int) -> tuple[int, int, int]:
    """Run with so many mails waiting; return operations of the trigger, mails saved and left."""
    bench.text = POLLING.replace("CYCLES", str(cycles))
    inputs = {"mails": [{"id": f"m{number}"} for number in range(mails)]}
    execution = await bench.run(inputs=inputs)
    known = await bench.store.cursor("probe", "mail")
    return (execution.nodes["mail"].operations, len(bench.seen), mails - len(known))


async def test_one_cycle_takes_as_many_as_the_trigger_gives_at_once(tmp_path: Path) -> None:
    assert await taken(Bench(tmp_path, ""), cycles=1, mails=100) == (1, 10, 90)


async def test_more_cycles_ask_the_trigger_again(tmp_path: Path) -> None:
    assert await taken(Bench(tmp_path, ""), cycles=10, mails=100) == (10, 100, 0)


async def test_a_trigger_that_yields_nothing_ends_the_cycles(tmp_path: Path) -> None:
    assert await taken(Bench(tmp_path, ""), cycles=10, mails=20) == (3, 20, 0)


async def test_a_scenario_without_a_trigger_makes_exactly_its_cycles(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {max_cycles: 4}
        flow: [{id: save, module: probe.record, with: {text: again}}]
        """,
    )
    await bench.run()
    assert bench.seen == ["save:again"] * 4


# timezone, retry_schedule


@pytest.mark.parametrize(("zone", "hour"), [("UTC", "12"), ("Asia/Tokyo", "21")])
async def test_dates_are_read_in_the_scenario_s_time_zone(
    tmp_path: Path, zone: str, hour: str
) -> None:
    bench = Bench(
        tmp_path,
        f"""
        settings: {{timezone: {zone}}}
        flow:
          - id: save
            module: probe.record
            with: {{text: "{{{{ formatDate(now, 'HH') }}}}"}}
        """,
    )
    await bench.run()
    assert bench.seen == [f"save:{hour}"]


@pytest.mark.parametrize(
    ("schedule", "minutes", "allowed"), [("fusion", 10, 5), ("make", 1, 8), ("[2h, 3h]", 120, 2)]
)
async def test_a_lost_connection_is_retried_on_the_scenario_s_schedule(
    tmp_path: Path, schedule: str, minutes: int, allowed: int
) -> None:
    text = SECRET.replace("data_is_confidential: true", f"retry_schedule: {schedule}")
    text = text.replace('{text: "{{ mail.card }}"}', "{text: it, fail: ConnectionError}")
    bench = Bench(tmp_path, text)

    await bench.run()

    (stored,) = await bench.stored()
    assert stored.due_at == bench.clock.now() + timedelta(minutes=minutes)
    assert stored.allowed == allowed


ROLLED_BACK = """
    settings: {commit_trigger_last: LAST}
    flow:
      - {id: came, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
      - {id: risky, module: probe.record, with: {text: "{{ came.id }}", fail: DataError}}
"""


@pytest.mark.parametrize(("last", "again"), [("true", 2), ("false", 1)])
async def test_a_trigger_that_commits_last_reads_a_failed_cycle_again(
    tmp_path: Path, last: str, again: int
) -> None:
    bench = Bench(tmp_path, ROLLED_BACK.replace("LAST", last))

    await bench.run()
    await bench.run()

    assert bench.seen.count("risky:1") == again


# Ten errors within two minutes

HASTY = FAILING.replace("max_consecutive_errors: 2", "max_consecutive_errors: 100")


async def run_often(bench: Bench, times: int, *, every: float = 0) -> None:
    for _ in range(times):
        await bench.run_in_turn()
        bench.clock.seconds += every


@pytest.mark.parametrize("failure", ["RuntimeError", "DataError"])
async def test_ten_errors_within_two_minutes_deactivate_whatever_their_type(
    tmp_path: Path, failure: str
) -> None:
    bench = Bench(tmp_path, HASTY.replace("RuntimeError", failure))

    await run_often(bench, 9, every=13)
    assert (await bench.store.scenario("probe")).active
    await run_often(bench, 1)

    assert not (await bench.store.scenario("probe")).active
    assert bench.listener.notes == [
        "`probe` is deactivated, because 10 runs in a row ended in error within 2 minutes: "
        "fusion activate probe"
    ]


async def test_ten_errors_in_more_time_do_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HASTY)
    await run_often(bench, 12, every=14)
    assert (await bench.store.scenario("probe")).active


async def test_a_success_between_ten_errors_begins_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path, HASTY)
    await run_often(bench, 9)
    bench.text = HASTY.replace("RuntimeError", "null")
    await run_often(bench, 1)
    bench.text = HASTY
    await run_often(bench, 9)
    assert (await bench.store.scenario("probe")).active
