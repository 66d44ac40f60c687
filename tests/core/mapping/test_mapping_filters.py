from typing import Any

import pytest
from jinja2.sandbox import SandboxedEnvironment
from mapping_cases import result, value_of

from engine.errors import ExpressionError, MappingError
from engine.mapping.compile import compile_text
from engine.mapping.filters import FILTERS
from engine.mapping.predicates import TESTS
from engine.mapping.selections import SELECTIONS

X: dict[str, Any] = {
    "name": "ann lee",
    "n": 5,
    "f": 2.345,
    "list": [3, 1, 2, 1],
    "words": ["b", "C", "a", "c"],
    "users": [
        {"name": "Bob", "age": 22, "in": {"city": "Brno"}, "on": True},
        {"name": "Ann", "age": 31, "in": {"city": "Oslo"}, "on": False},
    ],
    "user": {"b": 2, "a": 1},
    "text": "one two  three-four",
}

LIKE_JINJA = [
    "x.name | upper",
    "x.name | title",
    "'it(s) a-b [c]' | title",
    "x.name | capitalize",
    "'  a ' | trim",
    "'xxaxx' | trim('x')",
    "x.name | replace('n', 'm')",
    "x.name | replace('n', 'm', 1)",
    "x.name | replace('', '-')",
    "x.text | truncate(9)",
    "x.text | truncate(9, true, '…', 0)",
    "x.text | truncate(length=7, leeway=0, killwords=true)",
    "x.text | wordcount",
    "'a' | center(5)",
    "'a\nb\n\nc' | indent",
    "'a\nb\n\nc' | indent(2, true, true)",
    "'a b/c?' | urlencode",
    "{'a b': 1, 'c': 'd&'} | urlencode",
    "'<a href=\"x\">&' | escape",
    "'<p>a</p>  b' | striptags",
    "5 | string",
    "x.missing | default('d')",
    "'' | default('d')",
    "'' | default('d', true)",
    "x.name | default('d')",
    "x.name | length",
    "x.list | count",
    "x.user | length",
    "'12' | int",
    "'x' | int",
    "'x' | int(7)",
    "'ff' | int(0, 16)",
    "3.9 | int",
    "true | int",
    "'1.5' | float",
    "'x' | float",
    "-3 | abs",
    "x.f | round(2)",
    "x.f | round(1, 'ceil')",
    "x.f | round(1, 'floor')",
    "2.5 | round",
    "x.list | join('-')",
    "x.users | join(', ', attribute='name')",
    "x.list | first",
    "x.list | last",
    "x.name | first",
    "x.name | reverse",
    "x.list | reverse | list",
    "x.list | sort",
    "x.list | sort(true)",
    "x.words | sort",
    "x.words | sort(case_sensitive=true)",
    "x.users | sort(attribute='age') | map(attribute='name') | list",
    "x.users | sort(attribute='in.city', reverse=true) | map(attribute='name') | list",
    "x.words | unique | list",
    "x.list | unique | list",
    "x.list | min",
    "x.words | max",
    "x.users | max(attribute='age')",
    "x.list | sum",
    "x.users | sum(attribute='age')",
    "x.list | sum(start=10)",
    "x.name | list",
    "x.user | list",
    "x.words | map('upper') | list",
    "x.list | map('string') | join('')",
    "x.words | map('replace', 'b', 'z') | list",
    "x.users | map(attribute='in.city') | list",
    "x.users | map(attribute='zip', default='?') | list",
    "x.list | select('odd') | list",
    "x.list | select('greaterthan', 1) | list",
    "x.list | reject('even') | list",
    "[0, 1, '', 'a'] | select | list",
    "[0, 1, '', 'a'] | reject | list",
    "x.users | selectattr('on') | map(attribute='name') | list",
    "x.users | selectattr('age', 'gt', 25) | map(attribute='name') | list",
    "x.users | rejectattr('on') | map(attribute='name') | list",
    "x.users | rejectattr('name', 'in', ['Bob']) | map(attribute='name') | list",
    "x.user | tojson",
    "[1, 'a', none, true, 1.5] | tojson",
    "x.user | tojson(indent=2)",
    "x.list | batch(3) | list",
    "x.list | batch(3, 0) | list",
    "x.list | slice(3) | list",
    "x.list | slice(3, 0) | list",
    "x.users | groupby('on') | map(attribute='grouper') | list",
]


def plain(value: Any) -> Any:
    """Return tuples as lists, and markup as text."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, str) else value


@pytest.mark.parametrize("expression", LIKE_JINJA)
def test_a_filter_means_what_it_means_in_jinja(expression: str) -> None:
    theirs = SandboxedEnvironment().compile_expression(expression)(x=X)
    found = result(expression, x=X)
    assert found == plain(theirs)
    assert type(found) is type(plain(theirs))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x.missing | upper", ""),
        ("x.missing | length", 0),
        ("x.missing | join('-')", ""),
        ("x.missing | first", None),
        ("x.missing | int", 0),
        ("none | default('d')", "d"),
        ("none | d('d')", "d"),
        ("[] | min", None),
        ("'é' | tojson", '"é"'),
        ("now | tojson", '"2026-03-05T14:07:09.120Z"'),
        ("x.user | items", [["b", 2], ["a", 1]]),
        ("x.user | dictsort", [["a", 1], ["b", 2]]),
        ("x.user | dictsort(by='value', reverse=true)", [["b", 2], ["a", 1]]),
        ("[3, none, 'a', 1] | sort", [1, 3, "a", None]),
        ("'a' | e", "a"),
    ],
)
def test_null_counts_as_nothing_and_pairs_are_arrays(expression: str, expected: Any) -> None:
    assert result(expression, x=X) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a,b' | split(',')", ["a", "b"]),
        ("now | formatDate('YYYY')", "2026"),
        ("now | addDays(1) | formatDate('DD')", "06"),
        ("x.name | startcase", "Ann Lee"),
        ("x.none | ifempty('nobody')", "nobody"),
        ("'a b' | encodeURL", "a%20b"),
        ("x.words | map('removeAccents') | list", ["b", "C", "a", "c"]),
    ],
)
def test_a_name_that_jinja_lacks_is_fusions_function(expression: str, expected: Any) -> None:
    assert result(expression, x=X) == expected


def test_called_and_piped_names_differ_where_the_two_languages_do() -> None:
    assert result("round(-1.5)") == -1
    assert result("-1.5 | round") == -2.0
    assert result("capitalize('hELLO')") == "HELLO"
    assert result("'hELLO' | capitalize") == "Hello"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ x | attr('a') }}", "E211"),
        ("{{ x | format('a') }}", "E211"),
        ("{{ x | pprint }}", "E211"),
        ("{{ x | xmlattr }}", "E211"),
        ("{{ x | urlize }}", "E211"),
        ("{{ x | replace('a') }}", "E211"),
        ("{{ x | upper('a') }}", "E211"),
        ("{{ x | truncate(wide=3) }}", "E211"),
        ("{{ x | map }}", "E211"),
        ("{{ x | map(attribute=name) }}", "E211"),
        ("{{ x | map(name) }}", "E211"),
        ("{{ x | map('uper') }}", "E212"),
        ("{{ x | map('attr', 'y') }}", "E212"),
        ("{{ x | map('map') }}", "E212"),
        ("{{ x | map('shuffle') }}", "E212"),
        ("{{ x | selectattr }}", "E211"),
        ("{{ x | select('nope') }}", "E212"),
        ("{{ x | select('divisibleby') }}", "E211"),
        ("{{ x | a.b }}", "E212"),
        ("{{ x is callable }}", "E212"),
        ("{{ x is sameas(1) }}", "E212"),
        ("{{ x | upper(**y) }}", "E211"),
    ],
)
def test_a_filter_that_cannot_be_is_found_when_the_text_is_compiled(text: str, code: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_text(text)
    assert caught.value.problem_code == code


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x.user | upper", "`upper` needs text, but `x.user` is a collection of 2"),
        ("5 | length", "`length` needs an array, a text or a collection"),
        ("5 | first", "`first` needs an array, but got the number 5"),
        ("['a'] | sum", '`sum` needs numbers, but got the text "a"'),
        ("5 | items", "`items` needs a collection"),
        ("x.list | batch(0)", "`batch` needs a positive number"),
        ("x.list | slice(0)", "`slice` needs a positive number"),
        ("x.name | map(attribute='a')", '`map`: the text "a" has nothing under'),
        ("x.user | dictsort(by='size')", "`dictsort` needs `key` or `value`"),
        ("x.f | round(1, 'up')", "`round` needs `common`, `ceil` or `floor`"),
        ("x.list | tojson(99)", "`tojson` needs 0 to 16 spaces"),
        ("'a' is divisibleby 0", "`is divisibleby`: cannot divide by zero"),
        ("'a' is even", "`is even` needs a number"),
        ("1.5 is odd", "`is odd` needs a whole number"),
    ],
)
def test_a_filter_says_what_it_cannot_take(expression: str, message: str) -> None:
    with pytest.raises((ExpressionError, MappingError)) as caught:
        result(expression, x=X)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    "expression",
    [
        "x.name is defined",
        "x.missing is undefined",
        "none is none",
        "true is boolean",
        "1 is boolean",
        "true is true",
        "1 is true",
        "false is false",
        "1.5 is number",
        "1 is integer",
        "1 is float",
        "'a' is string",
        "x.user is mapping",
        "x.list is sequence",
        "x.list is iterable",
        "'a' is lower",
        "'A' is upper",
        "4 is even",
        "4 is odd",
        "6 is divisibleby(3)",
        "6 is divisibleby 4",
        "1 is in([1, 2])",
        "1 is eq 1",
        "1 is equalto(2)",
        "1 is ne(2)",
        "1 is lt(2)",
        "1 is lessthan(2)",
        "1 is le(1)",
        "1 is gt(2)",
        "1 is greaterthan(2)",
        "1 is ge(2)",
        "x.name is not defined",
    ],
)
def test_a_test_means_what_it_means_in_jinja(expression: str) -> None:
    assert result(expression, x=X) is SandboxedEnvironment().compile_expression(expression)(x=X)


def test_every_filter_and_test_has_a_row_of_its_own() -> None:
    rows = " ".join([*LIKE_JINJA, "| e |d('')", "x | items | dictsort | lower"])
    assert [
        n for n in (*FILTERS, *SELECTIONS) if f"| {n}" not in rows and f"|{n}" not in rows
    ] == []
    assert set(TESTS) <= set(SandboxedEnvironment().tests)


def test_filters_work_on_what_statements_loop_over() -> None:
    text = (
        "{% for g in x.users | groupby('on') %}{{ g.grouper }}:{{ g.list | length }};{% endfor %}"
    )
    assert value_of(text, x=X) == "false:1;true:1;"
    assert value_of("{{ 'ABC' | lower }}!", x=X) == "abc!"


def test_a_filter_without_a_name_has_a_place() -> None:
    with pytest.raises(ExpressionError) as caught:
        result("x | map('')", x=[1])
    assert (caught.value.problem_code, caught.value.offset, caught.value.length) == ("E212", 11, 1)
