"""The operators, checked: size first, then the operation. All raise `Refused`.

Null, booleans, arrays and collections are no operands of arithmetic; a date counts as its
milliseconds and a text as the number it spells. Source: Fusion help, "Type coercion".
"""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from engine.mapping.coercion import describe, to_operand, to_text, utc
from engine.mapping.limits import INTEGER_BITS, check_list, check_text
from engine.mapping.refusal import Refused

Operate: TypeAlias = Callable[[Any, Any], Any]

PLAIN = frozenset({str, int, float, bool, datetime, bytes, type(None)})
"""Types that compare with themselves as Python does."""
TOO_LARGE = "the result is too large"


def add(left: Any, right: Any) -> Any:
    """Join if either side is text, put arrays together, else add numbers."""
    kind, other = type(left), type(right)
    if (kind is int or kind is float) and (other is int or other is float):
        return _checked(left + right)
    if isinstance(left, str) or isinstance(right, str):
        return concat(to_text(left), to_text(right))
    if isinstance(left, list) and isinstance(right, list):
        check_list(len(left) + len(right))
        return left + right
    return _checked(to_operand(left) + to_operand(right))


def concat(*texts: str) -> str:
    """Put texts together."""
    check_text(sum(map(len, texts)))
    return "".join(texts)


def subtract(left: Any, right: Any) -> Any:
    """Return the difference; of dates, in milliseconds."""
    left, right = _numbers(left, right)
    return _checked(left - right)


def multiply(left: Any, right: Any) -> Any:
    """Return the product of numbers; a text is never repeated."""
    kind, other = type(left), type(right)
    if kind is int and other is int:
        if left.bit_length() + right.bit_length() > INTEGER_BITS:
            raise Refused(reason=TOO_LARGE)
        return left * right
    if (kind is int or kind is float) and (other is int or other is float):
        return _checked(left * right)
    return multiply(to_operand(left), to_operand(right))


def divide(left: Any, right: Any) -> Any:
    """Return the quotient, always with decimals, as Jinja does."""
    left, right = _divisible(left, right)
    return _checked(left / right)


def _floor_divide(left: Any, right: Any) -> Any:
    left, right = _divisible(left, right)
    return _checked(left // right)


def modulo(left: Any, right: Any) -> Any:
    """Return the remainder with the sign of the divisor, as Jinja does."""
    if type(left) is int and type(right) is int and right:
        return left % right  # nearer to 0 than the divisor
    left, right = _divisible(left, right)
    return _checked(left % right)


def power(left: Any, right: Any) -> Any:
    """Return left to the power of right."""
    left, right = _numbers(left, right)
    if isinstance(left, int) and isinstance(right, int) and right >= 0:
        if left.bit_length() * right > INTEGER_BITS and abs(left) > 1:
            raise Refused(reason=TOO_LARGE)
        return int(left**right)
    if left == 0 and right < 0:
        raise Refused(reason="cannot divide by zero")
    result = left**right
    if isinstance(result, complex):
        raise Refused("a positive number under a root", left)
    return _checked(result)


def negative(value: Any) -> int | float:
    """Return the number with the other sign."""
    return -to_operand(value)


def positive(value: Any) -> int | float:
    """Return the number."""
    return to_operand(value)


def _numbers(left: Any, right: Any) -> tuple[Any, Any]:
    kind, other = type(left), type(right)
    if (kind is int or kind is float) and (other is int or other is float):
        return left, right
    return to_operand(left), to_operand(right)


def _divisible(left: Any, right: Any) -> tuple[Any, Any]:
    left, right = _numbers(left, right)
    if right == 0:
        raise Refused(reason="cannot divide by zero")
    return left, right


def _checked(result: Any) -> Any:
    """Return a result that is a number within the limits: not infinite, not too many bits."""
    if type(result) is float:
        if result - result != 0.0:  # infinite, or not a number
            raise Refused(reason=TOO_LARGE)
    elif result.bit_length() > INTEGER_BITS:
        raise Refused(reason=TOO_LARGE)
    return result


def equal(left: Any, right: Any) -> bool:
    """Compare without coercion: `"2"` is not `2`, and true is not `1`."""
    kind = type(left)
    if kind is type(right):
        if kind in PLAIN:
            return bool(left == right)
    elif isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if type(left) is dict and type(right) is dict:
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """Compare without coercion."""
    return not equal(left, right)


def contained(left: Any, right: Any) -> bool:
    """Tell whether right, an array, text or collection, holds left; null holds nothing."""
    if isinstance(right, str) and isinstance(left, str):
        return left in right
    if isinstance(right, list | tuple):
        return any(equal(left, each) for each in right)
    if isinstance(right, Mapping):
        return isinstance(left, str) and left in right
    if right is None or (isinstance(right, str) and left is None):
        return False
    raise Refused("an array, a text or a collection", right)


def _not_contained(left: Any, right: Any) -> bool:
    return not contained(left, right)


def _ordering(compare: Callable[[Any, Any], bool]) -> Operate:
    def ordered(left: Any, right: Any) -> bool:
        kind = type(left)
        if kind is type(right) and (kind is int or kind is float or kind is str):
            return compare(left, right)
        if left is None or right is None:
            return False
        return compare(*_comparable(left, right))

    return ordered


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two values of one kind that has an order. Raises Refused."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        return utc(left), utc(right)
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | float | str | datetime):
            raise Refused("numbers, texts or dates to compare", value)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left, right
    raise Refused(reason=f"cannot compare {describe(left)} with {describe(right)}")


def item_of(value: Any, key: Any) -> Any:
    """Look a key up in a collection, or an index in an array or text; null if it is not there."""
    if value is None or key is None:
        return None
    if isinstance(value, Mapping):
        return _item_of_collection(value, key)
    if isinstance(value, list | tuple | str) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else None
    raise Refused(reason=f"{describe(value)} has nothing under {describe(key)}")


def _item_of_collection(value: Mapping[str, Any], key: Any) -> Any:
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    if not isinstance(key, str):
        raise Refused("the name of an item as text", key)
    return value.get(key)


def part_of(value: Any, start: Any, stop: Any, step: Any) -> Any:
    """Return a slice of an array, text or buffer, as Jinja does; null of null."""
    if value is None:
        return None
    if not isinstance(value, list | tuple | str | bytes):
        raise Refused("an array or a text to slice", value)
    for bound in (start, stop, step):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
            raise Refused("whole numbers to slice by", bound)
    if step == 0:
        raise Refused(reason="a slice cannot advance by 0")
    chosen = slice(start, stop, step)
    size = len(range(*chosen.indices(len(value))))
    check_list(size) if isinstance(value, list | tuple) else check_text(size)
    part = value[chosen]
    return list(part) if isinstance(part, tuple) else part


BINARY: dict[str, tuple[str, Operate]] = {
    "Add": ("+", add),
    "Sub": ("-", subtract),
    "Mul": ("*", multiply),
    "Div": ("/", divide),
    "FloorDiv": ("//", _floor_divide),
    "Mod": ("%", modulo),
    "Pow": ("**", power),
}
"""By the name of Jinja's node: how people write the operator, and what it does."""

COMPARISONS: dict[str, tuple[str, Operate]] = {
    "eq": ("==", equal),
    "ne": ("!=", unequal),
    "lt": ("<", _ordering(operator.lt)),
    "lteq": ("<=", _ordering(operator.le)),
    "gt": (">", _ordering(operator.gt)),
    "gteq": (">=", _ordering(operator.ge)),
    "in": ("in", contained),
    "notin": ("not in", _not_contained),
}
"""By Jinja's word for the operator."""
