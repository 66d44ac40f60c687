"""Fusion's form of a filter: groups of conditions, each `[left, operator, right]`.

OR between groups, AND inside one. The operator's prefix is the type that both sides are coerced
to; a side that cannot be makes the condition false, and its negation true. Source: Make help,
"Filtering".
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import partial
from typing import Any, TypeAlias

from engine.mapping.coercion import to_boolean, to_list, to_number, to_text, utc
from engine.mapping.functions.dates import to_date
from engine.mapping.functions.patterns import Pattern, compile_pattern
from engine.mapping.refusal import Refused
from engine.mapping.world import Scope

Operand: TypeAlias = Callable[[Scope], Any]
Compare: TypeAlias = Callable[[Any, Any], bool]
Condition: TypeAlias = tuple[Operand, Compare, Operand]

_TIME = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def exists(left: Any, _right: Any = None) -> bool:
    """Tell whether there is a value.

    Assumed: false for null, empty text and empty array; true for 0, false and white space.
    """
    return left is not None and left != "" and left != []


def not_exists(left: Any, right: Any = None) -> bool:
    """Tell whether there is no value."""
    return not exists(left, right)


def pattern(text: str, *, ignore_case: bool) -> Pattern:
    """Compile the right side of `text:pattern`. Raises Refused."""
    return compile_pattern(text, "i" if ignore_case else "")


def any_of(groups: Sequence[Sequence[Condition]]) -> Callable[[Scope], bool]:
    """Return the filter of groups of conditions; without any group, everything passes.

    Assumed: a group without conditions holds, as no conditions do.
    """
    if not groups:
        return lambda _scope: True

    def passes(scope: Scope) -> bool:
        for group in groups:
            for left, compare, right in group:
                if not compare(left(scope), right(scope)):
                    break
            else:
                return True
        return False

    return passes


def _to_text(value: Any) -> str:
    return to_text(value)


def _to_folded(value: Any) -> str:
    return to_text(value).casefold()


def _to_moment(value: Any) -> datetime:
    """Return a date, or a text in one of the forms of coercion as one.

    Assumed: a text without an offset is in UTC, whatever the scenario's time zone.
    """
    return to_date(value, UTC)


def _to_time(value: Any) -> time:
    """Return the time of day of `h:mm`, `h:mm:ss` or a date.

    Assumed: a date's time of day is taken in UTC.
    """
    if isinstance(value, datetime):
        return utc(value).astimezone(UTC).time()
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) > 23:
        raise Refused("a time", value)
    return time(int(found[1]), int(found[2]), int(found[3] or 0))


def _length(value: Any) -> int:
    return len(to_list(value))


def _holds(convert: Callable[[Any], str], left: Any, right: Any) -> bool:
    """Tell whether an array has an element.

    Assumed: elements are compared as texts, so that 5 and "5" are the same; a collection or a file
    is none of them.
    """
    wanted = convert(right)
    return any(
        not isinstance(each, Mapping | list) and convert(each) == wanted for each in to_list(left)
    )


def _matches(left: Any, right: Any, *, ignore_case: bool) -> bool:
    known = isinstance(right, Pattern)
    wanted: Pattern = right if known else pattern(to_text(right), ignore_case=ignore_case)
    return wanted.found_in(to_text(left))


def _coerced(
    left_as: Callable[[Any], Any], right_as: Callable[[Any], Any], compare: Compare
) -> Compare:
    def coerced(left: Any, right: Any) -> bool:
        return compare(left_as(left), right_as(right))

    return coerced


def _lenient(compare: Compare) -> Compare:
    """Make a condition false where a side cannot be coerced."""

    def holds(left: Any, right: Any) -> bool:
        try:
            return compare(left, right)
        except Refused:
            return False

    return holds


def _negated(compare: Compare) -> Compare:
    """Make the opposite of a lenient condition: true where a side cannot be coerced."""
    return lambda left, right: not compare(left, right)


def _pair(name: str, compare: Compare, negation: str) -> dict[str, Compare]:
    held = _lenient(compare)
    return {name: held, negation: _negated(held)}


_ORDERS: Mapping[str, Compare] = {
    "less": operator.lt,
    "greater": operator.gt,
    "lessorequal": operator.le,
    "greaterorequal": operator.ge,
}


def _ordered(
    family: str, left_as: Callable[[Any], Any], right_as: Callable[[Any], Any]
) -> dict[str, Compare]:
    equal = _coerced(left_as, right_as, operator.eq)
    found = _pair(f"{family}:equal", equal, f"{family}:notequal")
    for name, compare in _ORDERS.items():
        found[f"{family}:{name}"] = _lenient(_coerced(left_as, right_as, compare))
    return found


def _texts(suffix: str, convert: Callable[[Any], str]) -> dict[str, Compare]:
    compares: Mapping[str, Callable[[str, str], bool]] = {
        "equal": operator.eq,
        "contain": operator.contains,
        "startwith": str.startswith,
        "endwith": str.endswith,
    }
    found: dict[str, Compare] = {}
    for name, compare in compares.items():
        held = _coerced(convert, convert, compare)
        found |= _pair(f"text:{name}{suffix}", held, f"text:not{name}{suffix}")
    ignore_case = suffix == ":ci"
    matches = partial(_matches, ignore_case=ignore_case)
    found |= _pair(f"text:pattern{suffix}", matches, f"text:notpattern{suffix}")
    holds = partial(_holds, convert)
    return found | _pair(f"array:contain{suffix}", holds, f"array:notcontain{suffix}")


OPERATORS: Mapping[str, Compare] = {
    "exist": exists,
    "notexist": not_exists,
    **_texts("", _to_text),
    **_texts(":ci", _to_folded),
    **_ordered("number", to_number, to_number),
    **_ordered("date", _to_moment, _to_moment),
    **_ordered("time", _to_time, _to_time),
    **_pair("boolean:equal", _coerced(to_boolean, to_boolean, operator.eq), "boolean:notequal"),
    **_ordered("array", _length, to_number),
}
"""Every operator by its exact name (semantics R8)."""

UNARY = frozenset({"exist", "notexist"})
"""Operators without a right side."""

PATTERNS = {name: name.endswith(":ci") for name in OPERATORS if "pattern" in name}
"""Operators whose right side is a regular expression; true if it ignores case."""
