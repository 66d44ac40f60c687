"""Rules of order, routers, aggregators and handlers that need a small flow of their own."""

from pathlib import Path
from textwrap import indent

import pytest
from runs import Bench

from engine.errors import ScenarioError
from engine.model.execution import Status

CAME = """
    settings: {store_incomplete_executions: true}
    flow:
      - id: came
        module: probe.emit
        with: {bundles: [{id: 1}, {id: 2}]}
"""


def flow(after: str) -> str:
    """Return a scenario with two bundles and, after its trigger, these nodes."""
    return CAME.rstrip() + "\n" + indent(after.strip("\n"), "      ") + "\n"


def record(node: str, text: str = "{{ came.id }}", more: str = "") -> str:
    return f'{{id: {node}, module: probe.record, with: {{text: "{text}"{more}}}}}'


FAILS_ON_1 = ", fail: \"{{ if(came.id == 1, 'DataError', null) }}\""


async def seen_of(folder: Path, text: str) -> list[str]:
    bench = Bench(folder, text)
    await bench.run()
    return bench.seen


async def test_all_that_one_route_makes_of_a_bundle_is_done_before_the_next_route(
    tmp_path: Path,
) -> None:
    seen = await seen_of(
        tmp_path,
        flow(f"""
- module: flow.router
  routes:
    - flow:
        - {{id: part, module: flow.iterator, with: {{array: [x, y]}}}}
        - {record("one", "{{ came.id }}{{ part.value }}")}
    - flow: [{record("two")}]
"""),
    )

    assert seen == [
        *("one:1x", "one:1y", "two:1"),
        *("one:2x", "one:2y", "two:2"),
    ]


@pytest.mark.parametrize(
    "node",
    [
        "probe.pass",
        "flow.iterator, with: {array: [1]}",
        "probe.search, with: {count: 1}",
        "probe.wait, with: {minutes: 1}",
        "steps.acid, with: {reads: it, emits: [{}]}",
        "flow.throw, with: {message: never, when: false}",
    ],
)
async def test_a_filter_stops_a_bundle_in_front_of_any_node(tmp_path: Path, node: str) -> None:
    text = f"- {{module: {node}, filter: '{{{{ came.id == 2 }}}}'}}\n- {record('save')}"

    assert await seen_of(tmp_path, flow(f"\n{text}\n")) == ["save:2"]


async def test_a_router_s_own_filter_keeps_a_bundle_from_every_route(tmp_path: Path) -> None:
    seen = await seen_of(
        tmp_path,
        flow(f"""
- module: flow.router
  filter: "{{{{ came.id == 2 }}}}"
  routes:
    - {{filter: "{{{{ false }}}}", flow: [{record("never")}]}}
    - {{fallback: true, flow: [{record("rest")}]}}
"""),
    )

    assert seen == ["rest:2"]


async def test_a_route_s_filter_is_asked_when_its_turn_comes(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- module: flow.router
  routes:
    - flow: [{record("one")}]
    - {{filter: "{{{{ came.id }}}}", flow: [{record("two")}]}}
"""),
    )

    await bench.run()

    assert bench.seen == ["one:1", "one:2"]
    assert len(await bench.stored()) == 2


async def test_a_filter_that_fails_is_an_error_of_its_node(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  filter: "{{{{ came.id }}}}"
  with: {{text: never}}
  on_error: [{record("told", "{{ error.type }}")}]
"""),
    )

    execution = await bench.run()

    assert bench.seen == ["told:DataError"] * 2
    assert execution.nodes["risky"].failed == 2


async def test_disabled_and_empty_routes_do_nothing_and_a_router_counts_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: ways
  module: flow.router
  routes:
    - {{disabled: true, flow: [{record("never")}]}}
    - flow: []
    - flow: [{record("taken")}]
"""),
    )

    execution = await bench.run()

    assert bench.seen == ["taken:1", "taken:2"]
    assert (execution.nodes["ways"].operations, execution.nodes["ways"].bundles) == (0, 0)
    assert execution.operations == 3


async def test_what_is_on_another_route_cannot_be_mapped(tmp_path: Path) -> None:
    text = flow(f"""
- module: flow.router
  routes:
    - flow: [{record("one")}]
    - flow: [{record("two", "{{ one.text }}")}]
""")

    with pytest.raises(ScenarioError, match="on another route"):
        await Bench(tmp_path, text).run()


async def test_aggregators_of_one_source_on_several_routes_close_after_its_last_bundle(
    tmp_path: Path,
) -> None:
    collects = 'module: flow.array_aggregator, with: {source: came, fields: {id: "{{ came.id }}"}}'
    size = ".array_length }}"
    seen = await seen_of(
        tmp_path,
        flow(f"""
- module: flow.router
  routes:
    - flow: [{{id: a, {collects}}}, {record("one", "{{ a" + size)}]
    - flow: [{record("b")}, {{id: c, {collects}}}, {record("two", "{{ c" + size)}]
"""),
    )

    assert seen == ["b:1", "b:2", "one:2", "two:2"]


async def test_an_aggregator_whose_source_never_ran_emits_nothing(tmp_path: Path) -> None:
    seen = await seen_of(
        tmp_path,
        flow(f"""
- id: part
  module: flow.iterator
  filter: "{{{{ came.id == 2 }}}}"
  with: {{array: []}}
- {{id: all, module: flow.array_aggregator, with: {{source: part, fields: {{v: 1}}}}}}
- {record("after", "{{ came.id }}/{{ all.array_length }}")}
"""),
    )

    assert seen == ["after:2/0"]


@pytest.mark.parametrize(
    ("directive", "collected"),
    [("flow.ignore", "2"), ("flow.break", "2"), ("flow.resume, with: {text: zero}", "zero,2")],
)
async def test_an_aggregator_misses_what_was_lost_and_takes_a_substitute(
    tmp_path: Path, directive: str, collected: str
) -> None:
    seen = await seen_of(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}"{FAILS_ON_1}}}
  on_error: [{{module: {directive}}}]
- id: all
  module: flow.array_aggregator
  with: {{source: came, fields: {{text: "{{{{ risky.text }}}}"}}}}
- {record("after", "{{ all.array | map(attribute='text') | join(',') }}")}
"""),
    )

    assert seen[-1] == f"after:{collected}"


NESTED = """
- module: flow.router
  on_error: [{module: flow.commit}]
  routes:
    - flow:
        - module: flow.router
          INNER
          routes:
            - flow: [{id: risky, module: probe.record, with: {text: "{{ came.id }}" FAILS} OWN}]
"""


@pytest.mark.parametrize(
    ("own", "inner", "seen", "status"),
    [
        ("", "label: none", ["risky:1"], Status.SUCCESS),
        ("", "on_error: [{module: flow.break}]", ["risky:1", "risky:2"], Status.WARNING),
        (
            ", on_error: [{module: flow.rollback}]",
            "on_error: [{module: flow.break}]",
            ["risky:1"],
            Status.ERROR,
        ),
    ],
    ids=["outer router", "inner router", "its own"],
)
async def test_the_nearest_handler_is_taken(
    tmp_path: Path, own: str, inner: str, seen: list[str], status: Status
) -> None:
    text = NESTED.replace("INNER", inner).replace("OWN", own).replace("FAILS", FAILS_ON_1)
    bench = Bench(tmp_path, flow(text))

    execution = await bench.run()

    assert (bench.seen, execution.status) == (seen, status)


async def test_the_scenario_s_own_handler_is_the_last_resort(tmp_path: Path) -> None:
    risky = flow("- " + record("risky", more=FAILS_ON_1))
    bench = Bench(tmp_path, risky + "    on_error: [{module: flow.commit}]\n")

    execution = await bench.run()

    assert (bench.seen, execution.status) == (["risky:1"], Status.SUCCESS)


async def test_an_error_route_may_choose_by_the_type_of_the_error(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow("""
- id: risky
  module: probe.record
  with:
    text: "{{ came.id }}"
    fail: "{{ if(came.id == 1, 'DataError', 'ConnectionError') }}"
  on_error:
    - module: flow.router
      routes:
        - {fallback: true, flow: [{module: flow.break}]}
        - {filter: "{{ error.type == 'DataError' }}", flow: [{module: flow.ignore}]}
"""),
    )

    await bench.run()

    assert [one.bundles["came"]["id"] for one in await bench.stored()] == [2]


async def test_an_error_route_on_which_no_directive_is_reached_ignores(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}"{FAILS_ON_1}}}
  on_error:
    - {record("told")}
    - {{module: flow.rollback, filter: "{{{{ false }}}}"}}
"""),
    )

    execution = await bench.run()

    assert (bench.seen, execution.status) == (["risky:1", "told:1", "risky:2"], Status.SUCCESS)


@pytest.mark.parametrize(
    ("inner", "status", "stored"),
    [("ignore", Status.SUCCESS, []), ("break", Status.WARNING, ["risky"])],
)
async def test_the_handler_of_a_node_on_an_error_route_decides_instead_of_the_outer_directive(
    tmp_path: Path, inner: str, status: Status, stored: list[str]
) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}"{FAILS_ON_1}}}
  on_error:
    - id: tell
      module: probe.record
      with: {{text: told, fail: DataError}}
      on_error: [{{module: flow.{inner}}}]
    - module: flow.rollback
"""),
    )

    execution = await bench.run()

    assert bench.seen == ["risky:1", "tell:told", "risky:2"]
    assert execution.status is status
    assert [one.node_id for one in await bench.stored()] == stored


async def test_a_break_on_the_first_node_stores_what_the_default_would_not(tmp_path: Path) -> None:
    text = """
    settings: {store_incomplete_executions: true}
    flow:
      - {id: start, module: probe.record, with: {text: x, fail: DataError}HANDLER}
    """
    stored = []
    for handler in ("", ", on_error: [{module: flow.break}]"):
        bench = Bench(tmp_path, text.replace("HANDLER", handler))
        await bench.run()
        stored.append(len(await bench.stored()))

    assert stored == [0, 1]


async def test_a_handler_costs_no_operation_but_its_modules_do(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}"{FAILS_ON_1}}}
  on_error: [{record("told")}, {{id: end, module: flow.ignore}}]
"""),
    )

    execution = await bench.run()

    counts = {name: count.operations for name, count in execution.nodes.items()}
    assert counts == {"came": 1, "risky": 1, "told": 1, "end": 0}


@pytest.mark.parametrize(
    ("before", "after", "stored", "status"),
    [("ignore", "break", 0, Status.SUCCESS), ("break", "ignore", 1, Status.WARNING)],
)
async def test_of_several_directives_on_an_error_route_the_first_decides(
    tmp_path: Path, before: str, after: str, stored: int, status: Status
) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}"{FAILS_ON_1}}}
  on_error:
    - module: flow.router
      routes: [{{flow: [{{module: flow.{before}}}]}}, {{flow: [{{module: flow.{after}}}]}}]
"""),
    )

    execution = await bench.run()

    assert (len(await bench.stored()), execution.status) == (stored, status)


@pytest.mark.parametrize(("directive", "again"), [("rollback", "risky:1"), ("commit", "risky:2")])
async def test_a_rollback_gives_the_trigger_its_bundles_back_and_a_commit_does_not(
    tmp_path: Path, directive: str, again: str
) -> None:
    bench = Bench(
        tmp_path,
        flow(f"""
- id: risky
  module: probe.record
  with: {{text: "{{{{ came.id }}}}", fail: DataError}}
  on_error: [{{module: flow.{directive}}}]
"""),
    )

    await bench.run()
    await bench.run()

    assert bench.seen == ["risky:1", again]


async def test_a_warning_stays_a_warning_after_a_commit(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        flow("""
- id: risky
  module: probe.record
  with: {text: "{{ came.id }}", fail: DataError}
  on_error:
    - module: flow.router
      routes:
        - {filter: "{{ came.id == 1 }}", flow: [{module: flow.break}]}
        - {fallback: true, flow: [{module: flow.commit}]}
"""),
    )

    assert (await bench.run()).status is Status.WARNING
