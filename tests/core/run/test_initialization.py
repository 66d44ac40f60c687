"""Connections and modules are tested before any bundle moves; what fails there ends the run."""

from pathlib import Path

import pytest
from runs import Bench

from engine.errors import UnusableConnectionError
from engine.model.execution import Execution, IncompleteStatus, Phase, Status

FLOW = """
    settings: {store_incomplete_executions: true}
    on_error: [{module: flow.ignore}]
    flow:
      - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
      - {id: save, module: probe.record, with: {text: "{{ mail.id }}"}}
      - id: keep
        module: ledger.add
        with: {entry: "{{ mail.id }}", fail_on: initialize}
"""


def ended_by(execution: Execution) -> tuple[str, Phase, str]:
    """Return type, phase and place of what ended an execution before it had begun."""
    assert execution.failure is not None
    assert execution.status is Status.ERROR
    assert (execution.operations, execution.bundles) == (0, 0)
    failure = execution.failure
    return failure.type, failure.phase, failure.where.rpartition("/")[2]


async def test_a_module_that_cannot_work_ends_the_run_before_the_first_bundle(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, FLOW)

    execution = await bench.run()

    place = "probe.yaml:9:45"
    assert ended_by(execution) == ("InvalidConfigurationError", Phase.INITIALIZATION, place)
    assert execution.failure is not None
    assert execution.failure.message == "`keep`: the ledger is locked"
    assert bench.seen == []
    assert await bench.stored() == []
    assert await bench.store.cursor("probe", "mail") == {}
    assert (await bench.store.execution(execution.id)).failure == execution.failure


BROKEN = "{id: keep, module: ledger.add, with: {entry: x, fail_on: initialize}"


@pytest.mark.parametrize(
    "node",
    [
        f"{BROKEN}, disabled: true}}",
        f"{{module: flow.router, routes: [{{disabled: true, flow: [{BROKEN}}}]}}]}}",
    ],
)
async def test_what_is_disabled_is_not_tested(tmp_path: Path, node: str) -> None:
    bench = Bench(tmp_path, FLOW.partition("      - id: keep")[0] + f"      - {node}\n")
    assert (await bench.run()).status is Status.SUCCESS


async def test_modules_of_error_routes_are_tested_too(tmp_path: Path) -> None:
    broken = "[{id: keep, module: ledger.add, with: {entry: x, fail_on: initialize}}]"
    bench = Bench(
        tmp_path,
        f"""
        flow:
          - {{id: save, module: probe.record, with: {{text: x}}, on_error: {broken}}}
        """,
    )
    assert ended_by(await bench.run())[0] == "InvalidConfigurationError"


async def test_a_trigger_whose_place_is_taken_by_given_bundles_is_not_tested(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, "flow: [{id: mail, module: files.watch_folder, with: {folder: gone}}]")
    assert ended_by(await bench.run())[0] == "InvalidConfigurationError"
    assert (await bench.run(fed=[{"name": "a"}])).status is Status.SUCCESS


async def test_a_bug_in_a_module_s_own_test_ends_the_run_with_its_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FLOW.replace("fail_on: initialize", "fail_on: bug"))
    execution = await bench.run()
    assert ended_by(execution)[0] == "RuntimeError"
    assert execution.failure is not None
    assert execution.failure.message == "`keep`: `ledger.add` broke: KeyError: 'surprise'"


REFUSED = "the credential of connection `live` is refused: Unauthenticated. [HTTP 401]"


async def refuse(node_id: str) -> None:
    if node_id == "save":
        raise UnusableConnectionError("AccountValidationError", REFUSED)


async def test_a_refused_credential_ends_the_run_before_the_first_bundle(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FLOW, test_connection=refuse)

    execution = await bench.run()

    assert ended_by(execution) == ("AccountValidationError", Phase.CONNECTION, "")
    assert execution.failure is not None
    assert execution.failure.message == REFUSED
    assert bench.seen == []


async def test_connections_are_tested_before_modules(tmp_path: Path) -> None:
    tested: list[str] = []

    async def test(node_id: str) -> None:
        tested.append(node_id)

    assert ended_by(await Bench(tmp_path, FLOW, test_connection=test).run())
    assert tested == ["mail", "save", "keep"]


async def test_a_refused_credential_deactivates_the_scenario_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FLOW, test_connection=refuse)
    await bench.run_in_turn()
    assert not (await bench.store.scenario("probe")).active


# Replays

STORED = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: mail, module: tools.basic_trigger, with: {bundles: [{id: 1}]}}
      - {id: before, module: ledger.add, with: {entry: x}}
      - {id: save, module: probe.record, with: {text: "{{ mail.id }}", fail: ConnectionError}}
      - {id: after, module: ledger.add, with: {entry: x}}
"""


async def test_a_replay_tests_what_it_may_run_and_no_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path, STORED)
    await bench.run()
    (waiting,) = await bench.stored()
    broken = "before, module: ledger.add, with: {entry: x, fail_on: initialize}"
    bench.text = STORED.replace("before, module: ledger.add, with: {entry: x}", broken)
    bench.text = bench.text.replace("ConnectionError", "null")
    tested: list[str] = []

    async def test(node_id: str) -> None:
        tested.append(node_id)

    bench.test_connection = test

    assert (await bench.replay(waiting.id)).status is Status.SUCCESS

    assert tested == ["save", "after"]


async def test_a_replay_that_cannot_begin_leaves_its_record_as_it_was(tmp_path: Path) -> None:
    bench = Bench(tmp_path, STORED)
    await bench.run()
    (before,) = await bench.stored()
    assert before.status is IncompleteStatus.PENDING
    bench.test_connection = refuse

    assert ended_by(await bench.replay(before.id))[1] is Phase.CONNECTION

    assert await bench.stored() == [before]
