"""The way of bundles through a plan: order, routes, aggregation, failures, replays, cycles."""

from dataclasses import replace
from pathlib import Path

import pytest
from runs import Bench

from engine.errors import StoreError
from engine.model.execution import Execution, IncompleteStatus, Status
from engine.model.journal import Origin
from engine.store.memory import MemoryStore

STORING = "settings: {store_incomplete_executions: true}"

TWO_MAILS = """
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{files: [x, y]}, {files: [z]}]}
      - id: file
        module: flow.iterator
        with: {array: "{{ mail.files }}"}
      - id: save
        module: probe.record
        with: {text: "{{ file.value }}"}
"""


async def test_a_bundle_travels_the_whole_flow_before_the_next_one_starts(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        flow:
          - id: mail
            module: tools.basic_trigger
            with: {bundles: [{files: [x, y]}, {files: [z]}]}
          - id: file
            module: flow.iterator
            with: {array: "{{ mail.files }}"}
          - id: one
            module: probe.record
            with: {text: "{{ file.value }}"}
          - id: two
            module: probe.record
            with: {text: "{{ file.value }}"}
        """,
    )

    execution = await bench.run()

    assert bench.seen == [f"{node}:{f}" for f in "xyz" for node in ("one", "two")]
    assert execution.status is Status.SUCCESS


async def test_operations_are_counted_as_fusion_counts_them(tmp_path: Path) -> None:
    execution = await Bench(tmp_path, TWO_MAILS).run()

    counts = {name: count.operations for name, count in execution.nodes.items()}
    assert counts == {"mail": 1, "file": 2, "save": 3}
    assert execution.operations == 6


async def test_a_filter_stops_its_bundle_and_no_other(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        TWO_MAILS.replace(
            "module: probe.record",
            "module: probe.record\n        filter: \"{{ file.value != 'y' }}\"",
        ),
    )

    execution = await bench.run()

    assert bench.seen == ["save:x", "save:z"]
    assert execution.nodes["save"].operations == 2


ROUTER = """
    flow:
      - id: mail
        module: tools.basic_trigger
        with: {bundles: [{kind: a}, {kind: z}, {kind: b}]}
      - module: flow.router
        routes:
          - fallback: true
            flow: [{id: other, module: probe.record, with: {text: "{{ mail.kind }}"}}]
          - filter: "{{ mail.kind == 'a' }}"
            flow: [{id: wanted, module: probe.record, with: {text: "{{ mail.kind }}"}}]
          - filter: "{{ mail.kind in ['a', 'b'] }}"
            flow: [{id: both, module: probe.record, with: {text: "{{ mail.kind }}"}}]
"""


async def test_every_route_that_wants_a_bundle_runs_and_the_fallback_comes_last(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, ROUTER)

    await bench.run()

    assert bench.seen == ["wanted:a", "both:a", "other:z", "both:b"]


NESTED = """
    flow:
      - id: orders
        module: tools.basic_trigger
        with: {bundles: [{orders: [{lines: [a, b]}, {lines: [c]}]}]}
      - id: order
        module: flow.iterator
        with: {array: "{{ orders.orders }}"}
      - id: line
        module: flow.iterator
        with: {array: "{{ order.lines }}"}
      - id: lines
        module: flow.array_aggregator
        with: {source: line, fields: {name: "{{ line.value }}"}}
      - id: all
        module: flow.array_aggregator
        with: {source: order, fields: {names: "{{ lines.array | map(attribute='name') | join }}"}}
      - id: save
        module: probe.record
        with: {text: "{{ all.array | map(attribute='names') | join(',') }}/{{ all.array_length }}"}
"""


async def test_nested_aggregators_close_with_their_own_source(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NESTED)

    execution = await bench.run()

    assert bench.seen == ["save:ab,c/2"]
    assert (execution.nodes["lines"].operations, execution.nodes["all"].operations) == (2, 1)


async def test_an_iterator_without_elements_still_closes_its_aggregation(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NESTED.replace("[{lines: [a, b]}, {lines: [c]}]", "[{lines: []}]"))

    await bench.run()

    assert bench.seen == ["save:/1"]


FAILING = """
    settings: {store_incomplete_executions: STORE}
    flow:
      - id: in
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}, {id: 3}]}
      - id: risky
        module: probe.record
        with: {text: "{{ in.id }}", fail: "{{ if(in.id == 2, 'DataError', null) }}"}
        HANDLER
      - id: after
        module: probe.record
        with: {text: "{{ risky.text }}"}
"""


def failing(handler: str, *, store: bool = True) -> str:
    text = FAILING.replace("STORE", str(store).lower()).replace("in.", "came.")
    return text.replace("id: in\n", "id: came\n").replace("HANDLER", handler)


@pytest.mark.parametrize(
    ("handler", "store", "seen", "status", "stored"),
    [
        ("", False, "1 1 2", Status.ERROR, 0),
        ("", True, "1 1 2 3 3", Status.WARNING, 1),
        ("on_error: [{module: flow.resume, with: {text: zero}}]", True,
         "1 1 2 zero 3 3", Status.SUCCESS, 0),
        ("on_error: [{module: flow.ignore}]", True, "1 1 2 3 3", Status.SUCCESS, 0),
        ("on_error: [{module: flow.break}]", True, "1 1 2 3 3", Status.WARNING, 1),
        ("on_error: [{module: flow.break, with: {automatically_complete: true}}]", True,
         "1 1 2 3 3", Status.SUCCESS, 1),
        ("on_error: [{module: flow.commit}]", True, "1 1 2", Status.SUCCESS, 0),
        ("on_error: [{module: flow.rollback}]", True, "1 1 2", Status.ERROR, 0),
    ],
)  # fmt: skip
async def test_a_failure_ends_as_its_handler_or_the_default_says(
    tmp_path: Path, handler: str, store: bool, seen: str, status: Status, stored: int
) -> None:
    bench = Bench(tmp_path, failing(handler, store=store))

    execution = await bench.run()

    assert [line.partition(":")[2] for line in bench.seen] == seen.split()
    assert execution.status is status
    records = await bench.stored()
    assert [(r.node_id, r.bundles["came"]["id"]) for r in records] == [("risky", 2)] * stored


async def test_after_a_rollback_the_trigger_reads_the_same_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing("", store=False))

    await bench.run()
    await bench.run()

    assert [line for line in bench.seen if line == "risky:1"] == ["risky:1"] * 2


async def test_after_a_break_the_trigger_has_nothing_new(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing("on_error: [{module: flow.break}]"))

    await bench.run()
    execution = await bench.run()

    assert execution.nodes["came"].bundles == 0
    assert len(await bench.stored()) == 1


async def test_a_broken_module_is_a_runtime_error_of_its_bundle(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        failing("on_error: [{module: flow.resume, with: {text: '{{ error.type }}'}}]").replace(
            "fail: \"{{ if(came.id == 2, 'DataError', null) }}\"", 'bug: "{{ came.id == 2 }}"'
        ),
    )

    await bench.run()

    assert bench.seen[3] == "after:RuntimeError"


async def test_an_error_route_sees_the_error_and_runs_its_modules(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        failing("""on_error:
          - id: tell
            module: probe.record
            with: {text: "{{ risky.error.type }} {{ error.message }} of {{ came.id }}"}
          - module: flow.ignore"""),
    )

    execution = await bench.run()

    assert "tell:DataError cannot take 2 of 2" in bench.seen
    assert execution.status is Status.SUCCESS


async def test_a_handler_whose_filter_rejects_the_error_is_passed_over(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        failing("""on_error:
          - module: flow.ignore
            filter: "{{ error.type == 'ConnectionError' }}\""""),
    )

    execution = await bench.run()

    assert execution.status is Status.WARNING
    assert len(await bench.stored()) == 1


async def test_an_error_route_without_a_directive_ignores(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, failing("on_error: [{id: tell, module: probe.record, with: {text: told}}]")
    )

    execution = await bench.run()

    assert "tell:told" in bench.seen
    assert execution.status is Status.SUCCESS


async def test_a_failure_inside_an_error_route_is_stored_at_the_node_that_failed_first(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        failing("""on_error:
          - {id: tell, module: probe.record, with: {text: told, fail: DataError}}
          - module: flow.ignore"""),
    )

    execution = await bench.run()

    assert [record.node_id for record in await bench.stored()] == ["risky"]
    assert execution.status is Status.WARNING
    assert bench.seen[-1] == "after:3"


async def test_a_refused_credential_sets_later_bundles_aside_without_running(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        failing("").replace("'DataError'", "'InvalidAccessTokenError'"),
    )

    execution = await bench.run()

    assert [line for line in bench.seen if line.startswith("risky")] == ["risky:1", "risky:2"]
    assert [record.bundles["came"]["id"] for record in await bench.stored()] == [2, 3]
    assert execution.status is Status.WARNING


ROUTER_HANDLER = """
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}]}
      - module: flow.router
        on_error: [{module: DIRECTIVE}]
        routes:
          - flow:
              - id: risky
                module: probe.record
                with: {text: "{{ came.id }}", fail: "{{ if(came.id == 1, 'DataError', null) }}"}
          - flow: [{id: next, module: probe.record, with: {text: "{{ came.id }}"}}]
"""


async def test_ignore_on_a_router_skips_the_later_routes_of_that_bundle(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ROUTER_HANDLER.replace("DIRECTIVE", "flow.ignore"))

    await bench.run()

    assert bench.seen == ["risky:1", "risky:2", "next:2"]


async def test_resume_on_a_router_takes_the_later_routes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ROUTER_HANDLER.replace("DIRECTIVE", "flow.resume"))

    await bench.run()

    assert bench.seen == ["risky:1", "next:1", "risky:2", "next:2"]


REPLAYED = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1, bad: true}, {id: 2, bad: false}]}
      - id: up
        module: probe.record
        with: {text: "{{ came.id }}"}
      - id: risky
        module: probe.record
        with: {text: "{{ up.text }}", fail: "{{ if(came.bad, 'DataError', null) }}"}
        on_error: [{module: flow.break}]
      - id: after
        module: probe.record
        with: {text: "{{ risky.text }}"}
"""


async def test_a_replay_starts_at_the_failed_node_and_resolves_the_record(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPLAYED)
    await bench.run()
    (record,) = await bench.stored()
    before = len(bench.seen)
    mended = {**record.bundles, "came": {**record.bundles["came"], "bad": False}}
    await bench.store.park(replace(record, bundles=mended))

    execution = await bench.replay(record.id)

    assert bench.seen[before:] == ["risky:1", "after:1"]
    assert execution.status is Status.SUCCESS
    assert (await bench.store.incomplete(record.id)).status is IncompleteStatus.RESOLVED
    assert await bench.stored() == []


async def test_a_replay_that_fails_again_keeps_one_record_with_one_more_attempt(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, REPLAYED)
    await bench.run()
    (record,) = await bench.stored()

    await bench.replay(record.id)

    (again,) = await bench.stored()
    assert (again.id, again.attempts) == (record.id, 1)
    assert again.status is IncompleteStatus.UNRESOLVED


AGGREGATED = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{parts: [1, 2, 3]}]}
      - id: part
        module: flow.iterator
        with: {array: "{{ came.parts }}"}
      - id: risky
        module: probe.record
        with: {text: "{{ part.value }}", fail: "{{ if(part.value == 2, 'DataError', null) }}"}
        on_error: [{module: flow.break}]
      - id: all
        module: flow.array_aggregator
        with: {source: part, fields: {text: "{{ risky.text }}"}}
      - id: save
        module: probe.record
        with: {text: "{{ all.array | map(attribute='text') | join(',') }}"}
"""


async def test_a_replay_inside_an_aggregation_emits_for_its_own_bundle(tmp_path: Path) -> None:
    bench = Bench(tmp_path, AGGREGATED)
    await bench.run()
    (record,) = await bench.stored()
    mended = {**record.bundles, "part": {"value": 4}}
    await bench.store.park(replace(record, bundles=mended))

    await bench.replay(record.id)

    assert [line for line in bench.seen if line.startswith("save")] == ["save:1,3", "save:4"]


async def test_fed_bundles_take_the_place_of_the_trigger(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing(""))

    await bench.run(fed=[{"id": 7}])

    assert bench.seen == ["risky:7", "after:7"]


async def test_a_trigger_that_breaks_midway_rolls_back_what_it_emitted(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        failing("").replace("bundles: [", "fail_after: 1, bundles: ["),
    )

    execution = await bench.run()

    assert bench.seen == ["risky:1", "after:1"]
    assert execution.status is Status.ERROR
    assert await bench.store.cursor("probe", "came") == {}


async def test_a_scenario_without_a_trigger_makes_every_cycle(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        """
        settings: {max_cycles: 3}
        flow:
          - id: save
            module: probe.record
            with: {text: once}
        """,
    )

    await bench.run()

    assert bench.seen == ["save:once"] * 3


async def test_a_disabled_node_is_passed_by(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        TWO_MAILS.replace("module: probe.record", "disabled: true\n        module: probe.record"),
    )

    execution = await bench.run()

    assert bench.seen == []
    assert execution.nodes["save"].operations == 0


async def test_a_long_flow_needs_no_deep_stack(tmp_path: Path) -> None:
    nodes = "".join(
        f"\n      - {{id: n{i}, module: probe.pass, with: {{value: {i}}}}}" for i in range(400)
    )
    bench = Bench(
        tmp_path,
        f"    flow:{nodes}\n      - {{id: save, module: probe.record, with: {{text: end}}}}\n",
    )

    assert (await bench.run()).status is Status.SUCCESS
    assert bench.seen == ["save:end"]


class FullStore(MemoryStore):
    """A store whose disk is full."""

    async def begin(self, execution: Execution, origin: Origin | None = None) -> None:
        raise StoreError("the disk is full")


async def test_nothing_runs_when_the_execution_cannot_be_stored(tmp_path: Path) -> None:
    bench = Bench(tmp_path, failing(""))
    bench.store = FullStore(bench.files)

    with pytest.raises(StoreError, match="full"):
        await bench.run()

    assert bench.seen == []
