"""Values as JSON for programs that evaluate expressions, in both directions.

    date      {"$date": "2026-01-31T12:00:00.000Z"}
    buffer    {"$buffer_hex": "00ff"}
    file      {"$file": {"name": …, "size": …, "type": …, "sha256": …}}, only as an answer

Everything else is what it looks like. What does not fit raises `Refused`.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.mapping.coercion import date_text, describe, utc
from engine.mapping.refusal import Refused
from engine.model.bundle import File

DEPTH_LIMIT = 80
"""Levels of nesting of a value; as many as can be stored."""
ANSWER_LIMIT = 32_000_000
"""Characters of an answer, an element or item counted as eight more."""


def read_json(data: bytes) -> Any:
    """Return what a JSON text says, dates and buffers not yet read. Raises Refused."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise Refused(reason=f"this is not JSON: {error.msg} at {at}") from None
    except UnicodeDecodeError:
        raise Refused(reason="this is not JSON: it is not in UTF-8") from None
    except RecursionError:
        raise Refused(reason=f"JSON nested deeper than {DEPTH_LIMIT} levels") from None
    except ValueError as error:
        raise Refused(reason=f"this is not JSON: {error}") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def write_json(value: Any) -> str:
    """Return a value as one line of JSON in ASCII. Raises Refused for what cannot be written."""
    try:
        text = json.dumps(_Writer().written(value, 0), allow_nan=False)
    except ValueError:  # Python writes no integer beyond 4,300 digits
        raise Refused(reason="the number is too large to be written") from None
    return text.replace("\x7f", "\\u007f")


def from_json(value: Any, depth: int = 0) -> Any:
    """Return a value of a bundle from its JSON. Raises Refused."""
    _check_depth(depth)
    if isinstance(value, list):
        return [from_json(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        if "$date" in value:
            return _date(value["$date"])
        if "$buffer_hex" in value:
            return _buffer(value["$buffer_hex"])
    return {key: from_json(item, depth + 1) for key, item in value.items()}


def _check_depth(depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise Refused(reason=f"a value is nested deeper than {DEPTH_LIMIT} levels")


def _date(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return utc(moment) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise Refused(reason=f"$date should be a date in ISO 8601, not {describe(text)}") from None


def _buffer(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        shown = describe(text)
        raise Refused(reason=f"$buffer_hex should be pairs of hex digits, not {shown}") from None


class _Writer:
    """Makes JSON of one value and adds up its size: a value may hold another many times over."""

    def __init__(self) -> None:
        self._size = 0

    def written(self, value: Any, depth: int) -> Any:
        """Return a value as `json` can write it."""
        _check_depth(depth)
        match value:
            case None | bool():
                return value
            case str():
                self._count(len(value))
                return value
            case int() | float():
                return _number(value)
            case list() | tuple():
                self._count(8 * len(value))
                return [self.written(item, depth + 1) for item in value]
            case Mapping() if not isinstance(value, File):
                self._count(sum(8 + len(key) for key in value))
                return {key: self.written(item, depth + 1) for key, item in value.items()}
        return self._tagged(value)

    def _tagged(self, value: Any) -> dict[str, Any]:
        match value:
            case datetime():
                return {"$date": date_text(value)}
            case bytes():
                self._count(2 * len(value))
                return {"$buffer_hex": value.hex()}
            case File():
                names = ("name", "size", "type", "sha256")
                return {"$file": {name: getattr(value, name) for name in names}}
        raise Refused(reason=f"{describe(value)} cannot be written as JSON")

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > ANSWER_LIMIT:
            raise Refused(reason="the value is too large to be written")


def _number(value: int | float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused(reason="JSON has no number for infinity and for what is no number")
    return value
