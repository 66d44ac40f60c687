"""Text, numeric and table aggregators in scenarios: what they emit, per group and of nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from runs import Bench

from engine.errors import ScenarioError
from engine.model.execution import Status
from engine.plan.flow import FLOW, SETTLED_FIELDS
from engine.plan.plan import NodeKind

ROWS = """
    flow:
      - id: rows
        module: tools.basic_trigger
        with: {bundles: [{rows: ROWS}]}
      - id: row
        module: flow.iterator
        with: {array: "{{ rows.rows }}"}
      - id: all
        module: tools.KIND
        with: {OPTIONS}
      - module: probe.record
        id: out
        with: {text: "{{ (SHOWN) ~ '' }}"}
"""

FRUIT = "[{n: 3, f: apple}, {n: 1, f: fig}, {n: 5, f: apple}]"


def bench_of(folder: Path, kind: str, options: str, shown: str, rows: str = FRUIT) -> Bench:
    text = ROWS.replace("rows: ROWS", f"rows: {rows}").replace("KIND", kind)
    return Bench(folder, text.replace("OPTIONS", options).replace("SHOWN", shown))


async def emitted(
    folder: Path, kind: str, options: str, shown: str, rows: str = FRUIT
) -> list[str]:
    """Run the rows through an aggregator; return what is recorded of its bundles."""
    bench = bench_of(folder, kind, options, shown, rows)
    execution = await bench.run()
    assert execution.status is Status.SUCCESS
    return "\n".join(bench.seen).removeprefix("out:").split("\nout:") if bench.seen else []


@pytest.mark.parametrize(
    ("separator", "expected"),
    [("", "applefigapple"), ("newline", "apple\nfig\napple"), ("tab", "apple\tfig\tapple"),
     (" / ", "apple / fig / apple"), ("n", "applenfignapple")],
)  # fmt: skip
async def test_a_text_aggregator_puts_rows_together_with_its_separator(
    tmp_path: Path, separator: str, expected: str
) -> None:
    options = f'text: "{{{{ row.f }}}}", row_separator: "{separator}"'

    assert await emitted(tmp_path, "text_aggregator", options, "all.text") == [expected]


async def test_a_text_aggregator_separates_nothing_unless_told(tmp_path: Path) -> None:
    options = 'text: "{{ row.f }}"'

    assert await emitted(tmp_path, "text_aggregator", options, "all.text") == ["applefigapple"]


async def test_a_text_that_comes_out_empty_is_an_empty_row(tmp_path: Path) -> None:
    options = 'text: "{{ row.f }}", row_separator: ","'
    rows = "[{f: a}, {f: null}, {f: ''}, {f: 2.0}, {f: true}]"

    assert await emitted(tmp_path, "text_aggregator", options, "all.text", rows) == ["a,,,2,true"]


@pytest.mark.parametrize(
    ("function", "result"), [("sum", 9), ("avg", 3), ("count", 3), ("min", 1), ("max", 5)]
)
async def test_a_numeric_aggregator_works_out_one_number(
    tmp_path: Path, function: str, result: int
) -> None:
    options = f'function: {function}, value: "{{{{ row.n }}}}"'

    assert await emitted(tmp_path, "numeric_aggregator", options, "all.result") == [str(result)]


async def test_texts_that_spell_numbers_are_numbers(tmp_path: Path) -> None:
    options = 'function: sum, value: "{{ row.n }}"'
    rows = "[{n: '1.5'}, {n: 2}, {n: ' -1 '}]"

    assert await emitted(tmp_path, "numeric_aggregator", options, "all.result", rows) == ["2.5"]


async def test_count_needs_no_value_and_counts_a_bundle_whose_value_is_empty(
    tmp_path: Path,
) -> None:
    bare = await emitted(tmp_path, "numeric_aggregator", "function: count", "all.result")
    options = 'function: count, value: "{{ row.missing }}"'

    assert bare == ["3"]
    bench = bench_of(tmp_path, "numeric_aggregator", options, "all.result")
    await bench.run()
    assert bench.seen == ["out:3", "out:3"]


@pytest.mark.parametrize(
    ("kind", "options", "shown", "expected"),
    [
        ("text_aggregator", "text: x", "all.text == ''", "true"),
        ("text_aggregator", "text: x", "all.text", ""),
        ("table_aggregator", "fields: {a: 1}", "all.text", ""),
        ("numeric_aggregator", "function: count", "all.result", "0"),
        ("numeric_aggregator", "function: sum, value: 1", "all.result", "0"),
        ("numeric_aggregator", "function: avg, value: 1", "all.result is none", "true"),
        ("numeric_aggregator", "function: min, value: 1", "all.result is none", "true"),
        ("numeric_aggregator", "function: max, value: 1", "all.result is none", "true"),
    ],
)
async def test_an_empty_aggregation_emits_an_empty_aggregate(
    tmp_path: Path, kind: str, options: str, shown: str, expected: str
) -> None:
    assert await emitted(tmp_path, kind, options, shown, rows="[]") == [expected]


@pytest.mark.parametrize(
    "more", ["stop_if_empty: true", 'stop_if_empty: "true"', 'group_by: "{{ row.f }}"']
)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("text_aggregator", "text: x"),
        ("table_aggregator", "fields: {a: 1}"),
        ("numeric_aggregator", "function: count"),
    ],
)
async def test_an_empty_aggregation_emits_nothing_if_told_to_stop_or_if_it_groups(
    tmp_path: Path, kind: str, options: str, more: str
) -> None:
    assert await emitted(tmp_path, kind, f"{options}, {more}", "1", rows="[]") == []


@pytest.mark.parametrize("rows", [FRUIT, "[]"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("text_aggregator", 'text: "{{ row.f }}"'),
        ("table_aggregator", 'fields: {n: "{{ row.n }}", f: "{{ row.f }}"}'),
        ("numeric_aggregator", "function: count"),
    ],
)
async def test_a_setting_left_out_is_the_default_that_is_documented(
    tmp_path: Path, kind: str, options: str, rows: str
) -> None:
    fields = FLOW[f"tools.{kind}"].fields.model_fields
    settled = {name: fields[name] for name in SETTLED_FIELDS[NodeKind.AGGREGATOR] if name in fields}
    defaults = {
        name: field.get_default()
        for name, field in settled.items()
        if not field.is_required() and field.get_default() is not None
    }
    written = ", ".join(f"{name}: {json.dumps(value)}" for name, value in defaults.items())
    shown = "all.result" if kind == "numeric_aggregator" else "all.text"
    (tmp_path / "written").mkdir()

    left_out = await emitted(tmp_path, kind, options, shown, rows=rows)
    spelt_out = await emitted(tmp_path / "written", kind, f"{options}, {written}", shown, rows=rows)

    assert "stop_if_empty" in defaults
    assert left_out == spelt_out


async def test_stop_if_empty_spelt_as_the_text_false_does_not_stop(tmp_path: Path) -> None:
    options = 'text: x, stop_if_empty: "false"'

    assert await emitted(tmp_path, "text_aggregator", options, "1", rows="[]") == ["1"]


@pytest.mark.parametrize(
    ("kind", "options", "item", "expected"),
    [
        ("text_aggregator", 'text: "{{ row.n }}", row_separator: "+"', "text", ("3+5", "1")),
        ("numeric_aggregator", 'function: sum, value: "{{ row.n }}"', "result", ("8", "1")),
        ("table_aggregator", 'fields: {n: "{{ row.n }}"}, row_separator: ";"', "text",
         ("3;5", "1")),
    ],
)  # fmt: skip
async def test_groups_come_in_order_of_first_sight_with_key_and_order(
    tmp_path: Path, kind: str, options: str, item: str, expected: tuple[str, str]
) -> None:
    shown = (
        f"all.key ~ ' ' ~ all.__IMTKEY__ ~ ' ' ~ all.{item} ~ ' '"
        " ~ all.bundle_index ~ '/' ~ all.__IMTLENGTH__"
    )
    options = f'{options}, group_by: "{{{{ row.f }}}}"'

    assert await emitted(tmp_path, kind, options, shown) == [
        f"apple apple {expected[0]} 1/2",
        f"fig fig {expected[1]} 2/2",
    ]


@pytest.mark.parametrize("group_by", ["null", '""'])
async def test_a_group_by_that_is_left_empty_makes_no_groups(tmp_path: Path, group_by: str) -> None:
    options = f"function: count, group_by: {group_by}"

    assert await emitted(tmp_path, "numeric_aggregator", options, "all.result", "[]") == ["0"]
    with pytest.raises(ScenarioError, match="`all` has no item `key`"):
        _ = bench_of(tmp_path, "numeric_aggregator", options, "all.key").plan


@pytest.mark.parametrize("kind", ["text_aggregator", "table_aggregator"])
async def test_a_text_too_long_for_memory_fails_the_bundle_that_made_it_so(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.run.aggregate.LONGEST_TEXT", 12)
    field = 'text: "{{ row.f }}"' if "text" in kind else 'fields: {f: "{{ row.f }}"}'
    bench = bench_of(tmp_path, kind, f'{field}, row_separator: ";"', "all.text")

    execution = await bench.run()

    assert execution.status is Status.ERROR
    ((node, failure, _outcome),) = bench.listener.failures
    assert node == "all"
    assert failure == "DataError: the text would be longer than 12 characters"


async def test_a_table_has_rows_of_cells_in_the_order_of_its_fields(tmp_path: Path) -> None:
    options = 'fields: {n: "{{ row.n }}", f: "{{ row.f }}", gone: "{{ row.gone }}", z: 0}'

    assert await emitted(tmp_path, "table_aggregator", options, "all.text") == [
        "3\tapple\t\t0\n1\tfig\t\t0\n5\tapple\t\t0"
    ]


async def test_a_table_takes_any_separators(tmp_path: Path) -> None:
    options = (
        'fields: {n: "{{ row.n }}", f: "{{ row.f }}"}, column_separator: ", ", row_separator: " | "'
    )

    found = await emitted(tmp_path, "table_aggregator", options, "all.text")
    assert found == ["3, apple | 1, fig | 5, apple"]


@pytest.mark.parametrize(
    ("kind", "options", "rows", "result", "says"),
    [
        ("numeric_aggregator", 'function: sum, value: "{{ row.n }}"', "[{n: 1}, {n: x}, {n: 2}]",
         "3",
         'field `value`: should be a number, got the text "x"'),
        ("numeric_aggregator", 'function: max, value: "{{ row.n }}"', "[{n: 1}, {}, {n: 2}]", "2",
         "field `value`: should be a number, got null"),
        ("text_aggregator", 'text: "{{ row.n }}"', "[{n: 1}, {n: {a: 1}}, {n: 2}]", "12",
         "field `text`: should be text, got a collection of 1"),
        ("table_aggregator", 'row_separator: "", fields: {c: "{{ row.n }}"}',
         "[{n: 1}, {n: {a: 1}}, {n: 2}]", "12",
         "field `fields.c`: should be text, got a collection of 1"),
    ],
)  # fmt: skip
async def test_a_value_that_does_not_fit_fails_its_bundle_and_no_other(
    tmp_path: Path, kind: str, options: str, rows: str, result: str, says: str
) -> None:
    item = "result" if "numeric" in kind else "text"
    bench = bench_of(tmp_path, kind, options, f"all.{item}", rows)
    bench.text = bench.text.replace(
        f"with: {{{options}}}", f"with: {{{options}}}\n        on_error: [module: flow.ignore]"
    )

    execution = await bench.run()

    assert execution.status is Status.SUCCESS
    assert execution.nodes["all"].failed == 1
    outcome = "bundle 2 of 3 of row; ignored"
    assert bench.listener.failures == [("all", f"DataError: {says}", outcome)]
    assert bench.seen == [f"out:{result}"]


@pytest.mark.parametrize("function", ["sum", "avg"])
async def test_a_sum_out_of_bounds_fails_the_bundle_that_made_it_so(
    tmp_path: Path, function: str
) -> None:
    options = f'function: {function}, value: "{{{{ row.n }}}}"'
    bench = bench_of(
        tmp_path,
        "numeric_aggregator",
        options,
        "all.result",
        "[{n: 1}, {n: 1.0e308}, {n: 1.0e308}]",
    )

    execution = await bench.run()

    assert execution.status is Status.ERROR
    assert [node for node, _failure, _outcome in bench.listener.failures] == ["all"]


NESTED = """
    flow:
      - id: orders
        module: tools.basic_trigger
        with: {bundles: [{orders: [{lines: [2, 3]}, {lines: []}, {lines: [5]}]}, {orders: []}]}
      - id: order
        module: flow.iterator
        with: {array: "{{ orders.orders }}"}
      - id: line
        module: flow.iterator
        with: {array: "{{ order.lines }}"}
      - id: total
        module: tools.numeric_aggregator
        with: {source: line, function: sum, value: "{{ line.value }}"}
      - id: totals
        module: tools.text_aggregator
        with: {source: order, text: "{{ total.result }}", row_separator: ","}
      - id: save
        module: probe.record
        with: {text: "{{ totals.text }}"}
"""


async def test_aggregators_of_different_kinds_nest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NESTED)

    execution = await bench.run()

    assert bench.seen == ["save:5,0,5", "save:"]
    counts = {name: count.operations for name, count in execution.nodes.items()}
    assert (counts["total"], counts["totals"]) == (3, 2)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("numeric_aggregator", "function: median, value: 1", "`function` should be one of"),
        ("numeric_aggregator", "function: sum", "`sum` needs a `value`"),
        ("numeric_aggregator", 'function: "{{ row.f }}", value: 1', "cannot be mapped"),
        ("text_aggregator", 'text: a, row_separator: "{{ row.f }}"', "cannot be mapped"),
        ("table_aggregator", 'fields: {a: 1}, column_separator: "{{ row.f }}"', "cannot be mapped"),
        ("table_aggregator", "fields: {}", "`fields` should have at least 1 entry"),
        ("text_aggregator", "{}", "needs the field `text`"),
        ("table_aggregator", "fields: {a: 1}, text: a", "has no field `text`"),
    ],
)
async def test_fields_that_cannot_work_are_refused_at_load(
    tmp_path: Path, kind: str, options: str, says: str
) -> None:
    bench = bench_of(tmp_path, kind, options, "1")
    bench.text = bench.text.replace("{{}}", "{}")

    with pytest.raises(ScenarioError, match=says):
        _ = bench.plan


@pytest.mark.parametrize(
    ("kind", "options", "item"),
    [
        ("text_aggregator", "text: a", "result"),
        ("numeric_aggregator", "function: count", "text"),
        ("table_aggregator", "fields: {a: 1}", "array"),
        ("text_aggregator", "text: a", "key"),
    ],
)
async def test_an_item_that_an_aggregator_does_not_emit_is_refused_at_load(
    tmp_path: Path, kind: str, options: str, item: str
) -> None:
    with pytest.raises(ScenarioError, match=f"`all` has no item `{item}`"):
        _ = bench_of(tmp_path, kind, options, f"all.{item}").plan


async def test_nodes_between_source_and_aggregator_are_closed_behind_it(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="`row` is closed by the aggregator `all`"):
        _ = bench_of(tmp_path, "text_aggregator", "text: a", "row.f").plan


def test_every_aggregator_of_the_plan_can_be_run() -> None:
    from engine.plan.flow import FLOW
    from engine.plan.plan import FieldMapping, Node, NodeKind
    from engine.run.aggregate import collected_by, sets_of

    def empty(module_id: str) -> list[Any]:
        place: Any = None
        fields = FieldMapping({"function": "sum"}, lambda _scope: {})
        node = Node("all", module_id, NodeKind.AGGREGATOR, place, "flow.1", fields=fields)
        return sets_of(node, collected_by(node))

    aggregators = [one for one in FLOW.values() if one.kind is NodeKind.AGGREGATOR]
    for module in aggregators:
        assert module.output is not None
        (bundle,) = empty(module.id)
        assert set(module.output.model_fields) <= set(bundle)
