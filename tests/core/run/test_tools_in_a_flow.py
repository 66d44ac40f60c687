"""Tools in scenarios: variables across routes, a switch without a match, counting."""

from pathlib import Path

import pytest
from runs import Bench

from engine.errors import ScenarioError
from engine.model.execution import Status

VARIABLES = """
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{n: 1}, {n: 2}]}
      - module: flow.router
        routes:
          - flow:
              - module: tools.set_variable
                with: {name: last, value: "{{ came.n }}"}
          - flow:
              - id: found
                module: tools.get_variable
                with: {name: last}
              - id: save
                module: probe.record
                with: {text: "{{ found.last }}"}
"""


async def test_a_variable_crosses_routes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, VARIABLES)

    await bench.run()

    assert bench.seen == ["save:1", "save:2"]


SWITCH = """
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{c: de}, {c: fr}]}
      - id: country
        module: tools.switch
        with:
          input: "{{ came.c }}"
          cases: [{pattern: de, output: "{{ upper(came.c) }}"}, {pattern: xx, output: null}]
          ELSE
      - id: save
        module: probe.record
        with: {text: "<{{ country.output }}>"}
"""


@pytest.mark.parametrize(
    ("otherwise", "second"), [("", "<>"), ("else: none of them", "<none of them>")]
)
async def test_a_bundle_that_matches_no_case_goes_on(
    tmp_path: Path, otherwise: str, second: str
) -> None:
    bench = Bench(tmp_path, SWITCH.replace("ELSE", otherwise))

    execution = await bench.run()

    assert execution.status is Status.SUCCESS
    assert bench.seen == ["save:<DE>", f"save:{second}"]


def test_a_misspelt_field_of_a_switch_is_told_with_the_names_that_authors_write(
    tmp_path: Path,
) -> None:
    with pytest.raises(ScenarioError) as caught:
        _ = Bench(tmp_path, SWITCH.replace("ELSE", "otherwise: 1")).plan

    (problem,) = caught.value.problems
    assert "`tools.switch` has no field `otherwise`" in problem.message
    assert "else" in problem.notes[0]
    assert "else_" not in problem.notes[0]


COUNTED = """
    settings: {max_cycles: 2}
    flow:
      - id: turn
        module: flow.repeater
        with: {repeats: 2}
      - id: each
        module: tools.increment
        with: {reset_after: cycle}
      - id: every
        module: tools.increment
        with: {reset_after: execution}
      - id: save
        module: probe.record
        with: {text: "{{ each.i }} {{ every.i }}"}
"""


async def test_increment_counts_for_itself_until_the_end_of_the_cycle_or_of_the_execution(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, COUNTED)

    await bench.run()
    assert bench.seen == ["save:1 1", "save:2 2", "save:1 3", "save:2 4"]

    await bench.run()
    assert bench.seen[4:] == bench.seen[:4]


async def test_a_replay_is_an_execution_of_its_own_and_counts_from_one(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {store_incomplete_executions: true}
        flow:
          - id: turn
            module: flow.repeater
            with: {repeats: 2}
          - id: risky
            module: probe.record
            with: {text: "{{ turn.i }}", fail: "{{ if(turn.i == 2, 'DataError', null) }}"}
            on_error:
              - module: flow.break
          - id: nr
            module: tools.increment
            with: {reset_after: execution}
          - id: save
            module: probe.record
            with: {text: "{{ nr.i }}"}
        """,
    )
    await bench.run()
    (record,) = await bench.stored()
    bench.text = bench.text.replace("turn.i == 2, 'DataError'", "false, 'DataError'")

    await bench.replay(record.id)

    assert bench.seen == ["risky:1", "save:1", "risky:2", "risky:2", "save:1"]


async def test_a_flow_sleeps_by_the_clock_of_the_run(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: turn
            module: flow.repeater
            with: {repeats: 3}
          - module: tools.sleep
            with: {duration: "{{ turn.i * 100 }}"}
          - id: save
            module: probe.record
            with: {text: "{{ turn.i }}"}
        """,
    )
    before = bench.clock.now()

    execution = await bench.run()

    assert execution.status is Status.SUCCESS
    assert (bench.clock.now() - before).total_seconds() == 600
    assert bench.seen == ["save:1", "save:2", "save:3"]


RETRY_IN_PLACE = """
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{works_at: 3}, {works_at: 1}, {works_at: 9}]}
      - module: tools.set_variable
        with: {name: done}
      - id: turn
        module: flow.repeater
        with: {repeats: 4}
      - id: before
        module: tools.get_variable
        with: {name: done}
      - id: risky
        module: probe.record
        filter: {any: [{all: [["{{ before.done }}", notexist]]}]}
        with:
          text: "{{ came.works_at }} at {{ turn.i }}"
          fail: "{{ if(turn.i < came.works_at, 'ConnectionError', null) }}"
        on_error:
          - module: tools.sleep
            with: {duration: 20}
          - module: flow.ignore
      - module: tools.set_variable
        with: {name: done, value: "{{ risky.text }}"}
      - id: turns
        module: flow.array_aggregator
        with: {source: turn, fields: {i: "{{ turn.i }}"}}
      - id: result
        module: tools.get_variable
        with: {name: done}
      - id: save
        module: probe.record
        with: {text: "{{ ifempty(result.done, 'gave up') }}"}
"""


async def test_fusions_recipe_for_a_retry_in_place_works(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RETRY_IN_PLACE)

    execution = await bench.run()

    assert execution.status is Status.SUCCESS
    assert bench.seen == [
        *("risky:3 at 1", "risky:3 at 2", "risky:3 at 3", "save:3 at 3"),
        *("risky:1 at 1", "save:1 at 1"),
        *(f"risky:9 at {turn}" for turn in (1, 2, 3, 4)),
        "save:gave up",
    ]
    assert bench.clock.slept == [20.0] * 6
