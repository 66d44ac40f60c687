from datetime import UTC, datetime
from typing import Any

import pytest
from mapping_cases import result

from engine.errors import MappingError

DATE = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
SCOPE: dict[str, Any] = {
    "x": {"n": 3, "f": 2.5, "t": "ab", "yes": True, "no": None, "d": DATE, "a": [1, "b"], "c": {}},
    "s": {"num": "12.5", "big": 2**4000},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2", 3),
        ("x.n * x.f", 7.5),
        ("x.n - 5", -2),
        ("7 / 2", 3.5),
        ("6 / 2", 3.0),
        ("7 // 2", 3),
        ("-7 % 3", 2),
        ("2 ** 10", 1024),
        ("2 ** -1", 0.5),
        ("-x.n", -3),
        ("+x.n", 3),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("s.num * 2", 25.0),
        ("'3' - 1", 2),
        ("x.d - x.d", 0),
        ("(x.d - 5) // 1000", 1767323045),
        ("'a' + 'b'", "ab"),
        ("'a' + 1", "a1"),
        ("1 + 'a'", "1a"),
        ("'a' + x.no", "a"),
        ("'on: ' + x.d", "on: 2026-01-02T03:04:05.678Z"),
        ("'is ' + x.yes", "is true"),
        ("'l: ' + x.a", "l: 1, b"),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("x.t ~ 1 ~ x.no ~ true", "ab1true"),
        ("1 ~ 2", "12"),
    ],
)
def test_arithmetic_and_joining(expression: str, expected: Any) -> None:
    found = result(expression, **SCOPE)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 == 1.0", True),
        ("'2' == 2", False),
        ("true == 1", False),
        ("0 == false", False),
        ("[1, true] == [1, 1]", False),
        ("[1, 'a'] == [1.0, 'a']", True),
        ("{'a': 1} == {'a': 1}", True),
        ("{'a': 1} == {'a': true}", False),
        ("x.no == none", True),
        ("x.missing == null", True),
        ("x.no == ''", False),
        ("x.n != 3", False),
        ("x.n < 4", True),
        ("x.f >= 2.5", True),
        ("'a' < 'b'", True),
        ("x.d <= now", True),
        ("x.no < 1", False),
        ("1 > x.no", False),
        ("x.missing >= x.missing", False),
        ("1 < x.n < 5", True),
        ("1 < x.n < 3", False),
        ("x.n in [1, 2, 3]", True),
        ("'3' in [1, 2, 3]", False),
        ("true in [1]", False),
        ("'b' in x.t", True),
        ("'n' in x", True),
        ("x.n not in x.a", True),
        ("1 in x.no", False),
        ("x.yes and 'then'", "then"),
        ("x.no or 'else'", "else"),
        ("not x.no", True),
        ("not x.a", False),
        ("'a' if x.yes else 'b'", "a"),
        ("'a' if x.no else 'b'", "b"),
        ("'a' if x.no", None),
    ],
)
def test_comparisons_and_logic(expression: str, expected: Any) -> None:
    assert result(expression, **SCOPE) == expected
    assert type(result(expression, **SCOPE)) is type(expected)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x.no * 2", "`*` needs a number, but `x.no` is null"),
        ("2 + x.missing", "`+` needs a number, but `x.missing` is null"),
        ("x.t - 1", '`-` needs a number, but `x.t` is the text "ab"'),
        ("x.yes + 1", "`+` needs a number, but `x.yes` is the boolean true"),
        ("x.a * 2", "`*` needs a number, but `x.a` is an array of 2"),
        ("x.c - 1", "`-` needs a number, but `x.c` is a collection of 0"),
        ("-x.t", '`-` needs a number, but `x.t` is the text "ab"'),
        ("1 / 0", "`/`: cannot divide by zero"),
        ("1 % 0", "`%`: cannot divide by zero"),
        ("0 ** -1", "`**`: cannot divide by zero"),
        ("(-8) ** 0.5", "`**` needs a positive number under a root, but got the number -8"),
        ("1e308 * 10", "`*`: the result is too large"),
        ("1e308 + 1e308", "`+`: the result is too large"),
        ("s.big * s.big", "`*`: the result is too large"),
        ("10 ** (10 ** 10)", "`**`: the result is too large"),
        ("1.5 * s.big", "`*`: cannot work with the number 1.5, the number"),
        ("x.t < 3", '`<`: cannot compare the text "ab" with the number 3'),
        ("x.yes > false", "`>` needs numbers, texts or dates to compare, but `x.yes` is"),
        ("1 in 5", "`in` needs an array, a text or a collection, but got the number 5"),
        ("'a' ~ x.c", "`~` needs text, but `x.c` is a collection of 0"),
        ("x.a[0.5]", "`[…]`: an array of 2 has nothing under the number 0.5"),
        ("x.a[::0]", "`[…:…]`: a slice cannot advance by 0"),
        ("x.a['0':]", "`[…:…]` needs whole numbers to slice by"),
        ("{1: 2}", "`{…}` needs text as the name of an item, but got the number 1"),
    ],
)
def test_what_an_operator_cannot_do_names_the_item_or_the_value(
    expression: str, message: str
) -> None:
    with pytest.raises(MappingError) as caught:
        result(expression, **SCOPE)
    assert caught.value.message.startswith(message)


def test_the_error_points_at_the_item_to_blame() -> None:
    text = "{{ 2 * order . total }}"
    with pytest.raises(MappingError) as caught:
        result("2 * order . total", order={})
    assert text[caught.value.offset :][: caught.value.length] == "order . total"
    assert "default" in caught.value.notes[0]


def test_the_branch_that_is_not_taken_is_not_evaluated() -> None:
    assert result("0 if n == 0 else 1 / n", n=0) == 0
    assert result("if(n == 0, 0, 1 / n)", n=0) == 0
    assert result("n == 0 or 1 / n", n=0) is True
