from typing import Any

import pytest
from mapping_cases import world

from engine.errors import DataError, ExpressionError, MappingError
from engine.mapping.compile import (
    FUNCTION_NAMES,
    RESERVED_NAMES,
    Mapped,
    Reference,
    compile_filter,
)


def passes(text: str, **scope: Any) -> Any:
    return compile_filter(text).evaluate({"": world(), **scope})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ x.size > 0 }}", True),
        ("{{ x.size > 9 }}", False),
        ("  {{ x.size == 5 }} ", True),
        ("{{ x.missing }}", False),
        ("{{ x.missing < 3 }}", False),
        ("{{ x.missing > 3 }}", False),
        ("{{ x.active }}", True),
        ("{{ x.name is defined and x.size in [5, 6] }}", True),
        ("{{ in(x.name, 'a', 'b') }}", True),
        ("{{ not contains(x.name, 'a') }}", False),
        ("{{ x.size % 3 == 2 }}", True),
    ],
)
def test_a_filter_gives_a_boolean_and_null_does_not_pass(text: str, expected: object) -> None:
    assert passes(text, x={"size": 5, "active": True, "name": "a"}) is expected


@pytest.mark.parametrize("text", ["{{ x.name }}", "{{ x.size }}", "{{ x.name and x.name }}"])
def test_a_value_that_is_no_boolean_is_a_data_error_with_a_hint(text: str) -> None:
    with pytest.raises(MappingError, match="a filter needs true or false") as caught:
        passes(text, x={"name": "a", "size": 1})
    assert isinstance(caught.value, DataError)
    assert (caught.value.offset, caught.value.length) == (0, len(text))
    assert "compare" in caught.value.notes[0]


@pytest.mark.parametrize(
    "text", ["x.size > 0", "", "{{ a }} {{ b }}", "{% if a %}{{ b }}{% endif %}", "not {{ a }}"]
)
def test_a_filter_is_exactly_one_expression(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_filter(text)
    assert caught.value.problem_code == "E210"
    assert "exactly one expression" in caught.value.message


def test_a_filter_tells_what_it_reads() -> None:
    mapped = compile_filter("{{ a.b == 1 }}")
    assert isinstance(mapped, Mapped)
    assert mapped.references == (Reference("a", ("b",), 3, 1, (5,)),)


def test_names_that_no_node_may_take() -> None:
    assert {"upper", "formatDate", "if", "in", "map"} <= FUNCTION_NAMES
    assert FUNCTION_NAMES < RESERVED_NAMES
    assert {"now", "pi", "error", "inputs", "scenario", "null", "not", "loop"} <= RESERVED_NAMES
    assert "video" not in RESERVED_NAMES
