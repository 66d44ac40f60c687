"""`flow.retry` and `flow.throw`: running again in place, and raising an error anywhere."""

from pathlib import Path

import pytest
from clocks import LoopClock, StandingClock, virtually
from runs import Bench
from trials import Reader

from engine.errors import ScenarioError
from engine.model.execution import Status

FLOW = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: slow.source, with: {count: 2}}
      - id: risky
        module: slow.action
        with: {name: "{{ came.nr }}", seconds: 0, fails: ERROR, attempts: FAILS}
        on_error: [ROUTE]
      - {id: save, module: probe.record, with: {text: "{{ risky.name }}"}}
"""


def bench_of(folder: Path, route: str, *, error: str = "RateLimitError", fails: int = 9) -> Bench:
    text = FLOW.replace("ROUTE", route).replace("ERROR", error).replace("FAILS", str(fails))
    return Bench(folder, text, listener=Reader())


def retry(fields: str = "attempts: 3") -> str:
    return f"{{id: again, module: flow.retry, with: {{{fields}}}}}"


TOLD = '{id: tell, module: probe.record, with: {text: "{{ error.type }}"}}'


async def test_what_a_node_emits_in_the_end_goes_on_as_if_it_had_not_failed(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, retry() + ", " + TOLD, fails=2)

    execution = await bench.run()

    assert bench.seen == ["save:1", "save:2"]
    assert (execution.status, await bench.stored()) == (Status.SUCCESS, [])
    count = execution.nodes["risky"]
    assert (count.operations, count.failed) == (2, 4)


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        ("attempts: 4", [1, 2, 4, 8]),
        ("attempts: 3, interval: 10s, factor: 1", [10, 10, 10]),
        ("attempts: 2, interval: 1m, factor: 10", [60, 600]),
        ("attempts: 3, interval: 50m", [3000, 3600, 3600]),
        ("attempts: 2, jitter: 1", [1.5, 3]),
        ("attempts: 0", None),
        ("attempts: 101", None),
        ("factor: 0.5", None),
        ("interval: 2h", None),
        ("error_types: []", None),
        ("error_types: [Oops]", None),
    ],
)
async def test_waits_grow_and_have_bounds(
    tmp_path: Path, fields: str, waits: list[float] | None
) -> None:
    """The random number of tests is a half."""
    bench = bench_of(tmp_path, retry(fields))
    bench.clock = clock = StandingClock()
    if waits is None:
        with pytest.raises(ScenarioError):
            _ = bench.plan
        return

    await bench.run()

    assert [wait for wait in clock.slept if wait] == waits * 2


async def test_with_its_attempts_used_up_the_rest_of_the_error_route_runs(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, f"{retry()}, {TOLD}, {{module: flow.ignore}}")

    execution = await bench.run()

    assert bench.seen == ["tell:RateLimitError"] * 2
    assert (execution.status, execution.nodes["risky"].failed) == (Status.SUCCESS, 8)


async def test_standing_last_and_used_up_it_leaves_the_error_to_the_next_handler(
    tmp_path: Path,
) -> None:
    """Here the default, which stores; as is a route without a directive."""
    bench = bench_of(tmp_path, retry())
    outer = bench_of(tmp_path, retry())
    outer.text += "    on_error: [{module: flow.commit}]\n"

    execution, committed = await bench.run(), await outer.run()

    assert execution.status is Status.WARNING
    assert [one.failure.type for one in await bench.stored()] == ["RateLimitError"] * 2
    assert (committed.status, await outer.stored()) == (Status.SUCCESS, [])
    assert committed.nodes["risky"].failed == 4


async def test_an_error_of_another_type_goes_on_at_once(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, f"{retry()}, {TOLD}", error="DataError")

    execution = await bench.run()

    assert bench.seen == ["tell:DataError"] * 2
    assert execution.nodes["risky"].failed == 2


async def test_what_only_some_routes_of_an_error_route_retry(tmp_path: Path) -> None:
    """Once the node has emitted, the error route is over, and no later route runs."""
    routes = f"{{flow: [{retry()}]}}, {{flow: [{TOLD}, {{module: flow.rollback}}]}}"
    bench = bench_of(tmp_path, f"{{module: flow.router, routes: [{routes}]}}", fails=1)

    execution = await bench.run()

    assert bench.seen == ["save:1", "save:2"]
    assert execution.status is Status.SUCCESS


async def test_a_node_that_has_emitted_is_not_run_again(tmp_path: Path) -> None:
    each = "{id: each, module: flow.repeater, with: {repeats: 3}}"
    bench = bench_of(tmp_path, f"{each}, {retry()}", fails=1)

    execution = await bench.run()

    assert execution.nodes["risky"].operations == 2


async def test_a_filter_that_fails_is_not_passed_by(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, retry("error_types: [DataError]"), fails=0)
    bench.text = bench.text.replace("with: {name", 'filter: "{{ came.nr }}"\n        with: {name')

    execution = await bench.run()

    assert bench.seen == []
    assert execution.nodes["risky"].operations == 0


async def test_there_is_nothing_to_run_again_where_part_has_been_emitted(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: came
            module: probe.emit
            with: {bundles: [{id: 1}, {id: 2}], fail_after: 1}
            on_error:
              - {module: flow.retry, with: {error_types: [DataError]}}
              - {module: flow.commit}
          - {id: save, module: probe.record, with: {text: "{{ came.id }}"}}
        """,
    )

    execution = await bench.run()

    assert (bench.seen, execution.status) == (["save:1"], Status.SUCCESS)
    assert execution.nodes["came"].failed == 1


def test_a_retry_only_stands_on_an_error_route(tmp_path: Path) -> None:
    flow = "flow: [{module: probe.emit, with: {bundles: []}}, {module: flow.retry}]"

    with pytest.raises(ScenarioError, match="only stands on an error route"):
        _ = Bench(tmp_path, flow).plan


def test_a_retry_waits_by_the_clock_of_the_run(tmp_path: Path) -> None:
    async def seconds() -> float:
        bench = bench_of(tmp_path, retry("attempts: 2, interval: 1m"), fails=1)
        bench.clock = clock = LoopClock()
        await bench.run()
        return clock.monotonic()

    assert virtually(seconds()) == 120


THROW = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: slow.source, with: {count: 2}}
      - id: guard
        module: flow.throw
        with: {FIELDS}
        on_error: [ROUTE]
      - {id: save, module: probe.record, with: {text: "{{ came.nr }}"}}
"""


def throwing(folder: Path, fields: str, route: str = "") -> Bench:
    text = THROW.replace("FIELDS", fields).replace("        on_error: [ROUTE]\n", route)
    return Bench(folder, text)


async def test_an_error_is_raised_for_the_bundles_that_meet_a_condition(tmp_path: Path) -> None:
    fields = 'type: DataError, message: "no {{ came.nr }}", when: "{{ came.nr == 1 }}"'
    bench = throwing(tmp_path, fields + ", detail: {n: '{{ came.nr }}'}")

    execution = await bench.run()

    assert bench.seen == ["save:2"]
    (record,) = await bench.stored()
    failure = record.failure
    assert (failure.type, failure.message, failure.detail) == ("DataError", "no 1", {"n": 1})
    assert (record.node_id, execution.nodes["guard"].operations) == ("guard", 0)


async def test_an_error_without_a_type_ends_the_run(tmp_path: Path) -> None:
    bench = throwing(tmp_path, "message: enough")

    execution = await bench.run()

    assert (bench.seen, execution.status) == ([], Status.ERROR)
    assert execution.failure is not None
    assert (execution.failure.type, execution.failure.message) == ("RuntimeError", "enough")


async def test_a_handler_of_the_throw_decides(tmp_path: Path) -> None:
    route = "        on_error: [{module: flow.ignore}]\n"
    bench = throwing(tmp_path, 'message: stop, when: "{{ came.nr == 1 }}"', route)

    assert (await bench.run()).status is Status.SUCCESS
    assert bench.seen == ["save:2"]


async def test_on_an_error_route_it_replaces_the_error(tmp_path: Path) -> None:
    bench = bench_of(
        tmp_path,
        "{module: flow.throw, with: {type: RuntimeError, message: worse}}",
        error="DataError",
    )

    execution = await bench.run()

    assert execution.status is Status.ERROR
    assert await bench.stored() == []


def test_an_error_of_an_unknown_type_is_refused_at_load(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError):
        _ = throwing(tmp_path, "type: Oops, message: x").plan
