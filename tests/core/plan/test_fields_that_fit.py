"""Fields on their way to a module: constants at load, mapped ones in the run, and what is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from runs import Bench

from engine.errors import BundleValidationError, MappingError, ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plan import FieldMapping, Plan
from engine.run.operation import check_fields

SHOP = '''
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from engine.module import Bundle, Context, Fields, FileValue, Module


class Line(Fields):
    name: str
    count: int = 1
    note: str | None = None


class OrderFields(Fields):
    title: str
    width: int = Field(default=5, ge=1)
    price: float | None = None
    express: bool = False
    due: datetime | None = None
    photo: bytes = b""
    tags: list[str] = []
    lines: list[Line] = []
    labels: dict[str, str] = {}
    size: Literal["small", "large"] = "small"
    start: Literal["now"] | Line = "now"
    file: FileValue | None = None
    own: Annotated[str, BeforeValidator(lambda value: repr(value))] = ""
    anything: Any = None


class Order(Module[OrderFields, Bundle]):
    """Pass on what came, and which fields were set."""

    id = "shop.order"

    def execute(self, fields: OrderFields, ctx: Context) -> list[Bundle]:
        return [{"fields": dict(fields), "set": sorted(fields.model_fields_set)}]
'''

MakeFields = Callable[[str], FieldMapping]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    return folder


def plan_of(shop: Path, fields: str, timezone: str = "UTC") -> Plan:
    lines = "".join(f"      {line}\n" for line in fields.strip("\n").splitlines())
    text = (
        f"settings: {{timezone: {timezone}}}\n"
        "flow:\n"
        "  - {id: came, module: tools.basic_trigger, with: {bundles: [{}]}}\n"
        "  - id: order\n"
        "    module: shop.order\n"
        f"    with:\n{lines}"
    )
    return load_text(text, shop / "shop.yaml", Catalog([shop]))


@pytest.fixture
def fields_of(shop: Path) -> MakeFields:
    return lambda fields: plan_of(shop, fields).nodes["order"].fields


def came(**items: Any) -> dict[str, Any]:
    return {"came": items}


def test_constants_are_coerced_once_at_load(fields_of: MakeFields) -> None:
    fields = fields_of("""
title: 2026
width: "3"
price: " 0.5 "
express: "true"
due: 1.3.2026
photo: żółw
tags: one
lines: {name: 7, count: 2.0, note: null}
labels: {a: 1, b: true}
start: {name: 7}
size:
""")

    assert fields.constants == {
        "title": "2026",
        "width": 3,
        "price": 0.5,
        "express": True,
        "due": datetime(2026, 3, 1, tzinfo=UTC),
        "photo": "żółw".encode(),
        "tags": ["one"],
        "lines": [{"name": "7", "count": 2}],
        "labels": {"a": "1", "b": "true"},
        "start": {"name": "7"},
    }


@pytest.mark.parametrize(
    ("timezone", "due"),
    [
        ("UTC", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 1, 17, tzinfo=UTC)),
    ],
)
def test_dates_are_in_the_time_zone_of_the_scenario(
    shop: Path, timezone: str, due: datetime
) -> None:
    constant = plan_of(shop, "{title: a, due: 2026-03-01 12:00}", timezone).nodes["order"].fields
    mapped = plan_of(shop, '{title: a, due: "{{ came.due }}"}', timezone).nodes["order"].fields

    assert constant.constants["due"] == due
    assert mapped.evaluate(came(due="2026-03-01 12:00"))["due"] == due


@pytest.mark.parametrize(
    ("fields", "says", "line", "column"),
    [
        ("title: [a, {b: 1}]", "`title` should be a text, but is an array of 2: it holds a "
         "collection of 1", 7, 14),
        ("title: a\nwidth: wide", '`width` should be a whole number, but is the text "wide"',
         8, 14),
        ("title: a\nwidth: 2.5", "`width` should be a whole number, but is the number 2.5", 8, 14),
        ("title: a\nwidth: true", "`width` should be a whole number, but is the boolean true",
         8, 14),
        ('title: a\nwidth: "0"', "`width` should be at least 1", 8, 15),
        ('title: a\nexpress: "no"', '`express` should be true or false, but is the text "no"',
         8, 17),
        ("title: a\nexpress: 0", "`express` should be true or false, but is the number 0", 8, 16),
        ("title: a\ndue: soon", "`due` should be a date such as 2026-03-01 or "
         '2026-03-01T12:30:00Z, but is the text "soon"', 8, 12),
        ("title: a\nlines: [{name: a}, {name: b, count: x}]",
         '`lines.1.count` should be a whole number, but is the text "x"', 8, 43),
        ("title: a\nlines: {name: b, count: x}",
         '`lines.count` should be a whole number, but is the text "x"', 8, 31),
        ("title: a\nlines: 5", "`lines` should be a collection, but is the number 5", 8, 14),
        ("title: a\nlabels: 5", "`labels` should be a collection, but is the number 5", 8, 15),
        ("title: a\nsize: [5]", "`size` should be one of small, large", 8, 13),
        ("title: a\nstart: {name: a, count: x}",
         '`start.count` should be a whole number, but is the text "x"', 8, 31),
        ("title: a\nfile: a.pdf", "`file` should be a file, or a collection of `name` and `data`, "
         'but is the text "a.pdf"', 8, 13),
        ("title:", "`title` should be a text, but is nothing", 7, 13),
    ],
)  # fmt: skip
def test_a_constant_that_does_not_fit_is_told_at_its_place(
    shop: Path, fields: str, says: str, line: int, column: int
) -> None:
    with pytest.raises(ScenarioError) as caught:
        plan_of(shop, fields)

    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("E132", says)
    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (line, column)


def test_all_constants_that_do_not_fit_are_told_in_one_reading(shop: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        plan_of(shop, "width: wide\nlines: [{}, {name: a, count: b}]\ndue: soon\nother: 1")

    told = [(problem.code, problem.message[:24]) for problem in caught.value.problems]
    assert told == [
        ("E131", "`shop.order` needs the f"),
        ("E132", "`width` should be a whol"),
        ("E131", "`lines` needs the field "),
        ("E132", "`lines.1.count` should b"),
        ("E132", "`due` should be a date s"),
        ("E130", "`shop.order` has no fiel"),
    ]


def test_a_constant_beside_a_mapped_one_is_checked_and_coerced(
    shop: Path, fields_of: MakeFields
) -> None:
    fields = fields_of('title: a\nlines: [{name: "{{ came.x }}", count: "2"}, {name: 5}]')
    found = fields.evaluate(came(x=True))
    assert found["lines"] == [{"name": "true", "count": 2}, {"name": "5"}]

    with pytest.raises(ScenarioError, match=r"`lines\.0\.count` should be a whole number"):
        plan_of(shop, 'title: a\nlines: [{name: "{{ came.x }}", count: "x"}]')


MAPPED = """
title: "{{ came.title }}"
width: "{{ came.width }}"
price: "{{ came.price }}"
express: "{{ came.express }}"
tags: "{{ came.tags }}"
lines: "{{ came.lines }}"
labels: {a: "{{ came.a }}", b: "x{{ came.b }}"}
file: {name: "{{ came.name }}", data: "{{ came.data }}"}
own: "{{ came.own }}"
anything: "{{ came.anything }}"
"""


def test_mapped_fields_become_what_is_expected(fields_of: MakeFields) -> None:
    fields = fields_of(MAPPED)

    found = fields.evaluate(
        came(
            title=[1, True],
            width="3.0",
            price=4,
            express=0,
            tags=False,
            lines={"name": 1, "count": "2", "note": None},
            a=1.0,
            b=2,
            name=5,
            data=b"\xff",
            own=5,
            anything="5",
        )
    )

    assert found == {
        "title": "1, true",
        "width": 3,
        "price": 4,
        "express": True,
        "tags": ["false"],
        "lines": [{"name": "1", "count": 2}],
        "labels": {"a": "1", "b": "x2"},
        "file": {"name": "5", "data": b"\xff"},
        "own": 5,
        "anything": "5",
    }


def test_what_comes_out_empty_is_not_supplied(fields_of: MakeFields) -> None:
    found = fields_of(
        'title: "{{ came.a.b.c }}"\nwidth: "{{ ignore }}"\nexpress: "{{ null }}"\n'
        'due: "{{ came.due }}"\nanything: "{{ came.x }}"\nprice: null\n'
        'start: {name: "{{ came.n }}"}'
    ).evaluate(came(due=None, n="a"))

    assert found == {"start": {"name": "a"}}


@pytest.mark.parametrize(
    ("fields", "items", "says", "line", "column"),
    [
        ('title: a\nwidth: "{{ came.w }}"', {"w": "wide"},
         'field `width` should be a whole number, got the text "wide" from `{{ came.w }}`', 8, 15),
        ('title: a\nwidth: " {{ came.w }}5"', {"w": "-"},
         "field `width` should be at least 1, got the number -5 from `{{ came.w }}5`", 8, 15),
        ("title: >\n  {{ came.t }}", {"t": {"a": 1}},
         "field `title` should be a text, got a collection of 1 from `{{ came.t }}`", 8, 9),
        ('title: "{{ came.t }}"', {"t": [b"\xff"]},
         "field `title` should be a text, got an array of 1 from `{{ came.t }}`: it holds a buffer "
         "of 1 bytes", 7, 15),
        ('title: "{{ came.t }}"', {"t": b"\xff"},
         "field `title` should be a text, got a buffer of 1 bytes from `{{ came.t }}`: it is not "
         "in UTF-8", 7, 15),
        ('title: "{{ came.t }}"', {},
         "field `title` is required, but came out empty from `{{ came.t }}`", 7, 15),
        ('title: a\nlines: "{{ came.l }}"', {"l": [{"name": "a"}, {"count": 1}]},
         "field `lines.1.name` is required, but came out empty from `{{ came.l }}`", 8, 15),
        ('title: a\nlines: [{name: a}, {name: "{{ came.n }}"}]', {"n": {}},
         "field `lines.1.name` should be a text, got a collection of 0 from `{{ came.n }}`", 8, 34),
        ('title: a\nlines: [{name: a, count: "{{ came.c }}"}, {name: "{{ came.n }}"}]',
         {"c": 1},
         "field `lines.1.name` is required, but came out empty from `{{ came.n }}`", 8, 57),
        ('title: a\nlabels: {a: 1, b: "{{ came.b }}"}', {"b": {}},
         "field `labels.b` should be a text, got a collection of 0 from `{{ came.b }}`", 8, 26),
        ('title: a\nfile: {name: "{{ came.n }}", data: "{{ came.d }}"}', {"n": None, "d": 5},
         "field `file.name` should be a text, got null from `{{ came.n }}`", 8, 21),
        ('title: a\nsize: "{{ came.s }}"', {"s": "huge"},
         'field `size` should be one of small, large, got the text "huge" from `{{ came.s }}`',
         8, 14),
        ('title: a\nstart: "{{ came.s }}"', {"s": {"name": "a", "other": 1}},
         "field `start.other` is unknown, but came from `{{ came.s }}`", 8, 15),
        ('title: a\nwidth: "{{ came.w }}"\nprice: "{{ came.p }}"', {"w": "a", "p": False},
         'field `width` should be a whole number, got the text "a" from `{{ came.w }}`; field '
         "`price` should be a number, got the boolean false from `{{ came.p }}`", 8, 15),
        ('title: a\nwidth: "{{ came.w }}"', {"w": "\x1b" + "x" * 100},
         'field `width` should be a whole number, got the text "\\x1b' + "x" * 39
         + '…" from `{{ came.w }}`', 8, 15),
    ],
)  # fmt: skip
def test_a_mapped_value_that_does_not_fit_is_told_with_its_expression_and_place(
    shop: Path, fields: str, items: dict[str, Any], says: str, line: int, column: int
) -> None:
    plan = plan_of(shop, fields)
    order = plan.nodes["order"]

    failure = failure_of(plan, items)

    assert failure.type_name == "BundleValidationError"
    assert failure.message == says
    assert failure.place is not None
    assert failure.place.file == str(shop / "shop.yaml")
    assert (failure.place.line, failure.place.column) == (line, column)
    assert order.place.line < line


def failure_of(plan: Plan, items: dict[str, Any]) -> BundleValidationError:
    with pytest.raises(BundleValidationError) as caught:
        check_fields(plan.nodes["order"], came(**items))
    return caught.value


def test_an_expression_that_fails_is_told_before_values_that_do_not_fit(
    fields_of: MakeFields,
) -> None:
    fields = fields_of('title: a\nwidth: "{{ came.w }}"\nprice: "{{ came.p * 2 }}"')

    with pytest.raises(MappingError):
        fields.evaluate(came(w="x", p=None))


def test_a_nest_of_arrays_is_told_and_not_a_crash(fields_of: MakeFields) -> None:
    nest: Any = {"name": "a"}
    for _ in range(100_000):
        nest = [nest]
    fields = fields_of('title: "{{ came.t }}"\nlines: "{{ came.t }}"')

    with pytest.raises(BundleValidationError) as caught:
        fields.evaluate(came(t=nest))

    assert "field `title` should be a text, got an array of 1" in caught.value.message


def test_a_nest_of_arrays_beside_something_to_erase_is_told_too(fields_of: MakeFields) -> None:
    nest: Any = 1
    for _ in range(100_000):
        nest = [nest]
    fields = fields_of('title: a\nanything: "{{ if(came.t, came.t, erase) }}"')

    with pytest.raises(BundleValidationError, match="nested too deep"):
        fields.evaluate(came(t=nest))


def test_erase_reaches_the_module_as_a_field_that_is_set_to_null(shop: Path) -> None:
    node = plan_of(
        shop,
        'title: "{{ erase }}"\nprice: "{{ if(true, erase, 5) }}"\ndue: "{{ came.due }}"\n'
        'lines: [{name: a, note: "{{ erase }}"}]\ntags: "{{ erase }}"\nexpress: "{{ erase }}"\n'
        'anything: {a: "{{ erase }}"}',
    ).nodes["order"]

    assert node.module is not None
    given: Any = node.module.input.model_validate(node.fields.evaluate(came()))
    assert given.model_fields_set == {"anything", "express", "lines", "price", "tags", "title"}
    assert (given.price, given.title, given.tags, given.express) == (None, "", [], False)
    assert given.anything == {"a": None}
    assert (given.lines[0].note, given.lines[0].model_fields_set) == (None, {"name", "note"})


def test_erase_cannot_clear_what_is_never_empty(fields_of: MakeFields) -> None:
    fields = fields_of('title: a\nwidth: "{{ erase }}"')

    with pytest.raises(
        BundleValidationError, match="`width` should be a whole number, got `erase`"
    ):
        fields.evaluate(came())


def test_erase_in_a_text_is_nothing(fields_of: MakeFields) -> None:
    assert fields_of('title: "a{{ erase }}b"').evaluate(came()) == {"title": "ab"}


FLOW = """
settings: {store_incomplete_executions: true}
flow:
  - id: came
    module: tools.basic_trigger
    with: {bundles: [{text: 1}, {text: {a: 1}}, {text: true}]}
  - id: save
    module: probe.record
    with: {text: "{{ came.text }}"}
"""


async def test_a_bundle_that_does_not_fit_never_reaches_the_module_and_is_stored(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, FLOW)

    execution = await bench.run()

    assert bench.seen == ["save:1", "save:true"]
    assert execution.nodes["save"].operations == 2
    (stored,) = await bench.stored()
    assert stored.failure.type == "BundleValidationError"
    assert stored.failure.where.endswith("probe.yaml:9:19")


REPEAT = """
flow:
  - id: came
    module: tools.basic_trigger
    with: {bundles: [{n: "2", on: "x"}]}
  - id: turn
    module: flow.repeater
    with: {start: "{{ came.n }}", repeats: "{{ came.n }}"}
  - id: save
    module: probe.record
    with: {text: "{{ turn.i }}"}
  - id: rows
    module: tools.text_aggregator
    with: {source: turn, text: "{{ turn.i }}", row_separator: 1, stop_if_empty: "false"}
  - module: probe.record
    with: {text: "{{ rows.text }}"}
"""


async def test_fields_of_the_engines_own_modules_are_coerced_too(tmp_path: Path) -> None:
    bench = Bench(tmp_path, REPEAT)

    await bench.run()

    assert bench.seen == ["save:2", "save:3", "flow.5:213"]
