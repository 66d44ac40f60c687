"""Iterating and aggregating: how arrays become bundles, and bundles arrays. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.model.bundle import Bundle, File


def elements(array: Any) -> Iterator[Bundle]:
    """Yield one bundle per element, with the order items of Fusion and their readable twins.

    Null gives none, a value that is no array counts as an array of one. A collection's items become
    the bundle's; anything else becomes item `value`. Assumed: a file is a value, not a collection.
    """
    if array is None:
        return
    values = array if isinstance(array, list | tuple) else [array]
    count = len(values)
    for index, value in enumerate(values, 1):
        is_collection = isinstance(value, Mapping) and not isinstance(value, File)
        items = value if is_collection else {"value": value}
        yield {
            **items,
            "__IMTINDEX__": index,
            "__IMTLENGTH__": count,
            "bundle_index": index,
            "bundle_count": count,
        }


class Collected:
    """What an array aggregator has collected during one operation of its source."""

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[Any, tuple[Any, list[Mapping[str, Any]]]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._groups

    def add(self, fields: Mapping[str, Any]) -> None:
        """Take one arriving bundle's mapped fields."""
        key = fields.get("group_by")
        plain = isinstance(key, str | int | float | None)
        marker = (type(key) is bool, plain, key if plain else repr(key))
        group = self._groups.get(marker)
        if group is None:
            group = self._groups[marker] = (key, [])
        group[1].append(fields.get("fields", {}))

    def sets(self, *, stop_if_empty: bool, groups: bool) -> list[Bundle]:
        """Return the output bundles: one, or one per group in order of first sight.

        Without bundles: one with an empty array, none if `stop_if_empty` or if it `groups`.
        """
        if not self._groups:
            return [] if stop_if_empty or groups else [_array([])]
        if not groups:
            return [_array(rows) for _, rows in self._groups.values()]
        return [
            {**_array(rows), "key": key, "__IMTKEY__": key} for key, rows in self._groups.values()
        ]


def _array(rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {"array": rows, "__IMTAGGLENGTH__": len(rows), "array_length": len(rows)}
