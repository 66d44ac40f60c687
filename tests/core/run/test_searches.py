"""Searches that find nothing, and what goes on instead if an aggregator fails on a bundle."""

from pathlib import Path

import pytest
from runs import Bench

from engine.model.execution import Status

SEARCH = """
    flow:
      - {id: came, module: tools.basic_trigger, with: {bundles: [{nr: 1}, {nr: 2}]}}
      - id: found
        module: steps.search
        with: {reads: "{{ came.nr }}", emits: EMITS, continue_if_no_results: GOES_ON}
      - {id: save, module: probe.record, with: {text: "{{ came.nr }}:{{ found.nr }}"}}
"""


@pytest.mark.parametrize(
    ("emits", "goes_on", "seen"),
    [
        ("[]", "false", []),
        ("[]", "true", ["save:1:", "save:2:"]),
        ("[{nr: a}]", "true", ["save:1:a", "save:2:a"]),
        ("[{nr: a}, {nr: b}]", "false", ["save:1:a", "save:1:b", "save:2:a", "save:2:b"]),
    ],
)
async def test_a_search_without_results_ends_the_way_unless_it_is_to_go_on(
    tmp_path: Path, emits: str, goes_on: str, seen: list[str]
) -> None:
    bench = Bench(tmp_path, SEARCH.replace("EMITS", emits).replace("GOES_ON", goes_on))

    execution = await bench.run()

    assert (bench.seen, execution.status) == (seen, Status.SUCCESS)
    assert execution.nodes["found"].operations == 2


async def test_the_bundle_of_a_search_without_results_has_no_items(tmp_path: Path) -> None:
    text = SEARCH.replace("EMITS", "[]").replace("GOES_ON", "true")
    text = text.replace("{{ came.nr }}:{{ found.nr }}", "{{ length(keys(found)) }}")
    bench = Bench(tmp_path, text)

    await bench.run()

    assert bench.seen == ["save:0", "save:0"]


SUM = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: came, module: tools.basic_trigger, with: {bundles: [{rows: [1, x, 2, y]}]}}
      - {id: row, module: flow.iterator, with: {array: "{{ came.rows }}"}}
      - id: total
        module: tools.numeric_aggregator
        with: {function: sum, value: "{{ row.value }}" GROUP}
        on_error: [{module: flow.resume, with: {result: "not {{ row.value }}"}}]
      - {id: save, module: probe.record, with: {text: "{{ total.result }}"}}
"""


@pytest.mark.parametrize(
    ("group", "seen"),
    [
        ("", ["save:not x"]),
        (", group_by: '{{ row.bundle_index }}'", ["save:1", "save:2", "save:not x", "save:not y"]),
    ],
)
async def test_a_substitute_for_a_set_is_emitted_in_its_place(
    tmp_path: Path, group: str, seen: list[str]
) -> None:
    bench = Bench(tmp_path, SUM.replace(" GROUP", group))

    execution = await bench.run()

    assert (bench.seen, execution.status) == (seen, Status.SUCCESS)
    assert execution.nodes["total"].failed == 2


@pytest.mark.parametrize(("handler", "status"), [("ignore", 1), ("break", 2)])
async def test_without_a_substitute_the_set_is_of_what_did_not_fail(
    tmp_path: Path, handler: str, status: int
) -> None:
    text = SUM.replace(" GROUP", "").replace(
        'flow.resume, with: {result: "not {{ row.value }}"}', f"flow.{handler}"
    )
    bench = Bench(tmp_path, text)

    execution = await bench.run()

    assert (bench.seen, execution.status) == (["save:3"], status)
    stored = [record.bundles["row"]["value"] for record in await bench.stored()]
    assert stored == (["x", "y"] if handler == "break" else [])
