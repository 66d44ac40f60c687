"""Values of bundles in the form that `report.js` shows, each bundle once, however often it is seen.

Null, booleans, numbers and texts are themselves. All else is an object with one item, so that no
name or text of a bundle can be taken for anything else:

    {"a": [...]}                    array
    {"o": [[name, value], ...]}     collection
    {"f": [name, size, type, hash]} file
    {"d": text}                     date
    {"b": size}                     buffer
    {"n": text}                     number that JavaScript cannot hold
"""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final

import orjson

from engine.cli.outline import without_order
from engine.cli.units import size
from engine.model.bundle import Bundle, File

ROOM: Final = 24_000_000
"""Bytes that all bundles of a page may take together; what comes later is left out."""

_EXACT: Final = 2**53


class Values:
    """The bundles of a page; `table` holds each of them once."""

    def __init__(self, room: int = ROOM) -> None:
        self.table: list[Any] = []
        self.is_full = False
        self._room = room
        self._places: dict[int, int | None] = {}
        self._held: list[Bundle] = []
        """Keeps what was seen alive, so that no other bundle gets its identity."""

    def place(self, bundle: Bundle | None) -> int | None:
        """Return where a bundle stands in the table; None: it was too large to be kept."""
        if bundle is None:
            return None
        if id(bundle) not in self._places:
            self._held.append(bundle)
            self._places[id(bundle)] = self._added(bundle)
        return self._places[id(bundle)]

    def _added(self, bundle: Bundle) -> int | None:
        value = shown(without_order(bundle))
        self._room -= len(orjson.dumps(value))
        if self._room < 0:
            self.is_full = True
            return None
        self.table.append(value)
        return len(self.table) - 1


def shown(value: Any) -> Any:
    """Return a value as the page shows it."""
    match value:
        case None | bool() | str():
            return value
        case int() | float():
            return _number(value)
        case File() | datetime() | bytes():
            return _fact(value)
        case Mapping():
            return {"o": [[str(name), shown(item)] for name, item in value.items()]}
        case list() | tuple():
            return {"a": [shown(item) for item in value]}
        case _:
            return str(value)


def _number(value: int | float) -> Any:
    exact = isfinite(value) if isinstance(value, float) else abs(value) < _EXACT
    return value if exact else {"n": str(value)}


def _fact(value: File | datetime | bytes) -> Any:
    match value:
        case File():
            return {"f": [value.name, size(value.size), value.type, value.sha256]}
        case datetime():
            return {"d": value.isoformat()}
        case bytes():
            return {"b": size(len(value))}
