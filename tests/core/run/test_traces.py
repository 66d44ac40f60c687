"""The traces A to D of the semantics, each as its table has it."""

from pathlib import Path
from textwrap import indent

import pytest
from runs import Bench

from engine.model.execution import IncompleteStatus, Status

TRACE_A = """
    flow:
      - id: mail
        module: probe.emit
        with: {bundles: [{id: m1, files: [x, y]}, {id: m2, files: [z]}]}
      - id: file
        module: flow.iterator
        with: {array: "{{ mail.files }}"}
      - id: upload
        module: probe.record
        with: {text: "{{ mail.id }}.{{ file.value }}"}
"""


async def test_trace_a_each_mail_and_each_file_travels_to_the_end(tmp_path: Path) -> None:
    bench = Bench(tmp_path, TRACE_A)

    execution = await bench.run()

    assert bench.seen == ["upload:m1.x", "upload:m1.y", "upload:m2.z"]
    counts = {name: count.operations for name, count in execution.nodes.items()}
    assert counts == {"mail": 1, "file": 2, "upload": 3}


@pytest.mark.parametrize(
    ("mails", "cycles", "counts"), [(1, 1, (1, 1, 2)), (2, 1, (1, 2, 4)), (4, 2, (2, 4, 8))]
)
async def test_trace_a_counts_as_published(
    tmp_path: Path, mails: int, cycles: int, counts: tuple[int, int, int]
) -> None:
    bundles = ", ".join(f"{{id: m{nr}, parts: [x, y]}}" for nr in range(mails))
    bench = Bench(
        tmp_path,
        f"""
        settings: {{max_cycles: {cycles}}}
        flow:
          - id: mail
            module: steps.poll
            with: {{reads: "", limit: 2, bundles: [{bundles}]}}
          - {{id: file, module: flow.iterator, with: {{array: "{{{{ mail.parts }}}}"}}}}
          - {{id: upload, module: probe.record, with: {{text: "{{{{ file.value }}}}"}}}}
        """,
    )

    execution = await bench.run()

    assert tuple(execution.nodes[name].operations for name in ("mail", "file", "upload")) == counts


TRACE_B = """
    flow:
      - id: came
        module: tools.basic_trigger
        with: {bundles: [{name: p, kind: a}, {name: q, kind: z}]}
      - module: flow.router
        routes:
          - filter: "{{ came.kind == 'a' }}"
            flow: [{id: five, module: probe.record, with: {text: "{{ came.name }}"}}]
          - fallback: true
            flow: [{id: six, module: probe.record, with: {text: "{{ came.name }}"}}]
"""
SEVEN = """
          - flow: [{id: seven, module: probe.record, with: {text: "{{ came.name }}"}}]
"""


@pytest.mark.parametrize(
    ("more", "seen"),
    [("", ["five:p", "six:q"]), (SEVEN, ["five:p", "seven:p", "seven:q"])],
)
async def test_trace_b_a_route_without_a_filter_starves_the_fallback(
    tmp_path: Path, more: str, seen: list[str]
) -> None:
    bench = Bench(tmp_path, TRACE_B.rstrip() + more)

    await bench.run()

    assert bench.seen == seen


TRACE_C = """
    flow:
      - id: one
        module: tools.basic_trigger
        with: {bundles: [{orders: [{lines: [a, b]}, {lines: [c]}]}]}
      - id: order
        module: flow.iterator
        with: {array: "{{ one.orders }}"}
      - id: line
        module: flow.iterator
        with: {array: "{{ order.lines }}"}
      - {id: three, module: probe.record, with: {text: "{{ line.value }}"}}
      - id: four
        module: flow.array_aggregator
        with: {source: SOURCE, fields: {name: "{{ line.value }}"}}
"""
FIVE = """
      - {id: collects, module: probe.record, with: {text: "{{ four.array_length }}"}}
      - id: five
        module: flow.array_aggregator
        with: {source: order, fields: {names: "{{ four.array | map(attribute='name') | join }}"}}
      - id: six
        module: probe.record
        with:
          text: "{{ five.array | map(attribute='names') | join(',') }}/{{ five.array_length }}"
"""
SIX = """
      - id: six
        module: probe.record
        with: {text: "{{ four.array | map(attribute='name') | join }}"}
"""


async def test_trace_c_nested_aggregators_close_from_the_inside(tmp_path: Path) -> None:
    bench = Bench(tmp_path, TRACE_C.replace("SOURCE", "line").rstrip() + FIVE)

    execution = await bench.run()

    assert bench.seen == [
        *("three:a", "three:b", "collects:2"),
        *("three:c", "collects:1"),
        "six:ab,c/2",
    ]
    assert [bench.plan.nodes["six"].mappable, execution.nodes["four"].operations] == [
        ("one", "five"),
        2,
    ]


async def test_trace_c_with_the_outer_source_everything_comes_in_one_set(tmp_path: Path) -> None:
    bench = Bench(tmp_path, TRACE_C.replace("SOURCE", "order").rstrip() + SIX)

    await bench.run()

    assert bench.seen[-1] == "six:abc"


async def test_trace_c_with_the_trigger_as_source_there_is_one_set_per_cycle(
    tmp_path: Path,
) -> None:
    three = "[{orders: [{lines: [a]}]}, {orders: [{lines: [b]}]}, {orders: [{lines: [c]}]}]"
    text = TRACE_C.replace("SOURCE", "one").rstrip() + SIX
    before = "[{orders: [{lines: [a, b]}, {lines: [c]}]}]"
    bench = Bench(tmp_path, "    settings: {max_cycles: 2}\n" + text.replace(before, three))

    await bench.run()

    assert [line for line in bench.seen if line.startswith("six")] == ["six:abc"] * 2


TRACE_D = """
    settings: {store_incomplete_executions: STORES}
    flow:
      - id: one
        module: probe.emit
        with: {bundles: [{id: b1}, {id: b2}, {id: b3}]}
      - {id: two, module: probe.record, with: {text: "{{ one.id }}"}}
      - id: three
        module: probe.record
        with: {text: "{{ two.text }}", fail: "{{ if(one.id == 'b2', 'DataError', null) }}"}
HANDLER
      - {id: four, module: probe.record, with: {text: "{{ three.text }}"}}
"""

ALL_OF_B1 = ["two:b1", "three:b1", "four:b1"]
B2_TO_3 = ["two:b2", "three:b2"]
ALL_OF_B3 = ["two:b3", "three:b3", "four:b3"]
IGNORED = [*ALL_OF_B1, *B2_TO_3, *ALL_OF_B3]
STOPPED = [*ALL_OF_B1, *B2_TO_3]
WITH_RETRY = "flow.break, with: {automatically_complete: true, attempts: 3, interval: 15}"


@pytest.mark.parametrize(
    ("directive", "stores", "seen", "status", "record", "comes_again"),
    [
        ("", False, STOPPED, Status.ERROR, None, ["b1", "b2", "b3"]),
        ("", True, IGNORED, Status.WARNING, IncompleteStatus.UNRESOLVED, []),
        ("flow.resume, with: {text: zero}", True,
         [*ALL_OF_B1, *B2_TO_3, "four:zero", *ALL_OF_B3], Status.SUCCESS, None, []),
        ("flow.ignore", True, IGNORED, Status.SUCCESS, None, []),
        ("flow.break", True, IGNORED, Status.WARNING, IncompleteStatus.UNRESOLVED, []),
        (WITH_RETRY, True, IGNORED, Status.SUCCESS, IncompleteStatus.PENDING, []),
        ("flow.commit", True, STOPPED, Status.SUCCESS, None, ["b3"]),
        ("flow.rollback", True, STOPPED, Status.ERROR, None, ["b1", "b2", "b3"]),
    ],
    ids=["none", "none, stored", "resume", "ignore", "break", "retried", "commit", "rollback"],
)  # fmt: skip
async def test_trace_d_every_row(
    tmp_path: Path,
    directive: str,
    stores: bool,
    seen: list[str],
    status: Status,
    record: IncompleteStatus | None,
    comes_again: list[str],
) -> None:
    """Assumed: after a Commit, what the trigger has not emitted yet comes with the next run."""
    handler = indent(f"on_error: [{{module: {directive}}}]", " " * 8) if directive else ""
    bench = Bench(
        tmp_path, TRACE_D.replace("HANDLER", handler).replace("STORES", str(stores).lower())
    )

    execution = await bench.run()

    assert bench.seen == seen
    assert execution.status is status
    stored = await bench.stored()
    assert [(one.node_id, one.bundles["one"]["id"], one.status) for one in stored] == (
        [("three", "b2", record)] if record else []
    )
    taken = await bench.store.cursor("probe", "one")
    assert [name for name in ("b1", "b2", "b3") if name not in taken] == comes_again


async def test_trace_d_a_retried_break_is_due_after_its_interval(tmp_path: Path) -> None:
    handler = f"        on_error: [{{module: {WITH_RETRY}}}]"
    bench = Bench(tmp_path, TRACE_D.replace("HANDLER", handler).replace("STORES", "true"))

    await bench.run()

    (record,) = await bench.stored()
    assert record.due_at is not None
    assert (record.allowed, (record.due_at - record.created_at).total_seconds()) == (3, 900)
