"""A scenario as a tree of text."""

from collections.abc import Callable

from engine.draw.outcome import Mark, Outcome
from engine.draw.tree import to_tree
from engine.model.execution import NodeCount
from engine.plan.plan import Plan

MakePlan = Callable[[str], Plan]

TEXT = """\
name: "Orders\\e[2J of the day"
on_error: [module: flow.ignore]
flow:
  - {id: order, module: tools.basic_trigger, with: {bundles: [{nr: 1, parts: [1]}]}}
  - {id: part, module: flow.iterator, with: {array: "{{ order.parts }}"}}
  - id: all
    module: flow.array_aggregator
    with: {source: part, fields: {nr: "{{ part.value }}"}}
    filter: "{{ part.value > 0 }}"
  - module: flow.router
    routes:
      - name: many
        filter: "{{ all.array_length > 1 }}"
        flow:
          - id: look
            module: demo.find
            label: Look it up
            on_error:
              - {module: demo.find, filter: "{{ error.type == 'DataError' }}"}
              - module: flow.break
          - {id: kept, module: demo.find, disabled: true}
      - filter: {any: [{all: [["{{ all.array_length }}", "number:equal", 1]]}]}
        disabled: true
        flow: [{module: demo.find}]
      - {fallback: true, flow: [{module: demo.find}]}
settings: {store_incomplete_executions: true}
"""

TREE = """\
Orders\N{REPLACEMENT CHARACTER}[2J of the day
├─ order · tools.basic_trigger
├─ part · flow.iterator
├─ all · flow.array_aggregator, collects from part, if part.value > 0
├─ router · flow.router
│  ├─ many, if all.array_length > 1
│  │  ├─ Look it up · demo.find
│  │  │  └╌ on error
│  │  │     ├╌ find · demo.find, if error.type == 'DataError'
│  │  │     └╌ break · flow.break
│  │  └─ kept · demo.find, disabled
│  ├─ route 2, if all.array_length, disabled
│  │  └─ find · demo.find
│  └─ route 3 (fallback)
│     └─ find · demo.find
└╌ on any error that nothing else handles
   └╌ ignore · flow.ignore
"""


def test_routes_and_error_routes_hang_below_their_node(plan_of: MakePlan) -> None:
    assert to_tree(plan_of(TEXT)) == TREE


def test_a_run_shows_counts_and_what_it_did_not_reach(plan_of: MakePlan) -> None:
    plan = plan_of(TEXT)
    marks = {
        "order": Mark(Outcome.SUCCESS, NodeCount(operations=1, bundles=2)),
        "look": Mark(Outcome.PARTLY, NodeCount(operations=1, bundles=1, failed=1)),
        "kept": Mark(Outcome.UNTOUCHED, NodeCount()),
        "part": Mark(Outcome.PASSED),
    }

    lines = to_tree(plan, marks).splitlines()

    assert lines[1] == "├─ order · tools.basic_trigger  [1 op, 2 bundles]"
    assert lines[2] == "├─ part · flow.iterator"
    assert lines[6].endswith("demo.find  [1 op, 1 bundle, 1 failed]")
    assert lines[10].endswith("kept · demo.find, disabled  [not reached]")


def test_a_long_filter_is_cut(plan_of: MakePlan) -> None:
    long = TEXT.replace("part.value > 0", "part.value in [" + "1, " * 100 + "1]")

    (line,) = [one for one in to_tree(plan_of(long)).splitlines() if "collects" in one]

    assert line.endswith("…")
    assert len(line) < 130
