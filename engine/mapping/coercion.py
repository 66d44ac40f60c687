"""What values become when another kind is expected, and how they are named to people.

Source: Fusion help, "Type coercion". What does not fit raises `Refused`.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from engine.mapping.limits import INTEGER_BITS, check_text
from engine.mapping.refusal import Refused
from engine.model.bundle import File

PREVIEW = 40
"""Characters of a text that a message quotes."""
DIGIT_LIMIT = 1_233
"""Digits of a whole number of 4,096 bits."""
NUMBER = re.compile(r"\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)
TIME = re.compile(r"\s*(\d{1,2}):(\d{2}):(\d{2})\s*", re.ASCII)


class Erase(str):
    """The kind of `ERASE`."""

    __slots__ = ()


ERASE: Final = Erase()
"""What the keyword `erase` stands for: an empty text, which a field knows from other empty texts.

It never leaves a node's mapping: where it is the whole of a field, the field is cleared. Source:
Fusion help, "erase".
"""


def escaped(text: str, limit: int = PREVIEW) -> str:
    """Return the text fit for a line of a message: cut, no control characters."""
    shown = text[:limit]
    if not shown.isprintable():
        shown = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown
        )
    return shown if len(text) <= limit else f"{shown}…"


def describe(value: Any) -> str:
    """Say in a few words what a value is: `the text "abc"`, `null`, `an array of 3`."""
    match value:
        case None:
            return "null"
        case bool():
            return f"the boolean {str(value).lower()}"
        case int() | float():
            small = is_small(value)
            return f"the number {escaped(number_text(value))}" if small else "a huge number"
        case Erase():
            return "`erase`"
        case str():
            return f'the text "{escaped(value)}"'
        case datetime():
            return f"the date {date_text(value)}"
    return _describe_many(value)


def _describe_many(value: Any) -> str:
    match value:
        case bytes():
            return f"a buffer of {len(value)} bytes"
        case time():
            return f"the time {value}"
        case File():
            return f"the file {escaped(value.name)}"
        case list() | tuple():
            return f"an array of {len(value)}"
        case Mapping():
            return f"a collection of {len(value)}"
    return f"a {escaped(type(value).__name__)}"


def is_small(value: int | float) -> bool:
    """Tell whether a number is within the limits of expressions."""
    return isinstance(value, float) or value.bit_length() <= INTEGER_BITS


def number_text(value: int | float) -> str:
    """Return a number as Fusion writes it.

    Assumed: as JavaScript does, so that a whole number has no decimals (`3`, not `3.0`).
    """
    if isinstance(value, int):
        if not is_small(value):
            raise Refused(reason="the number is too large to be written")
        return str(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def utc(value: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is taken for UTC already."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def date_text(value: datetime) -> str:
    """Return a date in ISO 8601, UTC, with milliseconds: `2016-06-20T17:26:44.356Z`."""
    return utc(value).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def milliseconds(value: datetime) -> int:
    """Return the milliseconds since 1970."""
    moment = utc(value)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1000 + moment.microsecond // 1000


def to_text(value: Any) -> str:
    """Return a value as text: null is empty, an array is joined. Raises Refused.

    Assumed: an array's elements are joined with a comma and a space.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime):
        return date_text(value)
    if isinstance(value, list | tuple):
        return joined(", ", value)
    if isinstance(value, bytes):
        return _decoded(value)
    raise Refused("text", value)


def joined(mark: str, values: Iterable[Any]) -> str:
    """Put the texts of values together, with a mark between them. Raises Refused.

    Checks the size with every value, so that no more is ever held than may be built.
    """
    parts, size = [], 0
    for value in values:
        text = to_text(value)
        size += len(text) + len(mark)
        check_text(size - len(mark))
        parts.append(text)
    return mark.join(parts)


def texts_of(values: Iterable[Any]) -> list[str]:
    """Return the text of each value; what is not text yet is at most one text's size in all."""
    texts, size = [], 0
    for value in values:
        text = to_text(value)
        if text is not value:
            size += len(text)
            check_text(size)
        texts.append(text)
    return texts


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("text in UTF-8", value) from None


def to_number(value: Any) -> int | float:
    """Return a number, or a text that spells one, as a number. Raises Refused."""
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]  # mypy does not narrow by `type(...) is`
    if isinstance(value, str):
        return _parsed_number(value)
    raise Refused("a number", value)


def _parsed_number(text: str) -> int | float:
    match = NUMBER.fullmatch(text) if len(text) <= DIGIT_LIMIT else None
    if match is None:
        raise Refused("a number", text)
    sign, digits, exponent = match.groups()
    if exponent is None and "." not in digits:
        return int(sign + digits)
    number = float(sign + digits + (exponent or ""))
    if math.isinf(number):
        raise Refused("a number", text)
    return number


def to_operand(value: Any) -> int | float:
    """Return what arithmetic works with: a number, a numeric text, or a date's milliseconds."""
    return milliseconds(value) if isinstance(value, datetime) else to_number(value)


def to_integer(value: Any) -> int:
    """Return a whole number; decimals are dropped. Raises Refused."""
    number = to_number(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise Refused("a whole number", value)
    return int(number)


def to_whole(value: Any) -> int:
    """Return a number without decimals, also one written as text. Raises Refused for any other.

    Assumed: Fusion has no whole numbers of their own; what would lose decimals is a mistake.
    """
    number = to_number(value)
    if isinstance(number, float) and not number.is_integer():
        raise Refused("a whole number", value)
    return int(number)


def to_boolean(value: Any) -> bool:
    """Return Fusion's reading as a boolean: any number is true, `""` and `"false"` are false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value not in ("", "false")
    return value is not None


def to_bytes(value: Any) -> bytes:
    """Return a buffer as it is, and anything that can be text in UTF-8. Raises Refused."""
    if isinstance(value, bytes):
        return value
    if value is None or isinstance(value, list | tuple | Mapping):
        raise Refused("text or a buffer", value)
    try:
        return to_text(value).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("text without broken characters", value) from None


def to_time(value: Any) -> time:
    """Return a time of day, or a text that spells one as `h:mm:ss`. Raises Refused."""
    if isinstance(value, time):
        return value
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is not None:
        hour, minute, second = map(int, match.groups())
        if hour < 24 and minute < 60 and second < 60:
            return time(hour, minute, second)
    raise Refused("a time such as 9:05:00", value)


def to_list(value: Any) -> list[Any]:
    """Return an array as it is (never change it), null as none, another value as one element.

    Raises Refused for what is not a value of a bundle.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return list(value)
    return [] if value is None else [value]


def to_collection(value: Any) -> Mapping[str, Any]:
    """Return a collection as it is. Raises Refused."""
    if isinstance(value, Mapping):
        return value
    raise Refused("a collection", value)
