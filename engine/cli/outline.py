"""Bundle values as an indented outline for people."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from engine.cli.text import cut, escape
from engine.cli.units import counted, size
from engine.model.bundle import ORDER_ITEMS, File

MOST_ITEMS = 20
"""Elements of one array or collection that are shown; JSON output has them all."""

LONGEST_TEXT = 200
"""Cells of one text that are shown."""

LONGEST_HINT = 30

DEEPEST = 8


def outline(items: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield one line per item, what is inside an item indented below it."""
    yield from _outline(((str(key), value) for key, value in items.items()), len(items), indent)


def summary(value: Any) -> str:
    """Return a value in one line: a file by name and size, a text in quotes as in JSON."""
    match value:
        case File():
            return f"{escape(value.name)} ({size(value.size)}, {escape(value.type)})"
        case Mapping():
            return counted(len(value), "item")
        case list() | tuple():
            return counted(len(value), "element")
        case bytes():
            return f"buffer of {size(len(value))}"
        case datetime():
            return value.isoformat()
        case str():
            return cut(escape(json.dumps(value, ensure_ascii=False)), LONGEST_TEXT)
        case None | bool():
            return json.dumps(value)
        case _:
            return cut(escape(str(value)), LONGEST_TEXT)


def hint(bundles: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what tells one stored bundle from the others: a file's name, else a short value."""
    values = [value for bundle in bundles.values() for value in bundle.values()]
    named = next((value.name for value in values if isinstance(value, File)), None)
    plain = (str(value) for value in values if isinstance(value, str | int | float) and value != "")
    return cut(escape(named or next(plain, "")), LONGEST_HINT)


def without_order(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle's own items, without those that say where it stands among others."""
    return {name: value for name, value in bundle.items() if name not in ORDER_ITEMS}


def files_in(bundles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield `node.item` of each item that is a file, in order."""
    for node_id, bundle in bundles.items():
        for item, value in bundle.items():
            if isinstance(value, File):
                yield f"{node_id}.{item}"


def _outline(items: Iterable[tuple[str, Any]], count: int, indent: str) -> Iterator[str]:
    for index, (key, value) in enumerate(items):
        if index == MOST_ITEMS:
            yield f"{indent}… {count - MOST_ITEMS} more"
            return
        yield f"{indent}{escape(key)}: {summary(value)}"
        if len(indent) < 2 * DEEPEST:
            yield from _inside(value, indent + "  ")


def _inside(value: Any, indent: str) -> Iterator[str]:
    match value:
        case File():
            return
        case Mapping():
            yield from outline(value, indent)
        case list() | tuple():
            numbered = ((f"[{index}]", element) for index, element in enumerate(value))
            yield from _outline(numbered, len(value), indent)
