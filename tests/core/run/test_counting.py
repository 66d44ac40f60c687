"""How operations are counted: what a scenario's author pays for, by Fusion's rules."""

from pathlib import Path

from runs import Bench

from engine.model.execution import Status


async def counted(bench: Bench) -> dict[str, int]:
    """Run, and return the operations of nodes that have any."""
    execution = await bench.run()
    counts = {node: count.operations for node, count in execution.nodes.items()}
    assert execution.operations == sum(counts.values())
    return {node: operations for node, operations in counts.items() if operations}


async def test_the_first_module_counts_once_a_cycle_even_if_it_yields_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: []}}
          - {id: save, module: probe.record, with: {text: "{{ mail.id }}"}}
        """,
    )
    assert await counted(bench) == {"mail": 1}


async def test_an_aggregator_counts_once_per_set_and_not_per_bundle(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}}
          - id: odd
            module: flow.array_aggregator
            with: {source: mail, group_by: "{{ mail.id % 2 }}", fields: {id: "{{ mail.id }}"}}
          - {id: save, module: probe.record, with: {text: "{{ odd.key }}"}}
        """,
    )
    assert await counted(bench) == {"mail": 1, "odd": 2, "save": 2}


async def test_an_empty_aggregation_that_emits_counts_too(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: []}}
          - id: all
            module: flow.array_aggregator
            with: {source: mail, stop_if_empty: STOP, fields: {id: "{{ mail.id }}"}}
        """,
    )
    text = bench.text
    bench.text = text.replace("STOP", "false")
    assert await counted(bench) == {"mail": 1, "all": 1}
    bench.text = text.replace("STOP", "true")
    assert await counted(bench) == {"mail": 1}


async def test_what_fails_is_not_counted_nor_are_directives(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
          - id: save
            module: probe.record
            with: {text: x, fail: "{{ if(mail.id == 1, 'DataError', null) }}"}
            on_error: [{id: drop, module: flow.ignore}]
        """,
    )
    execution = await bench.run()
    assert execution.status is Status.SUCCESS
    assert (execution.nodes["save"].operations, execution.nodes["save"].failed) == (1, 1)
    assert execution.nodes["drop"].operations == 0
    assert execution.operations == 2


async def test_modules_of_an_error_route_count_when_they_succeed(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1}]}}
          - id: save
            module: probe.record
            with: {text: x, fail: DataError}
            on_error:
              - {id: tell, module: probe.record, with: {text: "{{ error.type }}"}}
              - {id: drop, module: flow.ignore}
        """,
    )
    assert await counted(bench) == {"mail": 1, "tell": 1}


async def test_routers_filters_and_what_is_not_reached_count_nothing(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
          - id: ways
            module: flow.router
            routes:
              - filter: "{{ mail.id == 1 }}"
                flow: [{id: one, module: probe.record, with: {text: x}}]
              - filter: "{{ mail.id == 3 }}"
                flow: [{id: three, module: probe.record, with: {text: x}}]
              - flow:
                  - id: big
                    module: probe.record
                    filter: "{{ mail.id > 9 }}"
                    with: {text: x}
              - disabled: true
                flow: [{id: never, module: probe.record, with: {text: x}}]
        """,
    )
    assert await counted(bench) == {"mail": 1, "one": 1}


async def test_a_trigger_counts_in_a_run_that_stops_midway(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1}, {id: 2}]}}
          - {id: save, module: probe.record, with: {text: x, fail: RuntimeError}}
        """,
    )
    assert await counted(bench) == {"mail": 1}


async def test_an_iterator_counts_per_array_and_a_search_per_bundle(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - {id: mail, module: probe.emit, with: {bundles: [{id: 1, files: [a, b]}]}}
          - {id: file, module: flow.iterator, with: {array: "{{ mail.files }}"}}
          - {id: found, module: probe.search, with: {count: 2}}
          - {id: save, module: probe.record, with: {text: x}}
        """,
    )
    assert await counted(bench) == {"mail": 1, "file": 1, "found": 2, "save": 4}
