"""Math functions. Source: Fusion help, "Math functions"."""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine.mapping.coercion import is_small, to_integer, to_number, to_text
from engine.mapping.functions.function import Function
from engine.mapping.limits import check_list
from engine.mapping.operators import add, divide, multiply, power, subtract
from engine.mapping.refusal import Refused

DECIMALS = 100
"""Most decimals that a number is written or cut with."""


def number(value: Any) -> int | float:
    """Return a number within the limits of expressions. Raises Refused."""
    found = to_number(value)
    if not is_small(found) or (isinstance(found, float) and not math.isfinite(found)):
        raise Refused("a number of ordinary size", value)
    return found


def numbers(values: tuple[Any, ...]) -> list[int | float]:
    """Return the numbers of separate arguments, or of the one array given in their place."""
    return list(_each_number(values))


def _each_number(values: tuple[Any, ...]) -> Iterator[int | float]:
    source: Iterable[Any] = values
    if len(values) == 1 and isinstance(values[0], list | tuple):
        source = values[0]
        check_list(len(values[0]))
    return map(number, source)


def rounded(value: Any) -> int:
    """Assumed: halves go up, as in JavaScript: 1.5 is 2, and -1.5 is -1."""
    found = number(value)
    below = math.floor(found)
    return below + 1 if found - below >= 0.5 else below


def _truncated(value: Any, decimals: Any = 0) -> int | float:
    found, places = number(value), _decimals(decimals)
    if isinstance(found, int) or places == 0:
        return int(found)
    cut = f"{found:.{places + 20}f}"
    return float(cut[: len(cut) - 20])


def _decimals(value: Any) -> int:
    places = to_integer(value)
    if not 0 <= places <= DECIMALS:
        raise Refused(f"0 to {DECIMALS} decimals", value)
    return places


def _average(*values: Any) -> float | None:
    found = numbers(values)
    return divide(_total(found), len(found)) if found else None


def _total(*values: Any) -> int | float:
    result: int | float = 0
    for value in _each_number(values):
        result = add(result, value)
    return result


def _least(*values: Any) -> int | float | None:
    return min(numbers(values), default=None)


def _greatest(*values: Any) -> int | float | None:
    return max(numbers(values), default=None)


def _middle(*values: Any) -> int | float | None:
    found = sorted(numbers(values))
    if not found:
        return None
    half = len(found) // 2
    return found[half] if len(found) % 2 else divide(add(found[half - 1], found[half]), 2)


def deviation(missing: int) -> Callable[..., float | None]:
    """Return the standard deviation over all numbers less `missing`; null below two numbers."""

    def measured(*values: Any) -> float | None:
        found = numbers(values)
        if len(found) < 2:
            return None
        centre = math.fsum(found) / len(found)
        squares = math.fsum((value - centre) ** 2 for value in found)
        return math.sqrt(squares / (len(found) - missing))

    return measured


def folded(operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return a function that applies an operator to its arguments from left to right."""

    def fold(first: Any, *rest: Any) -> Any:
        result: Any = number(first)
        for value in rest:
            result = operate(result, number(value))
        return result

    return fold


def _square_root(value: Any) -> float:
    return math.sqrt(_positive(value, zero=True))


def _natural_log(value: Any) -> float:
    return math.log(_positive(value))


def logarithm(base: Any, value: Any) -> float:
    """Return the exact exponent where there is one: `log(2, 8)` is 3."""
    root, found = _positive(base), _positive(value)
    if root == 1:
        raise Refused("a base other than 1", base)
    result = math.log(found) / math.log(root)
    return round(result) if math.isclose(root ** round(result), found, rel_tol=1e-14) else result


def _positive(value: Any, *, zero: bool = False) -> int | float:
    found = number(value)
    if found < 0 or (found == 0 and not zero):
        raise Refused("a positive number", value)
    return found


def parse_number(text: Any, decimal: Any = ".") -> int | float:
    """Assumed: all but digits, sign and the decimal separator is dropped."""
    separator = to_text(decimal)
    if len(separator) != 1:
        raise Refused("one character as decimal separator", decimal)
    written = to_text(text)
    if len(written) > 2_000:
        raise Refused("a number", text)
    kept = re.sub(rf"[^0-9+\-{re.escape(separator)}]", "", written)
    try:
        return number(kept.replace(separator, "."))
    except Refused:
        raise Refused("a number", text) from None


def _format_number(value: Any, decimals: Any, decimal: Any = ",", thousands: Any = ".") -> str:
    found, places = number(value), _decimals(decimals)
    marks = [to_text(decimal), to_text(thousands)]
    if max(map(len, marks)) > 10:
        raise Refused(reason="a separator is at most 10 characters long")
    whole, _, rest = f"{found:,.{places}f}".partition(".")
    return whole.replace(",", marks[1]) + (marks[0] + rest if rest else "")


def _sorted_numbers(*values: Any) -> list[int | float]:
    return sorted(numbers(values))


def _sorted_down(*values: Any) -> list[int | float]:
    return sorted(numbers(values), reverse=True)


NUMERIC = (
    Function("abs", "number", "The number without its sign.", "abs(-3.14)",
             lambda value: abs(number(value))),
    Function("ceil", "number", "The next whole number up.", "ceil(1.2)",
             lambda value: math.ceil(number(value))),
    Function("floor", "number", "The next whole number down.", "floor(1.9)",
             lambda value: math.floor(number(value))),
    Function("round", "number", "The nearest whole number, halves up.", "round(1.5)", rounded),
    Function("trunc", "number, [decimals]", "The number, cut after some decimals.",
             "trunc(3.149, 2)", _truncated),
    Function("sqrt", "number", "The square root.", "sqrt(9)", _square_root),
    Function("ln", "number", "The natural logarithm.", "ln(1)", _natural_log),
    Function("log", "base, number", "The logarithm to a base.", "log(2, 8)", logarithm),
    Function("power", "number, exponent", "The number to a power.", "power(4, 0.5)",
             lambda value, exponent: power(number(value), number(exponent))),
    Function("number", "value", "A text as a number.", 'number("42")', number),
    Function("div", "number, number…", "Division from left to right.", "div(100, 5, 4)",
             folded(divide)),
    Function("sub", "number, number…", "Subtraction from left to right.", "sub(10, 3, 2)",
             folded(subtract)),
    Function("prod", "number, number…", "The product.", "prod(2, 3, 4)", folded(multiply)),
    Function("sum", "number…", "The sum of numbers, or of an array.", "sum(1, 2, 3)", _total),
    Function("average", "number…", "The average of numbers, or of an array; null of none.",
             "average(2, 4)", _average),
    Function("min", "number…", "The smallest of numbers, or of an array; null of none.",
             "min(3, 1, 2)", _least),
    Function("max", "number…", "The largest of numbers, or of an array; null of none.",
             "max(3, 1, 2)", _greatest),
    Function("median", "number…", "The middle of numbers, or of an array; null of none.",
             "median(2, 3, 5, 8)", _middle),
    Function("stdevS", "number…", "The standard deviation of a sample; null below two numbers.",
             "stdevS(1, 2, 3)", deviation(1)),
    Function("stdevP", "number…", "The standard deviation of all; null below two numbers.",
             "stdevP(1, 2, 3)", deviation(0)),
    Function("parseNumber", "text, [decimal]", "A number written with a decimal separator.",
             'parseNumber("1 756,456", ",")', parse_number),
    Function("formatNumber", "number, decimals, [decimal], [thousands]",
             "A number written with separators, by default `,` and `.`.",
             'formatNumber(1234.5, 2, ".", ",")', _format_number),
    Function("sortAscNum", "number…", "The numbers as an array, smallest first.",
             "sortAscNum(3, 1, 2)", _sorted_numbers),
    Function("sortDescNum", "number…", "The numbers as an array, largest first.",
             "sortDescNum(3, 1, 2)", _sorted_down),
)  # fmt: skip
