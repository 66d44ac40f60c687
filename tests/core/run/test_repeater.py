"""The repeater: its numbers, as a source, in the first place, and what it refuses."""

from pathlib import Path

import pytest
from runs import Bench

from engine.errors import ScenarioError
from engine.model.execution import Status

FIRST = """
    SETTINGS
    flow:
      - id: turn
        module: flow.repeater
        with: {OPTIONS}
      - id: save
        module: probe.record
        with: {text: "{{ turn.i ~ '' }}"}
"""


def first(folder: Path, options: str, settings: str = "") -> Bench:
    return Bench(folder, FIRST.replace("OPTIONS", options).replace("SETTINGS", settings))


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ("repeats: 3", ["1", "2", "3"]),
        ("start: 10, repeats: 3, step: -5", ["10", "5", "0"]),
        ("start: 0.5, repeats: 2, step: 0.25", ["0.5", "0.75"]),
        ("start: 7, repeats: 2, step: 0", ["7", "7"]),
        ('start: "2", repeats: "2", step: "1.5"', ["2", "3.5"]),
        ("repeats: 0", []),
    ],
)
async def test_a_repeater_emits_start_and_one_step_more_each_time(
    tmp_path: Path, options: str, numbers: list[str]
) -> None:
    bench = first(tmp_path, options)

    execution = await bench.run()

    assert execution.status is Status.SUCCESS
    assert bench.seen == [f"save:{number}" for number in numbers]
    assert execution.nodes["turn"].operations == 1


async def test_a_repeater_in_the_first_place_runs_in_every_cycle(tmp_path: Path) -> None:
    bench = first(tmp_path, "repeats: 2", "settings: {max_cycles: 3}")

    execution = await bench.run()

    assert bench.seen == ["save:1", "save:2"] * 3
    assert execution.nodes["turn"].operations == 3


async def test_given_bundles_take_the_place_of_a_repeater(tmp_path: Path) -> None:
    bench = first(tmp_path, "repeats: 9")

    execution = await bench.run(fed=[{"i": 40}, {"i": 41}])

    assert bench.seen == ["save:40", "save:41"]
    assert execution.nodes["turn"].bundles == 2


async def test_ten_thousand_turns_are_the_most(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: turn
            module: flow.repeater
            with: {repeats: 10000}
          - id: all
            module: tools.numeric_aggregator
            with: {function: sum, value: "{{ turn.i }}"}
          - id: save
            module: probe.record
            with: {text: "{{ all.result }}"}
        """,
    )

    await bench.run()

    assert bench.seen == ["save:50005000"]


NESTED = """
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{n: 2}, {n: 0}, {n: 1}]}
      - id: turn
        module: flow.repeater
        with: {start: "{{ came.n * 10 }}", repeats: "{{ came.n }}"}
      - id: all
        module: tools.text_aggregator
        with: {text: "{{ turn.i }} {{ turn.bundle_index }}/{{ turn.__IMTLENGTH__ }}",
               row_separator: ", "}
      - id: save
        module: probe.record
        with: {text: "{{ came.n }}: {{ all.text }}"}
"""


async def test_a_repeater_is_an_aggregators_source_and_carries_order_items(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NESTED)

    await bench.run()

    assert bench.seen == ["save:2: 20 1/2, 21 2/2", "save:0: ", "save:1: 10 1/1"]


async def test_mapped_numbers_out_of_bounds_fail_their_bundle_with_the_place(
    tmp_path: Path,
) -> None:
    text = NESTED.replace("{n: 0}", "{n: 10001}").replace(
        "      - id: all", "        on_error: [module: flow.ignore]\n      - id: all"
    )
    bench = Bench(tmp_path, text)

    execution = await bench.run()

    assert execution.nodes["turn"].failed == 1
    ((node, failure, _outcome),) = bench.listener.failures
    assert (node, failure.partition(":")[0]) == ("turn", "BundleValidationError")
    assert "`repeats`" in failure
    assert len(bench.seen) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("start: 1", "needs the field `repeats`"),
        ("repeats: -1", "at least 0"),
        ("repeats: 10001", "at most 10000"),
        ("repeats: 1.5", "whole number"),
        ('repeats: 1, step: "inf"', "should be a number"),
        ('repeats: 1, start: "nan"', "should be a number"),
        ("repeats: 1, start: soon", "should be a number"),
    ],
)
def test_numbers_that_cannot_work_are_refused_at_load(
    tmp_path: Path, options: str, says: str
) -> None:
    with pytest.raises(ScenarioError, match=says):
        _ = first(tmp_path, options).plan


def test_an_item_that_a_repeater_does_not_emit_is_refused_at_load(tmp_path: Path) -> None:
    bench = first(tmp_path, "repeats: 1")
    bench.text = bench.text.replace("turn.i ", "turn.value ")

    with pytest.raises(ScenarioError, match="`turn` has no item `value`"):
        _ = bench.plan


def test_an_iterator_still_cannot_stand_first(tmp_path: Path) -> None:
    bench = first(tmp_path, "array: [1]")
    bench.text = bench.text.replace("flow.repeater", "flow.iterator")

    with pytest.raises(ScenarioError, match=r"`flow\.iterator` cannot stand first"):
        _ = bench.plan
