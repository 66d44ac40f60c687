"""Iterating and aggregating: how one bundle becomes several, and several one. Pure."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from pydantic import TypeAdapter

from engine.errors import DataError
from engine.mapping.coercion import describe, to_text
from engine.mapping.functions.numeric import number
from engine.mapping.operators import TOO_LARGE, add, divide
from engine.mapping.refusal import Refused
from engine.model.bundle import Bundle, File
from engine.plan.flow import RepeaterFields
from engine.plan.plan import FieldMapping, Node

T = TypeVar("T")
Fields: TypeAlias = Mapping[str, Any]
Number: TypeAlias = int | float

_FLAG = TypeAdapter(bool)

LONGEST_TEXT: Final = 100_000_000
"""Most characters of an aggregated text. Rows can be one and the same text, so that little data
would give a text that no memory holds."""


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
        yield {**items, **order_items(index, count)}


def repeated(fields: Mapping[str, Any]) -> Iterator[Bundle]:
    """Yield a repeater's numbers, as item `i`, with the order items. Raises ValidationError."""
    given = RepeaterFields.model_validate(fields)
    for index in range(given.repeats):
        yield {"i": given.start + index * given.step, **order_items(index + 1, given.repeats)}


_SPREADS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Bundle]]] = {
    "flow.iterator": lambda fields: elements(fields.get("array")),
    "flow.repeater": repeated,
}


def spread(module_id: str, fields: Mapping[str, Any]) -> list[Bundle]:
    """Return the bundles that an iterator or a repeater emits for its mapped fields."""
    return list(_SPREADS[module_id](fields))


def order_items(index: int, count: int) -> dict[str, int]:
    """Return a bundle's position from 1 and how many there are, in Fusion's names and readable."""
    return {
        "__IMTINDEX__": index,
        "__IMTLENGTH__": count,
        "bundle_index": index,
        "bundle_count": count,
    }


class Gathering(Protocol):
    """What one output bundle is made of, taken in bundle by bundle."""

    def add(self, fields: Fields) -> None:
        """Take one arriving bundle's mapped fields. Raises DataError."""

    def items(self) -> dict[str, Any]:
        """Return the output items for what has come."""


_RECURRING: Final = 1_000
"""So many different values are remembered, to hold each once however often it comes."""
_SHARED: Final = frozenset({str, float})
"""Types of such values: `1` and `1.0` are equal, and must both stay what they are."""


class _Array:
    """Collections, as they come: ordinary ones that take little memory, since there may be many.

    Each is the `vars` of an object of one class: so Python holds their names once for all of them,
    and a row of two numbers takes 170 bytes instead of 260, less where values come again.
    """

    def __init__(self) -> None:
        self._rows: list[Fields] = []
        self._shape = type("Row", (), {})
        self._seen: dict[str | float, str | float] = {}

    def add(self, fields: Fields) -> None:
        row, seen = vars(self._shape()), self._seen
        for name, value in fields.get("fields", {}).items():
            # not 0.0, which may have a sign; and by `update` the row would hold the names itself
            row[name] = seen.setdefault(value, value) if type(value) in _SHARED and value else value
        if len(seen) > _RECURRING:
            seen.clear()
        self._rows.append(row)

    def items(self) -> dict[str, Any]:
        count = len(self._rows)
        return {"array": self._rows, "__IMTAGGLENGTH__": count, "array_length": count}


class _Rows:
    """Rows of text, and how long they are together."""

    def __init__(self, separator: str) -> None:
        self._separator = separator
        self._rows: list[str] = []
        self._size = 0

    def add(self, row: str) -> None:
        size = self._size + len(row) + len(self._separator)
        if size > LONGEST_TEXT:
            raise DataError(f"the text would be longer than {LONGEST_TEXT:,} characters")
        self._size = size
        self._rows.append(row)

    def items(self) -> dict[str, Any]:
        return {"text": self._separator.join(self._rows)}


class _Text:
    """One text a row. Assumed: a text that comes out empty is an empty row."""

    def __init__(self, separator: str) -> None:
        self._rows = _Rows(separator)
        self.items = self._rows.items

    def add(self, fields: Fields) -> None:
        self._rows.add(_converted(to_text, "text", fields.get("text")))


class _Table:
    """Cells in rows. Assumed: neither a line of names nor quotes are written."""

    def __init__(self, columns: str, separator: str) -> None:
        self._columns = columns
        self._rows = _Rows(separator)
        self.items = self._rows.items

    def add(self, fields: Fields) -> None:
        cells = fields.get("fields", {}).items()
        texts = [_converted(to_text, f"fields.{name}", cell) for name, cell in cells]
        self._rows.add(self._columns.join(texts))


class _Count:
    """The number of bundles. Assumed: one whose value is empty counts too."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, _fields: Fields) -> None:
        self._count += 1

    def items(self) -> dict[str, Any]:
        return {"result": self._count}


class _Fold:
    """One number, from each value and what was there before; `start` if nothing came.

    Assumed: a value that is empty or no number is an error of the aggregator for that bundle.
    """

    def __init__(self, fold: Callable[[Number, Number], Number], start: Number | None) -> None:
        self._fold = fold
        self._result = start

    def add(self, fields: Fields) -> None:
        value, before = _value(fields), self._result
        self._result = value if before is None else _worked_out(self._fold, before, value)

    def items(self) -> dict[str, Any]:
        return {"result": self._result}


class _Average:
    """The sum over the count; null if nothing came."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Number = 0
        self._result: Number | None = None

    def add(self, fields: Fields) -> None:
        """Take a value; the result is worked out now, so that what is too large fails here."""
        total, count = _worked_out(add, self._sum, _value(fields)), self._count + 1
        self._result = _worked_out(divide, total, count)
        self._sum, self._count = total, count

    def items(self) -> dict[str, Any]:
        return {"result": self._result}


_FUNCTIONS: Mapping[str, Callable[[], Gathering]] = {
    "sum": partial(_Fold, add, 0),
    "avg": _Average,
    "count": _Count,
    "min": partial(_Fold, min, None),
    "max": partial(_Fold, max, None),
}
"""Assumed: of no bundles, sum and count are 0, as semantics R25 has it; the others are null."""

_GATHERINGS: Mapping[str, Callable[[Fields], Gathering]] = {
    "flow.array_aggregator": lambda _: _Array(),
    "tools.text_aggregator": lambda given: _Text(_separator(given.get("row_separator", ""))),
    "tools.numeric_aggregator": lambda given: _FUNCTIONS[given["function"]](),
    "tools.table_aggregator": lambda given: _Table(
        _separator(given.get("column_separator", "tab")),
        _separator(given.get("row_separator", "newline")),
    ),
}
"""What each aggregator makes of its bundles, from its constant fields."""

_SEPARATORS = {"newline": "\n", "tab": "\t"}


def _separator(given: Any) -> str:
    return _SEPARATORS.get(given, str(given))


def _converted(convert: Callable[[Any], T], name: str, value: Any) -> T:
    try:
        return convert(value)
    except Refused as refused:
        reason = refused.reason or f"should be {refused.wanted}, got {describe(value)}"
        raise DataError(f"field `{name}`: {reason}") from refused


def _value(fields: Fields) -> Number:
    return _converted(number, "value", fields.get("value"))


def _worked_out(operate: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    try:
        return operate(left, right)
    except (Refused, OverflowError) as error:
        raise DataError(f"field `value`: {TOO_LARGE}") from error


class Collected:
    """What an aggregator has collected during one operation of its source.

    `begin` makes what one output bundle is gathered in.
    """

    __slots__ = ("_begin", "_groups", "_substitutes")

    def __init__(self, begin: Callable[[], Gathering] = _Array) -> None:
        self._begin = begin
        self._groups: dict[Any, tuple[Any, Gathering]] = {}
        self._substitutes: list[Bundle] = []

    @property
    def is_empty(self) -> bool:
        return not self._groups and not self._substitutes

    def substitute(self, bundle: Bundle) -> None:
        """Take what a Resume gives for a bundle that the aggregator failed on.

        Assumed: it is emitted in place of the set, the first one if there are several; where there
        are groups, after them, since nobody knows to which the bundle belongs.
        """
        self._substitutes.append(bundle)

    def add(self, fields: Fields) -> None:
        """Take one arriving bundle's mapped fields. Raises DataError for what does not fit."""
        key = fields.get("group_by")
        marker = key if key is None or type(key) is str else _marker(key)
        group = self._groups.get(marker)
        if group is not None:
            group[1].add(fields)
            return
        gathering = self._begin()
        gathering.add(fields)
        self._groups[marker] = (key, gathering)

    def sets(self, *, stop_if_empty: bool, groups: bool) -> list[Bundle]:
        """Return the output bundles: one, or one per group in order of first sight.

        Without bundles: one with an empty aggregate, none if `stop_if_empty` or if it `groups`.
        """
        if self._substitutes:
            return self._substituted(groups=groups)
        return self._whole_sets(stop_if_empty=stop_if_empty, groups=groups)

    def _substituted(self, *, groups: bool) -> list[Bundle]:
        if not groups:
            return self._substitutes[:1]
        return [*self._whole_sets(stop_if_empty=True, groups=True), *self._substitutes]

    def _whole_sets(self, *, stop_if_empty: bool, groups: bool) -> list[Bundle]:
        if not self._groups:
            return [] if stop_if_empty or groups else [self._begin().items()]
        if not groups:
            return [gathering.items() for _, gathering in self._groups.values()]
        count = len(self._groups)
        return [
            {**gathering.items(), "key": key, "__IMTKEY__": key, **order_items(index, count)}
            for index, (key, gathering) in enumerate(self._groups.values(), 1)
        ]


def _marker(key: Any) -> tuple[Any, ...]:
    """Return something hashable that two keys of groups share exactly if they are one group."""
    plain = isinstance(key, str | int | float)
    return type(key) is bool, plain, key if plain else repr(key)


def collected_by(node: Node) -> Collected:
    """Return what an aggregator collects in, still empty."""
    return Collected(partial(_GATHERINGS[node.module_id], node.fields.constants))


def sets_of(node: Node, collected: Collected) -> list[Bundle]:
    """Return the bundles that an aggregator emits for what it has collected."""
    stops = _FLAG.validate_python(node.fields.constants.get("stop_if_empty", False))
    return collected.sets(stop_if_empty=stops, groups=_groups(node.fields))


def _groups(fields: FieldMapping) -> bool:
    written = "group_by" in fields.names
    return written and fields.constants.get("group_by", True) not in (None, "")
