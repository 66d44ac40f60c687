"""How long variables live: the cycle, the execution, and never longer."""

from pathlib import Path

import pytest
from runs import Bench

TWO_CYCLES = """
    settings: {max_cycles: 2}
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{n: 1}, {n: 2}]}
      - id: before
        module: tools.get_variables
        with: {names: [short, long, never]}
      - id: save
        module: probe.record
        with: {text: "{{ before.short }} {{ before.long }} {{ before.never }}"}
      - {SHORT}
      - {LONG}
"""

ONE_EACH = (
    'module: tools.set_variable, with: {name: short, value: "{{ came.n }}"}',
    'module: tools.set_variable, with: {name: long, lifetime: execution, value: "{{ came.n }}"}',
)
SEVERAL = (
    'module: tools.set_variables, with: {variables: {short: "{{ came.n }}"}}',
    "module: tools.set_variables,"
    ' with: {lifetime: execution, variables: {long: "{{ came.n }}", other: 1}}',
)


@pytest.mark.parametrize(("short", "long"), [ONE_EACH, SEVERAL])
async def test_a_variable_lives_for_its_cycle_or_for_the_execution(
    tmp_path: Path, short: str, long: str
) -> None:
    bench = Bench(tmp_path, TWO_CYCLES.replace("SHORT", short).replace("LONG", long))

    await bench.run()
    assert bench.seen == ["save:  ", "save:1 1 ", "save: 2 ", "save:1 1 "]

    await bench.run()
    assert bench.seen[4:] == bench.seen[:4]


async def test_the_last_write_of_a_name_wins_until_its_own_time_is_over(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {max_cycles: 2}
        flow:
          - id: came
            module: tools.basic_trigger
            with: {bundles: [{n: 1}]}
          - id: before
            module: tools.get_variable
            with: {name: a}
          - module: tools.set_variable
            with: {name: a, lifetime: execution, value: long}
          - module: tools.set_variable
            with: {name: a, value: short}
          - id: after
            module: tools.get_variable
            with: {name: a}
          - id: save
            module: probe.record
            with: {text: "{{ before.a }}, {{ after.a }}"}
        """,
    )

    await bench.run()

    assert bench.seen == ["save:, short", "save:long, short"]


async def test_the_name_of_a_variable_can_be_mapped(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: came
            module: tools.basic_trigger
            with: {bundles: [{key: x, n: 1}, {key: y, n: 2}]}
          - id: set
            module: tools.set_variable
            with: {name: "{{ came.key }}", value: "{{ came.n }}"}
          - id: found
            module: tools.get_variables
            with: {names: "{{ [came.key, 'x'] }}"}
          - id: save
            module: probe.record
            with: {text: "{{ found.x }} {{ found.y }} {{ set[came.key] }}"}
        """,
    )

    await bench.run()

    assert bench.seen == ["save:1  1", "save:1 2 2"]
