"""Values as text, for modules whose field is one text whatever is mapped into it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

LONGEST_JOINED: Final = 1_000_000
"""Most characters of an array's text: as much as an expression may build. Elements can be one and
the same text, so that a small bundle would give a huge one."""


def text_of(value: Any) -> str:
    """Return a value as Fusion coerces it to text; null is empty, an array is joined with `, `.

    Raises ValueError for a collection, a file, data that is not UTF-8, and an array whose text is
    too long. Source: Fusion help, "Type coercion".
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
    texts, size = [], 0
    for value in values:
        texts.append(text_of(value))
        size += len(texts[-1]) + len(", ")
        if size > LONGEST_JOINED:
            raise ValueError(f"should have a text of at most {LONGEST_JOINED:,} characters")
    return ", ".join(texts)


Text = Annotated[str, BeforeValidator(text_of)]
"""Type of a field that takes any value that has a text, as that text."""
