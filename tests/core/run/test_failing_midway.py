"""What fails where several bundles meet: searches, aggregations, error routes, and counts."""

from pathlib import Path

import pytest
from runs import Bench

from engine.errors import ScenarioError
from engine.model.execution import Status

SEARCH = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: found
        module: steps.search
        with: {reads: "", emits: [{nr: 1}, {nr: 2}], faults: [[DataError]]}
        on_error: [{module: DIRECTIVE}]
      - id: all
        module: flow.array_aggregator
        with: {source: found, fields: {text: "{{ found.nr }}"}}
      - id: save
        module: probe.record
        with: {text: "{{ all.array_length }}"}
"""


@pytest.mark.parametrize(("directive", "seen"), [("ignore", []), ("resume", ["save:1"])])
async def test_a_search_that_fails_at_once_collects_its_substitute_or_nothing(
    tmp_path: Path, directive: str, seen: list[str]
) -> None:
    bench = Bench(tmp_path, SEARCH.replace("DIRECTIVE", f"flow.{directive}"))

    execution = await bench.run()

    assert bench.seen == seen
    assert execution.nodes["found"].operations == 0


async def test_a_scenario_that_begins_with_a_search_makes_every_cycle(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {max_cycles: 3}
        flow: [{id: found, module: probe.search, with: {count: 0}}]
        """,
    )

    assert (await bench.run()).nodes["found"].operations == 3


STOPPED = """
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}]}
      - id: risky
        module: probe.record
        with: {text: "{{ came.id }}", fail: DataError}
        on_error: [{module: DIRECTIVE}]
"""


@pytest.mark.parametrize("directive", ["flow.commit", "flow.rollback"])
async def test_a_trigger_counts_its_operation_in_a_cycle_that_stops(
    tmp_path: Path, directive: str
) -> None:
    execution = await Bench(tmp_path, STOPPED.replace("DIRECTIVE", directive)).run()

    assert (execution.nodes["came"].operations, execution.nodes["risky"].operations) == (1, 0)


async def test_a_directive_that_stops_the_cycle_stops_its_error_route_too(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: came
            module: probe.emit
            with: {bundles: [{id: 1}]}
          - id: risky
            module: probe.record
            with: {text: "{{ came.id }}", fail: DataError}
            on_error:
              - module: flow.router
                routes:
                  - flow: [{module: flow.commit}]
                  - flow: [{id: tell, module: probe.record, with: {text: told}}]
        """,
    )

    execution = await bench.run()

    assert bench.seen == ["risky:1"]
    assert execution.status is Status.SUCCESS


async def test_a_credential_refused_on_an_error_route_leaves_the_failed_node_open(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {store_incomplete_executions: true}
        flow:
          - id: came
            module: probe.emit
            with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}
          - id: risky
            module: probe.record
            with: {text: "{{ came.id }}", fail: "{{ if(came.id < 3, 'DataError', null) }}"}
            on_error:
              - {id: tell, module: probe.record, with: {text: t, fail: InvalidAccessTokenError}}
              - module: flow.ignore
        """,
    )

    execution = await bench.run()

    assert bench.seen == ["risky:1", "tell:t", "risky:2", "risky:3"]
    stored = sorted(record.bundles["came"]["id"] for record in await bench.stored())
    assert (stored, execution.status) == ([1, 2], Status.WARNING)


CHAINED = """
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}]}
      - id: part
        module: flow.iterator
        with: {array: [x, y]}
      - id: parts
        module: flow.array_aggregator
        with: {source: part, group_by: "{{ part.value }}", fields: {v: "{{ part.value }}"}}
      - id: groups
        module: flow.array_aggregator
        with: {source: parts, fields: {key: "{{ parts.key }}"}}
      - id: save
        module: probe.record
        with: {text: "{{ WHAT }}"}
"""


async def test_after_an_aggregator_of_an_aggregator_what_the_first_one_closed_stays_closed(
    tmp_path: Path,
) -> None:
    with pytest.raises(ScenarioError, match="is closed by the aggregator"):
        await Bench(tmp_path, CHAINED.replace("WHAT", "part.value")).run()

    bench = Bench(tmp_path, CHAINED.replace("WHAT", "came.id ~ groups.array_length"))
    await bench.run()

    assert bench.seen == ["save:12", "save:22"]


async def test_a_router_s_error_route_sees_nothing_of_what_an_aggregator_has_closed(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: came
            module: probe.emit
            with: {bundles: [{id: 1}, {id: 2}]}
          - module: flow.router
            on_error:
              - id: tell
                module: probe.record
                with: {text: "of <{{ came.id }}>"}
            routes:
              - flow:
                  - id: all
                    module: flow.array_aggregator
                    with: {source: came, fields: {id: "{{ came.id }}"}}
                  - id: risky
                    module: probe.record
                    with: {text: "{{ all.array_length }}", fail: DataError}
        """,
    )

    await bench.run()

    assert bench.seen == ["risky:2", "tell:of <>"]
