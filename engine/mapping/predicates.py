"""The tests after `is`: Jinja's, as far as they ask about values. Null is what is not defined."""

from collections.abc import Callable, Mapping
from typing import Any

from engine.mapping.coercion import to_integer, to_text
from engine.mapping.operators import COMPARISONS, contained, equal, unequal
from engine.mapping.refusal import Refused


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise Refused("a whole number", value)
    return to_integer(value)


def _divisible_by(value: Any, number: Any) -> bool:
    divisor = _whole(number)
    if divisor == 0:
        raise Refused(reason="cannot divide by zero")
    return _whole(value) % divisor == 0


def _true(value: Any) -> bool:
    return value is True


def _false(value: Any) -> bool:
    return value is False


_LESS, _LESS_OR_EQUAL = COMPARISONS["lt"][1], COMPARISONS["lteq"][1]
_GREATER, _GREATER_OR_EQUAL = COMPARISONS["gt"][1], COMPARISONS["gteq"][1]

TESTS: Mapping[str, Callable[..., bool]] = {
    "defined": lambda value: value is not None,
    "undefined": lambda value: value is None,
    "none": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "true": _true,
    "false": _false,
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, float),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, Mapping),
    "sequence": lambda value: isinstance(value, list | tuple | str | Mapping),
    "iterable": lambda value: isinstance(value, list | tuple | str | Mapping),
    "lower": lambda value: to_text(value).islower(),
    "upper": lambda value: to_text(value).isupper(),
    "even": lambda value: _whole(value) % 2 == 0,
    "odd": lambda value: _whole(value) % 2 == 1,
    "divisibleby": _divisible_by,
    "in": contained,
    "eq": equal,
    "equalto": equal,
    "ne": unequal,
    "lt": _LESS,
    "lessthan": _LESS,
    "le": _LESS_OR_EQUAL,
    "gt": _GREATER,
    "greaterthan": _GREATER,
    "ge": _GREATER_OR_EQUAL,
}
"""By Jinja's name."""
