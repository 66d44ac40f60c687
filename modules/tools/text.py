"""Values as text, for modules whose field is one text whatever is mapped into it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator


def text_of(value: Any) -> str:
    """Return a value as Fusion coerces it to text; null is empty, an array is joined with `, `.

    Raises ValueError for a collection, a file, and data that is not UTF-8. Source: Fusion help,
    "Type coercion".
    """
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case datetime():
            return _moment(value)
        case bytes():
            return _decoded(value)
        case list() | tuple():
            return _joined(value)
    raise ValueError("should be a value that has a text")


def _number(value: float) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e21
    return str(int(value) if whole else value)


def _moment(value: datetime) -> str:
    moment = value.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("should be data in UTF-8; convert its encoding first") from None


def _joined(values: Iterable[Any]) -> str:
    return ", ".join(map(text_of, values))


Text = Annotated[str, BeforeValidator(text_of)]
"""Type of a field that takes any value that has a text, as that text."""
