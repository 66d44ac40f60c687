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
