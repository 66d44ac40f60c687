"""What a run keeps of its operations, so that a person can look back at them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clocks import LoopClock, virtually
from hypothesis import given, strategies
from runs import Bench

from engine.model.bundle import Bundle
from engine.model.execution import Status
from engine.model.history import History, KeptOperation, Seen, Stretch, fits
from engine.model.retention import Budget
from engine.run.history import HEAVY, STRETCHES, Recorder
from engine.store.encode import encode

COUNT = """
    settings: {SETTINGS}
    flow:
      - id: each
        module: flow.repeater
        with: {start: 1, repeats: REPEATS, step: 1}
      - id: twice
        module: probe.pass
        with: {value: "{{ each.i * 2 }}"}
"""

NESTED = """
    flow:
      - id: order
        module: tools.basic_trigger
        with: {bundles: [{id: a, lines: [1, 2]}, {id: b, lines: [3, 4, 5, 6]}]}
      - id: line
        module: flow.iterator
        with: {array: "{{ order.lines }}"}
      - id: label
        module: probe.pass
        with: {value: "{{ order.id ~ line.value }}"}
      - id: all
        module: tools.text_aggregator
        with: {source: line, text: "{{ label.value }}"}
      - id: end
        module: probe.pass
        with: {value: "{{ all.text }}"}
"""


def count(repeats: int, settings: str = "") -> str:
    return COUNT.replace("REPEATS", str(repeats)).replace("SETTINGS", settings)


async def kept(bench: Bench, **given: Any) -> History:
    execution = await bench.run(**given)
    history = await bench.store.history(execution.id)
    assert history is not None
    return history


def numbers(operations: Sequence[KeptOperation]) -> list[int]:
    return [one.number for one in operations]


def saw(one: KeptOperation) -> dict[str, Any]:
    """What a node could map, without the order of bundles."""
    return {name: own(bundle) for name, bundle in one.bundles.items()}


def own(bundle: Mapping[str, Any] | None) -> dict[str, Any]:
    assert bundle is not None
    return {name: value for name, value in bundle.items() if not name.startswith(("__", "bundle_"))}


async def test_the_first_and_the_last_operations_are_kept_with_what_they_saw(
    tmp_path: Path,
) -> None:
    operations = (await kept(Bench(tmp_path, count(100)))).operations

    twice = operations["twice"]
    assert numbers(twice) == [*range(1, 11), *range(91, 101)]
    assert all(saw(one) == {"each": {"i": one.number}} for one in twice)
    assert all(one.outputs == ({"value": 2 * one.number},) for one in twice)
    [each] = operations["each"]
    assert (numbers([each]), len(each.bundles), each.emitted) == ([1], 0, 100)
    assert [own(bundle) for bundle in each.outputs] == [{"i": 1}, {"i": 2}, {"i": 3}]


async def test_each_operation_saw_its_own_bundle_at_every_depth(tmp_path: Path) -> None:
    operations = (await kept(Bench(tmp_path, NESTED))).operations

    seen = [
        (one.bundles["order"]["id"], one.bundles["line"]["value"]) for one in operations["label"]
    ]
    assert seen == [("a", 1), ("a", 2), ("b", 3), ("b", 4), ("b", 5), ("b", 6)]
    assert [one.emitted for one in operations["line"]] == [2, 4]
    assert [len(one.outputs) for one in operations["line"]] == [2, 3]
    assert [saw(one) for one in operations["end"]] == [
        {"order": {"id": "a", "lines": [1, 2]}, "all": {"text": "a1a2"}},
        {"order": {"id": "b", "lines": [3, 4, 5, 6]}, "all": {"text": "b3b4b5b6"}},
    ]


async def test_an_aggregator_counts_what_came_to_it_and_its_last_bundle_has_the_result(
    tmp_path: Path,
) -> None:
    operations = (await kept(Bench(tmp_path, NESTED))).operations

    every = operations["all"]
    assert numbers(every) == [1, 2, 3, 4, 5, 6]
    assert [one.bundles["label"]["value"] for one in every] == ["a1", "a2", "b3", "b4", "b5", "b6"]
    assert [[own(bundle)["text"] for bundle in one.outputs] for one in every] == [
        [], ["a1a2"], [], [], [], ["b3b4b5b6"],
    ]  # fmt: skip


async def test_an_aggregation_of_nothing_is_kept_too(tmp_path: Path) -> None:
    text = NESTED.replace("lines: [1, 2]", "lines: []")
    operations = (await kept(Bench(tmp_path, text))).operations

    assert [(one.number, one.emitted) for one in operations["all"]] == [
        (1, 1), (2, 0), (3, 0), (4, 0), (5, 1),
    ]  # fmt: skip


async def test_failures_are_kept_between_the_first_and_the_last(tmp_path: Path) -> None:
    text = (
        count(100).replace("each.i * 2", "1 / (each.i - 50)")
        + "        on_error: [{module: flow.ignore}]\n"
    )
    operations = (await kept(Bench(tmp_path, text))).operations

    twice = operations["twice"]
    assert numbers(twice) == [*range(1, 11), 50, *range(91, 101)]
    [failed] = [one for one in twice if one.failure is not None]
    assert (failed.number, saw(failed), failed.outputs) == (50, {"each": {"i": 50}}, ())
    assert failed.failure is not None
    assert failed.failure.type == "DataError"
    assert "probe.yaml" in failed.failure.where


async def test_of_very_many_failures_the_first_hundred_and_the_last_are_kept(
    tmp_path: Path,
) -> None:
    text = count(150).replace("each.i * 2", "1 / 0") + "        on_error: [{module: flow.ignore}]\n"
    operations = (await kept(Bench(tmp_path, text))).operations

    assert numbers(operations["twice"]) == [*range(1, 101), *range(141, 151)]


async def test_a_node_on_an_error_route_saw_the_error(tmp_path: Path) -> None:
    text = """
    flow:
      - id: each
        module: flow.repeater
        with: {start: 0, repeats: 12, step: 1}
      - id: part
        module: probe.pass
        with: {value: "{{ 1 / (each.i % 2) }}"}
        on_error:
          - id: tell
            module: probe.pass
            with: {value: "{{ error.message ~ part.error.type }}"}
          - module: flow.ignore
    """
    operations = (await kept(Bench(tmp_path, text))).operations

    assert numbers(operations["part"]) == list(range(1, 13))
    tell = operations["tell"]
    assert [one.bundles["each"]["i"] for one in tell] == [0, 2, 4, 6, 8, 10]
    assert all(one.bundles["error"]["type"] == "DataError" for one in tell)


async def test_each_node_on_an_error_route_saw_the_error_of_its_time(tmp_path: Path) -> None:
    text = """
    flow:
      - id: each
        module: flow.repeater
        with: {start: 1, repeats: 1, step: 1}
      - id: part
        module: steps.plain
        with: {reads: x, emits: [], faults: [[DataError, DataError, DataError]]}
        on_error:
          - id: before
            module: probe.pass
            with: {value: "{{ error.message }}"}
          - module: flow.retry
            with: {attempts: 1, interval: 1s, error_types: [DataError]}
          - id: after
            module: probe.pass
            with: {value: "{{ error.message }}"}
          - module: flow.ignore
    """
    operations = (await kept(Bench(tmp_path, text))).operations

    [before], [after] = operations["before"], operations["after"]
    assert (
        before.bundles["error"]["message"] == own(before.outputs[0])["value"] == "attempt 1 fails"
    )
    assert after.bundles["error"]["message"] == own(after.outputs[0])["value"] == "attempt 2 fails"


async def test_operations_that_ran_ahead_are_kept_in_their_turn(tmp_path: Path) -> None:
    text = """
    flow:
      - id: each
        module: flow.repeater
        with: {start: 1, repeats: 30, step: 1}
      - id: note
        module: probe.record
        concurrency: 4
        with: {text: "{{ each.i }}"}
    """
    operations = (await kept(Bench(tmp_path, text))).operations

    assert numbers(operations["note"]) == [*range(1, 11), *range(21, 31)]
    assert all(saw(one) == {"each": {"i": one.number}} for one in operations["note"])
    assert all(one.outputs == ({"text": str(one.number)},) for one in operations["note"])


def stretches_of(folder: Path, text: str) -> Mapping[str, Sequence[Stretch]]:
    async def told() -> History:
        return await kept(Bench(folder, text, clock=LoopClock()))

    return virtually(told()).stretches


SLOW = """
    flow:
      - {id: came, module: slow.source, with: {count: 3}}
      - id: slow
        module: slow.action
        CONCURRENCY
        with: {name: "{{ came.nr }}", seconds: "{{ came.nr }}"}
      - {id: save, module: probe.record, with: {text: "{{ slow.name }}"}}
"""


def test_when_nodes_worked_is_kept(tmp_path: Path) -> None:
    one_by_one = stretches_of(tmp_path, SLOW.replace("CONCURRENCY", "label: slow"))
    overlapping = stretches_of(tmp_path, SLOW.replace("CONCURRENCY", "concurrency: 3"))

    assert one_by_one["slow"] == ((0.0, 1.0, 1), (1.0, 2.0, 2), (3.0, 3.0, 3))
    assert overlapping["slow"] == ((0.0, 1.0, 0), (0.0, 2.0, 0), (0.0, 3.0, 0))


def test_of_many_stretches_the_first_and_the_last_are_kept(tmp_path: Path) -> None:
    recorder = Recorder(Bench(tmp_path, count(1)).plan, Budget(), begun=10.0)
    for number in range(1000):
        recorder.worked("twice", 10.0 + number, 0.5, number)
    recorder.keep["twice"]((1, {"each": {"i": 1}}, [{}], 1))

    history = recorder.history({})

    assert history is not None
    kept_ones = [one.begun for one in history.stretches["twice"]]
    assert kept_ones == [*map(float, range(STRETCHES)), *map(float, range(900, 1000))]


async def test_a_search_is_one_operation_with_its_first_bundles(tmp_path: Path) -> None:
    text = """
    flow:
      - id: start
        module: tools.basic_trigger
        with: {bundles: [{n: 2}, {n: 0}, {n: 5}]}
      - id: found
        module: probe.search
        with: {count: "{{ start.n }}"}
    """
    operations = (await kept(Bench(tmp_path, text))).operations

    assert [(one.number, one.emitted) for one in operations["found"]] == [(1, 2), (2, 0), (3, 5)]
    assert [len(one.outputs) for one in operations["found"]] == [2, 0, 3]
    assert [saw(one) for one in operations["found"]] == [
        {"start": {"n": 2}}, {"start": {"n": 0}}, {"start": {"n": 5}},
    ]  # fmt: skip


async def test_a_run_that_ends_in_error_keeps_what_happened_and_the_scenario(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, count(9).replace("each.i * 2", "1 / (each.i - 3)"))
    execution = await bench.run(inputs={"customer": "Ann"})
    history = await bench.store.history(execution.id)

    assert execution.status is Status.ERROR
    assert history is not None
    assert numbers(history.operations["twice"]) == [1, 2, 3]
    assert (history.source, history.inputs) == (bench.plan.source, {"customer": "Ann"})


async def test_a_replay_keeps_what_it_did(tmp_path: Path) -> None:
    text = (
        count(3, "store_incomplete_executions: true").replace("probe.pass", "probe.record")
        .replace('value: "{{ each.i * 2 }}"', 'text: "{{ each.i }}", fail: DataError')
        + "        on_error: [{module: flow.break}]\n"
    )  # fmt: skip
    bench = Bench(tmp_path, text)
    await bench.run()
    second = (await bench.stored())[1]
    execution = await bench.replay(second.id)
    history = await bench.store.history(execution.id)

    assert history is not None
    [failed] = history.operations["twice"]
    assert (failed.number, saw(failed)) == (1, {"each": {"i": 2}})


async def test_confidential_data_is_not_kept(tmp_path: Path) -> None:
    for expression in ("each.i * 2", "1 / 0"):
        text = count(30, "data_is_confidential: true").replace("each.i * 2", expression)
        bench = Bench(tmp_path, text)
        execution = await bench.run()
        assert await bench.store.history(execution.id) is None


async def test_a_confidential_aggregation_is_not_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "    settings: {data_is_confidential: true}" + NESTED)
    execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert await bench.store.history(execution.id) is None


async def test_a_trigger_that_finds_nothing_leaves_no_history(tmp_path: Path) -> None:
    text = """
    flow:
      - {id: start, module: probe.emit, with: {bundles: []}}
      - {id: next, module: probe.pass, with: {value: 1}}
    """
    bench = Bench(tmp_path, text)
    execution = await bench.run()
    assert await bench.store.history(execution.id) is None


def test_large_bundles_are_let_go_while_the_run_goes_on(tmp_path: Path) -> None:
    plan = Bench(tmp_path, count(3)).plan
    recorder = Recorder(plan, Budget())
    large: Bundle = {"text": "x" * (HEAVY + 1)}
    recorder.keep["each"]((1, {}, [large, {"i": 1}], 2))
    recorder.keep["twice"]((1, {"each": large}, [{"value": 1}], 1))
    recorder.lighten()
    recorder.keep["twice"]((2, {"each": {"i": 2}}, [{"value": 2}], 1))
    recorder.lighten()

    history = recorder.history({})
    assert history is not None
    assert history.operations["each"] == [KeptOperation(1, Seen({}), [None, {"i": 1}], 2)]
    first, second = history.operations["twice"]
    assert first == KeptOperation(1, Seen({}), [{"value": 1}], 1)
    assert first.bundles.too_large == ["each"]
    assert second == KeptOperation(2, Seen({"each": {"i": 2}}), [{"value": 2}], 1)


def test_what_is_much_too_large_is_seen_without_looking_at_all_of_it() -> None:
    row = {"name": "x" * 10}
    assert fits([row] * 10, room=1000)
    assert not fits([row] * 100, room=1000)
    assert not fits([[row] * 1_000_000] * 1_000, room=1000)
    assert not fits({"a": {"b": b"x" * 1001}}, room=1000)


@given(
    strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
        lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    )
)
def test_nothing_that_would_fit_is_thought_too_large(value: Any) -> None:
    assert fits(value, room=len(encode(value)))
