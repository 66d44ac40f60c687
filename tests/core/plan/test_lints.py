"""Warnings: what runs, but cannot be meant."""

from collections.abc import Callable

import pytest

from engine.plan.plan import Plan

MakePlan = Callable[[str], Plan]

HEAD = """\
flow:
  - {id: line, module: tools.basic_trigger, with: {bundles: [{nr: 1, parts: [1, 2]}]}}
"""
END = '  - {module: demo.put, with: {a: "{{ line.nr }}"}}\n'


def codes(plan_of: MakePlan, text: str) -> list[str]:
    return [warning.code for warning in plan_of(HEAD + text).warnings]


@pytest.mark.parametrize(
    ("node", "found"),
    [
        ('{id: made, module: tools.compose_string, with: {value: "a"}}', ["W103"]),
        ('{module: tools.compose_string, with: {value: "a"}}', ["W103"]),
        ("{id: made, module: tools.compose_string, disabled: true}", []),
        ("{module: tools.compose_string, on_error: [module: flow.ignore]}", []),
        ("{module: tools.set_variable, with: {name: a, value: 1}}", []),
        ("{module: tools.sleep, with: {duration: 1s}}", []),
        ("{module: tools.increment, with: {reset_after: cycle}}", []),
    ],
)
def test_a_node_that_only_computes_what_nobody_maps_is_told(
    node: str, found: list[str], plan_of: MakePlan
) -> None:
    assert codes(plan_of, f"  - {node}\n{END}") == [*found, "W103"]


@pytest.mark.parametrize("where", ["with: {a: '{{ made.text }}'}", "filter: '{{ made.text }}'"])
def test_a_node_that_a_field_or_a_filter_maps_is_used(where: str, plan_of: MakePlan) -> None:
    text = "  - {id: made, module: tools.compose_string}\n"

    found = codes(plan_of, text + f"  - {{module: demo.find, {where}}}\n")

    assert found == []


@pytest.mark.parametrize(
    ("fields", "then", "found"),
    [
        ("flow.array_aggregator, with: {fields: {a: '{{ part.value }}'}}", "all.array", []),
        ("flow.array_aggregator, with: {fields: {a: '{{ line.nr }}'}}", "all.array", ["W106"]),
        ("flow.array_aggregator, with: {fields: {a: x}}", "all.array_length", ["W106"]),
        ("flow.array_aggregator, with: {fields: {a: '{{ part.value }}'}}", "line.nr", ["W106"]),
        ("tools.numeric_aggregator, with: {function: count}", "all.result", []),
        ("tools.text_aggregator, with: {text: '{{ part.value }}'}", "all.text", []),
    ],
)
def test_an_aggregator_that_swallows_its_bundles_is_told(
    fields: str, then: str, found: list[str], plan_of: MakePlan
) -> None:
    text = "  - {id: part, module: flow.iterator, with: {array: '{{ line.parts }}'}}\n"
    text += f"  - {{id: all, module: {fields}}}\n"

    assert (
        codes(plan_of, f"{text}  - {{module: demo.find, with: {{a: '{{{{ {then} }}}}'}}}}\n")
        == found
    )


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("\"{{ error.type == 'DataError' }}\"", []),
        ("\"{{ error.type == 'DataErorr' }}\"", ["W105"]),
        ("\"{{ 'dataerror' == error.type }}\"", ["W105"]),
        ("\"{{ failed.error.type == 'Timeout' }}\"", ["W105"]),
        ("{any: [{all: [['{{ error.type }}', 'text:equal', DataError]]}]}", []),
        ("{any: [{all: [['{{ error.type }}', 'text:equal:ci', dataerror]]}]}", []),
        ("{any: [{all: [['{{ error.type }}', 'text:equal', dataerror]]}]}", ["W105"]),
        ("{any: [{all: [['{{ error.type }}', 'text:notequal', dataerror]]}]}", []),
        ("{any: [{all: [['{{ error.message }}', 'text:equal', dataerror]]}]}", []),
        ("\"{{ error.type in ['DataError', 'Timeout', 'Slow'] }}\"", ["W105", "W105"]),
        ("\"{{ error.type in ['DataError', 'RateLimitError'] }}\"", []),
        ("\"{{ error.type not in ['Timeout'] }}\"", []),
        ("\"{{ 'dataerror' == error.type | lower }}\"", []),
        ("\"{{ lower(error.type) == 'dataerror' }}\"", []),
        ("\"{{ lower(error.type) == 'DataError' }}\"", ["W105"]),
        ("\"{{ contains(error.type, 'Timeout') }}\"", []),
        ("\"{{ contains(error.type, 'Tymeout') }}\"", ["W105"]),
        ("\"{{ error.type == 'DataError' and error.type == 'RateLimitError' }}\"", ["W105"]),
        ('"{{ failed.error.type == 429 }}"', ["W105"]),
        ('"{{ error.type == 429 or line.nr == 1 }}"', []),
        ("\"{{ error.type == 'DataError' and now < parseDate('1970', 'YYYY') }}\"", []),
        ("{any: [{all: [['{{ error.type }}', 'text:contain', Timeout]]}]}", []),
        ("{any: [{all: [['{{ error.type }}', 'text:contain', Tymeout]]}]}", ["W105"]),
        ("{any: [{all: [['{{ error.type }}', 'text:startwith:ci', rate]]}]}", []),
        ("{any: [{all: [['{{ error.type }}', 'number:equal', 429]]}]}", ["W105"]),
        ("{any: [{all: [['{{ error.type }}', notexist]]}]}", ["W105"]),
        ("{any: [{all: [['{{ error.type }}', 'text:equal', '{{ line.nr }}']]}]}", []),
        (
            "{any: [{all: [['{{ error.type }}', 'text:equal', DataError],"
            " ['{{ failed.error.type }}', 'text:equal', RateLimitError]]}]}",
            ["W105"],
        ),
    ],
)
def test_a_handler_for_a_type_that_no_error_has_is_told(
    condition: str, found: list[str], plan_of: MakePlan
) -> None:
    text = f"""\
  - id: failed
    module: demo.find
    on_error:
      - {{module: demo.find, filter: {condition}}}
      - module: flow.ignore
"""
    assert codes(plan_of, text) == found


def test_a_route_that_no_type_of_error_takes_is_told(plan_of: MakePlan) -> None:
    text = """\
  - module: demo.find
    on_error:
      - module: flow.router
        routes:
          - {filter: "{{ error.type == 'DataError' }}", flow: [{module: flow.ignore}]}
          - {filter: "{{ substring(error.type, 0, 4) == 'Http' }}", flow: [{module: flow.ignore}]}
"""
    (warning,) = plan_of(HEAD + text).warnings

    assert warning.code == "W105"
    assert warning.place is not None
    assert (warning.place.line, warning.place.column) == (8, 23)


def test_a_fallback_beside_a_route_that_takes_everything_is_told(plan_of: MakePlan) -> None:
    routes = "[{{name: all{}, flow: [{}]}}, {{fallback: true, flow: [{}]}}]"
    put = "{module: demo.find}"

    def found(more: str) -> list[str]:
        return codes(
            plan_of, f"  - {{module: flow.router, routes: {routes.format(more, put, put)}}}\n"
        )

    assert found("") == found(", filter: true") == ["W101"]
    assert found(", filter: false") == found(', filter: "{{ line.nr }}"') == []
    assert found(", disabled: true") == []


def test_the_place_of_a_type_is_that_of_its_first_letter(plan_of: MakePlan) -> None:
    text = "  - module: demo.find\n    on_error:\n      - module: flow.throw\n"
    text += "        with: {message: a}\n        filter: \"{{ error.type == 'Slow' }}\"\n"

    (warning,) = plan_of(HEAD + text).warnings

    assert warning.place is not None
    assert (warning.place.line, warning.place.column, warning.place.length) == (7, 36, 4)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("{password: open sesame}", ["W104"]),
        ("{api_key: 8f3e1c7a9b2d}", ["W104"]),
        ("{deep: {list: [{client-secret: 8f3e1c7a9b2d}]}}", ["W104"]),
        ("{headers: [{name: Authorization, value: 'Bearer abcdefghijklmnop'}]}", ["W104"]),
        ("{anything: 'Bearer abcdefghijklmnop'}", ["W104"]),
        ("{anything: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijklmnop'}", ["W104"]),
        ("{password: '{{ line.nr }}'}", []),
        ("{password: ''}", []),
        ("{password: true}", []),
        ("{tokens: 25}", []),
        ("{path: secret/stairs}", []),
    ],
)
def test_a_secret_in_clear_is_told_and_not_shown(
    fields: str, found: list[str], plan_of: MakePlan
) -> None:
    plan = plan_of(f"{HEAD}  - {{module: demo.find, with: {fields}}}\n")

    assert [warning.code for warning in plan.warnings] == found
    assert not any(secret in repr(plan.warnings) for secret in ("sesame", "8f3e", "abcdefgh"))


def test_warnings_stand_in_document_order(plan_of: MakePlan) -> None:
    text = """\
  - {id: one, module: tools.compose_string, with: {value: a}}
  - {module: demo.find, with: {token: 8f3e1c7a9b2d}}
  - {id: two, module: tools.compose_string, with: {value: a}}
"""
    assert codes(plan_of, text) == ["W103", "W104", "W103"]
