"""Commit and rollback: what ACID nodes did lasts or goes back, and what becomes of the trigger."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from clocks import StandingClock
from runs import Bench

from engine.model.execution import Execution, IncompleteStatus, Phase, Status

FLOW = """
    settings: {auto_commit: AUTO, MORE}
    flow:
      - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}}
      - {id: two, module: ledger.add, with: {entry: "{{ mail.id }}", TWO}}
      - id: three
        module: probe.record
        with: {text: "{{ mail.id }}", fail: "{{ if(mail.id == 2, 'DataError', null) }}"}
        on_error: [HANDLER]
      - {id: four, module: ledger.add, with: {entry: "{{ mail.id }}", FOUR}}
"""
IGNORE = "module: flow.ignore"
SECOND = "{{ mail.id == 2 }}"


def flow(
    *, auto: bool, handler: str = IGNORE, more: str = "", two: str = "", four: str = ""
) -> str:
    text = FLOW.replace("AUTO", str(auto).lower())
    text = text.replace(
        "on_error: [HANDLER]", f"on_error: [{handler}]" if handler else "note: none"
    )
    return text.replace("MORE", more).replace("TWO", two).replace("FOUR", four)


def entries(bench: Bench, node: str) -> str:
    """Return what the ledger of a node holds now, as one word."""
    path = bench.folder / f"{node}.db"
    if not path.exists():
        return ""
    with closing(sqlite3.connect(path)) as ledger:
        return "".join(entry for (entry,) in ledger.execute("SELECT entry FROM entries"))


def phases(bench: Bench) -> list[str]:
    """Return the commits and rollbacks that ledgers were told, in order."""
    path = bench.folder / "phases.txt"
    return path.read_text().split() if path.exists() else []


async def marks(bench: Bench, node: str) -> str:
    """Return the names of a node's stored marks, as one word."""
    return "".join(sorted(await bench.store.cursor("probe", node)))


async def taken(bench: Bench) -> set[str]:
    """Return the mails that will not come again."""
    return set(await marks(bench, "mail"))


# Auto commit on and off


async def test_with_auto_commit_each_operation_is_committed_before_the_next_node_runs(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, flow(auto=True))

    assert (await bench.run()).status is Status.SUCCESS

    of_bundle = ["two:commit", "four:commit"]
    assert phases(bench) == [*of_bundle, "two:commit", *of_bundle]
    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")


async def test_without_it_all_commit_once_after_the_last_operation_of_the_cycle(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, flow(auto=False))

    await bench.run()

    assert phases(bench) == ["two:commit", "four:commit"]
    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")
    assert await marks(bench, "two") == "123"


@pytest.mark.parametrize(
    ("auto", "handler", "two", "four", "status"),
    [
        (True, "module: flow.rollback", "12", "1", Status.ERROR),
        (True, "", "12", "1", Status.ERROR),
        (True, "module: flow.commit", "12", "1", Status.SUCCESS),
        (False, "module: flow.rollback", "", "", Status.ERROR),
        (False, "", "", "", Status.ERROR),
        (False, "module: flow.commit", "12", "1", Status.SUCCESS),
        (False, "module: flow.resume", "123", "123", Status.SUCCESS),
        (False, "module: flow.ignore", "123", "13", Status.SUCCESS),
        (False, "module: flow.break", "123", "13", Status.WARNING),
    ],
)
async def test_trace_d_what_each_directive_leaves_in_the_ledgers(
    tmp_path: Path, auto: bool, handler: str, two: str, four: str, status: Status
) -> None:
    stores = "store_incomplete_executions: true" if "break" in handler else ""
    bench = Bench(tmp_path, flow(auto=auto, handler=handler, more=stores))

    execution = await bench.run()

    assert (entries(bench, "two"), entries(bench, "four")) == (two, four)
    assert execution.status is status


async def test_a_cycle_that_ends_as_a_warning_commits(tmp_path: Path) -> None:
    text = flow(auto=False, handler="", more="store_incomplete_executions: true")
    bench = Bench(tmp_path, text)

    assert (await bench.run()).status is Status.WARNING

    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")


async def test_a_rollback_says_what_went_back_and_what_did_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=False, handler="module: flow.rollback"))
    await bench.run()
    assert bench.listener.notes == ["rolled back: two, four; not undone: three (1 operation)"]


async def test_with_auto_commit_a_rollback_finds_nothing_to_take_back_and_says_so(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, flow(auto=True, handler="module: flow.rollback"))
    await bench.run()
    assert bench.listener.notes == [
        "not undone: two (2 operations), three (1 operation), four (1 operation)"
    ]


async def test_the_latest_node_goes_back_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=False, handler="module: flow.rollback"))
    await bench.run()
    assert phases(bench) == ["four:rollback", "two:rollback"]
    assert (tmp_path / "two.marks").read_text() == ""


@pytest.mark.parametrize("auto", [True, False])
async def test_an_operation_that_fails_leaves_nothing_behind(tmp_path: Path, auto: bool) -> None:
    text = flow(auto=auto, two=f'fail: "{SECOND}"')
    bench = Bench(tmp_path, text.replace("- {id: two,", f"- {{id: two, on_error: [{IGNORE}],"))

    await bench.run()

    assert entries(bench, "two") == "13"
    assert await marks(bench, "two") == "13"


CYCLES = """
    settings: {auto_commit: false, max_cycles: 2}
    flow:
      - id: mail
        module: steps.poll
        with: {reads: "", limit: 2, bundles: [{id: a}, {id: b}, {id: c}, {id: d}]}
      - {id: two, module: ledger.add, with: {entry: "{{ mail.id }}"}}
      - module: flow.throw
        filter: "{{ mail.id == 'd' }}"
        with: {type: DataError, message: enough}
"""


async def test_each_cycle_is_a_transaction_of_its_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CYCLES)

    execution = await bench.run()

    assert execution.status is Status.ERROR
    assert entries(bench, "two") == "ab"
    assert await taken(bench) == {"a", "b"}


async def test_a_replay_commits_what_it_did(tmp_path: Path) -> None:
    stores = "store_incomplete_executions: true"
    bench = Bench(tmp_path, flow(auto=False, handler="module: flow.break", more=stores))
    await bench.run()
    (waiting,) = await bench.stored()
    bench.text = bench.text.replace("mail.id == 2", "false")

    await bench.replay(waiting.id)

    assert entries(bench, "four") == "132"
    assert (await bench.store.incomplete(waiting.id)).status is IncompleteStatus.RESOLVED


# Errors in commit and rollback


async def test_what_cannot_commit_stops_everything_and_what_is_committed_stays(
    tmp_path: Path,
) -> None:
    third = '      - {id: five, module: ledger.add, with: {entry: "{{ mail.id }}"}}\n'
    bench = Bench(tmp_path, flow(auto=False, four="fail_on: commit") + third)
    bench.text = bench.text.replace("settings:", f"on_error: [{IGNORE}]\n    settings:")

    execution = await bench.run()

    assert phases(bench) == ["two:commit", "four:commit", "five:rollback"]
    assert [entries(bench, node) for node in ("two", "four", "five")] == ["123", "", ""]
    assert await marks(bench, "two") == "123"
    assert await marks(bench, "four") == ""
    assert_inconsistent(execution, "`four` could not commit: no answer to COMMIT")


async def test_the_trigger_commits_last_so_not_after_a_failed_commit(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=False, four="fail_on: commit"))
    await bench.run()
    assert await taken(bench) == set()


async def test_an_operation_that_cannot_commit_stops_the_run_and_asks_no_handler(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path, flow(auto=True, four="fail_on: \"{{ if(mail.id == 3, 'commit', null) }}\"")
    )
    bench.text = bench.text.replace("settings:", f"on_error: [{IGNORE}]\n    settings:")

    execution = await bench.run()

    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "1")
    assert_inconsistent(execution, "`four` could not commit")
    assert execution.nodes["four"].operations == 1


async def test_what_cannot_roll_back_is_told_and_the_others_go_back(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, flow(auto=False, handler="module: flow.rollback", four="fail_on: rollback")
    )

    execution = await bench.run()

    assert phases(bench) == ["four:rollback", "two:rollback"]
    assert entries(bench, "two") == ""
    assert_inconsistent(execution, "`four` could not roll back")
    assert await taken(bench) == set()


async def test_an_operation_that_fails_and_cannot_go_back_stops_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=True, two=f'fail: "{SECOND}", fail_on: rollback'))
    bench.text = bench.text.replace("settings:", f"on_error: [{IGNORE}]\n    settings:")

    execution = await bench.run()

    assert entries(bench, "two") == "1"
    assert_inconsistent(execution, "`two` could not roll back")


async def test_what_a_commit_says_of_confidential_data_is_withheld(tmp_path: Path) -> None:
    more = "data_is_confidential: true"
    bench = Bench(tmp_path, flow(auto=False, four="fail_on: commit", more=more))
    assert_inconsistent(await bench.run(), "confidential")


def assert_inconsistent(execution: Execution, message: str) -> None:
    assert execution.status is Status.ERROR
    assert execution.failure is not None
    assert (execution.failure.type, execution.failure.phase) == ("InconsistencyError", Phase.COMMIT)
    assert message in execution.failure.message


# Interruption and time limit


@dataclass
class Interrupting(StandingClock):
    """Whoever sleeps finds the run interrupted when it wakes."""

    run: asyncio.Task[Execution] | None = None

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        assert self.run is not None
        self.run.cancel()
        await asyncio.sleep(0)


async def interrupted(bench: Bench) -> Execution:
    clock = Interrupting()
    bench.clock = clock
    clock.run = asyncio.create_task(bench.run())
    execution = await clock.run
    bench.clock = StandingClock()
    return execution


def slow(step: str) -> str:
    return f"slow_on: \"{{{{ if(mail.id == 2, '{step}', null) }}}}\""


async def test_an_interruption_takes_back_what_is_open_and_the_trigger_with_it(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, flow(auto=False, two=slow("execute")))

    execution = await interrupted(bench)

    assert execution.interrupted
    assert phases(bench) == ["four:rollback", "two:rollback"]
    assert (entries(bench, "two"), entries(bench, "four")) == ("", "")
    assert await taken(bench) == set()
    assert bench.listener.notes == ["rolled back: two, four; not undone: three (1 operation)"]


async def test_with_auto_commit_an_interruption_takes_back_the_operation_it_has_torn(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, flow(auto=True, two=slow("execute")))

    await interrupted(bench)

    assert (entries(bench, "two"), entries(bench, "four")) == ("1", "1")
    assert phases(bench)[-1] == "two:rollback"
    assert await marks(bench, "two") == "1"
    assert bench.listener.notes == []

    await bench.resume()

    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")
    assert await taken(bench) == {"1", "2", "3"}


async def test_a_commit_that_has_begun_goes_on_to_its_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=False, two="slow_on: commit"))

    execution = await interrupted(bench)

    assert execution.interrupted
    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")
    assert await marks(bench, "four") == "13"

    await bench.resume()

    assert (entries(bench, "two"), entries(bench, "four")) == ("123", "13")
    assert await taken(bench) == {"1", "2", "3"}


async def test_a_commit_that_fails_amid_an_interruption_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, flow(auto=False, two="slow_on: commit, fail_on: commit"))

    execution = await interrupted(bench)

    assert_inconsistent(execution, "`two` could not commit")
    assert entries(bench, "four") == ""
    assert await taken(bench) == set()


async def test_the_time_limit_takes_back_what_is_open(tmp_path: Path) -> None:
    text = flow(auto=False, two=slow("execute"), more="timeout_minutes: 0.5")
    bench = Bench(tmp_path, text)

    execution = await bench.run()

    assert execution.failure is not None
    assert execution.failure.type == "ScenarioTimeoutError"
    assert (entries(bench, "two"), entries(bench, "four")) == ("", "")
    assert await taken(bench) == set()


async def test_a_rollback_that_fails_when_the_run_is_over_anyway_is_told_too(
    tmp_path: Path,
) -> None:
    two = f"{slow('execute')}, fail_on: rollback"
    bench = Bench(tmp_path, flow(auto=False, two=two, more="timeout_minutes: 0.5"))

    execution = await bench.run()

    assert execution.failure is not None
    assert execution.failure.type == "ScenarioTimeoutError"
    assert bench.listener.notes[-1] == "`two` could not roll back: no answer to ROLLBACK"
    assert await taken(bench) == set()


async def test_bundles_that_have_committed_do_not_come_again_for_one_that_is_in_doubt(
    tmp_path: Path,
) -> None:
    two = f"{slow('execute')}, fail_on: rollback"
    bench = Bench(tmp_path, flow(auto=True, two=two))

    await interrupted(bench)

    assert bench.listener.notes == ["`two` could not roll back: no answer to ROLLBACK"]

    await bench.resume()

    assert [one.failure.type for one in await bench.stored()] == ["OutcomeUnknownError"]
    assert (entries(bench, "two"), entries(bench, "four")) == ("13", "13")
    assert await taken(bench) == {"1", "2", "3"}


# tools.increment that is never reset

NUMBERED = """
    settings: {auto_commit: AUTO, store_incomplete_executions: true}
    inputs: {breaks: {type: boolean, default: false}}
    flow:
      - {id: mail, module: tools.basic_trigger, with: {bundles: [{n: 1}, {n: 2}]}}
      - {id: serial, module: tools.increment, with: {reset_after: RESET}}
      - id: save
        module: probe.record
        with:
          text: "{{ serial.i }}"
          fail: "{{ if(inputs.breaks and mail.n == 2, 'DataError', null) }}"
        on_error: [HANDLER]
"""


def numbered(*, auto: bool, handler: str = "module: flow.rollback", reset: str = "never") -> str:
    text = NUMBERED.replace("AUTO", str(auto).lower()).replace("HANDLER", handler)
    return text.replace("RESET", reset)


@pytest.mark.parametrize("auto", [True, False])
async def test_a_number_that_is_never_reset_goes_on_in_the_next_run(
    tmp_path: Path, auto: bool
) -> None:
    bench = Bench(tmp_path, numbered(auto=auto))
    await bench.run(inputs={"breaks": False})
    await bench.run(inputs={"breaks": False})
    assert bench.seen == ["save:1", "save:2", "save:3", "save:4"]


@pytest.mark.parametrize(("auto", "next_number"), [(True, 3), (False, 1)])
async def test_it_goes_back_with_its_cycle_unless_it_has_committed(
    tmp_path: Path, auto: bool, next_number: int
) -> None:
    bench = Bench(tmp_path, numbered(auto=auto))
    await bench.run(inputs={"breaks": True})
    (note,) = bench.listener.notes
    assert note.startswith("not undone: serial (2 operations)" if auto else "rolled back: serial;")
    await bench.run(inputs={"breaks": False})
    assert bench.seen[2] == f"save:{next_number}"


async def test_a_number_that_begins_anew_is_no_transaction(tmp_path: Path) -> None:
    bench = Bench(tmp_path, numbered(auto=False, reset="execution"))
    await bench.run(inputs={"breaks": True})
    assert bench.listener.notes == ["not undone: save (1 operation)"]
    await bench.run(inputs={"breaks": False})
    assert bench.seen == ["save:1", "save:2", "save:1", "save:2"]


async def test_how_long_a_number_lives_may_be_mapped(tmp_path: Path) -> None:
    reset = "\"{{ if(mail.n == 1, 'never', 'execution') }}\""
    bench = Bench(tmp_path, numbered(auto=True, reset=reset))
    for _ in range(2):
        await bench.run(inputs={"breaks": False})
    assert bench.seen == ["save:1", "save:1", "save:2", "save:1"]


async def test_the_first_node_may_number_too(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: serial, module: tools.increment, with: {reset_after: never}}
          - {id: save, module: probe.record, with: {text: "{{ serial.i }}"}}
        """,
    )
    await bench.run()
    await bench.run()
    assert bench.seen == ["save:1", "save:2"]


async def test_a_replay_goes_on_with_the_number_of_today(tmp_path: Path) -> None:
    risky = "{id: risky, module: probe.record, with: {text: risky, fail: DataError}}"
    bench = Bench(
        tmp_path,
        f"""
        settings: {{store_incomplete_executions: true}}
        flow:
          - {{id: mail, module: tools.basic_trigger, with: {{bundles: [{{n: 1}}, {{n: 2}}]}}}}
          - {risky}
          - {{id: serial, module: tools.increment, with: {{reset_after: never}}}}
          - {{id: save, module: probe.record, with: {{text: "{{{{ serial.i }}}}"}}}}
        """,
    )
    await bench.run()
    bench.text = bench.text.replace("DataError", "null")

    for waiting in await bench.stored():
        await bench.replay(waiting.id)
    await bench.run()

    assert [line for line in bench.seen if "risky" not in line] == [
        "save:1",
        "save:2",
        "save:3",
        "save:4",
    ]
