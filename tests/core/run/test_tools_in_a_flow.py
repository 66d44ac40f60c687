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
