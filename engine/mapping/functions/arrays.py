"""Array functions; none changes its arguments. Source: Fusion help, "Array functions"."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.mapping.coercion import joined, texts_of, to_integer, to_list, to_text, utc
from engine.mapping.functions.function import Function, Needs
from engine.mapping.functions.general import at_position, step_into
from engine.mapping.limits import check_list
from engine.mapping.operators import part_of
from engine.mapping.refusal import Refused
from engine.mapping.world import World

HASHED = 2**61 - 1
"""Python's hash of an integer is the remainder by this."""
TRUTHS = {True: ("boolean", True), False: ("boolean", False)}
ORDERS = ("asc", "desc", "asc ci", "desc ci")


def array(value: Any) -> list[Any]:
    """Return an array that may be worked on. Raises Refused for one beyond the limit."""
    found = to_list(value)
    check_list(len(found))
    return found


def identity(value: Any) -> Any:
    """Return something hashable that two values share exactly if `equal` holds for them."""
    kind = type(value)
    if kind is str:
        return value
    if kind is int or kind is float:
        return value if -HASHED < value < HASHED else _large(value)
    if kind is bool:
        return TRUTHS[value]
    if isinstance(value, list | tuple):
        check_list(len(value))
        return "array", *map(identity, value)
    if kind is dict:
        check_list(len(value))
        pairs = [(k, v if type(v) is str else identity(v)) for k, v in value.items()]
        return "collection", frozenset(pairs)
    return value


def _large(value: int | float) -> Any:
    """Return a large number as text: the hashes of integers are easily made to collide."""
    whole = isinstance(value, int) or value.is_integer()  # neither infinity nor no number is
    return ("number", hex(int(value))) if whole else value


def order(value: Any) -> tuple[int, Any]:
    """Return a key that sorts any values: numbers, texts, dates, booleans, the rest, null last."""
    match value:
        case bool():
            return 3, value
        case int() | float():
            return 0, value
        case str():
            return 1, value
        case datetime():
            return 2, utc(value)
    return (5, 0) if value is None else (4, 0)


def _join(values: Any, separator: Any = "") -> str:
    return joined(to_text(separator), array(values))


def _reverse(values: Any) -> list[Any]:
    return array(values)[::-1]


def _shuffle(world: World, values: Any) -> list[Any]:
    result = list(array(values))
    for last in range(len(result) - 1, 0, -1):
        other = int(world.random() * (last + 1))
        result[last], result[other] = result[other], result[last]
    return result


def _merge(*arrays: Any) -> list[Any]:
    sources = [to_list(values) for values in arrays]
    check_list(sum(map(len, sources)))
    return [value for source in sources for value in source]


def _add(values: Any, *more: Any) -> list[Any]:
    return [*array(values), *more]


def _keys(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        check_list(len(value))
        return list(value)
    return [str(index) for index in range(len(array(value)))]


def _cut(values: Any, start: Any, end: Any = None) -> Any:
    source = to_list(values)
    return part_of(source, to_integer(start), None if end is None else to_integer(end), None)


def _remove(values: Any, *unwanted: Any) -> list[Any]:
    """Arrays and collections are never removed. Source: Fusion help, remove: primitives only."""
    dropped = {identity(value) for value in unwanted if not _holds_others(value)}
    return [each for each in array(values) if _holds_others(each) or identity(each) not in dropped]


def _holds_others(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def items_of(values: Any, key: Any, filter_key: Any = None, filter_values: Any = None) -> list[Any]:
    """Return what each collection has under a key; those without it are left out.

    Only where `filter_key` equals one of the comma-separated `filter_values`, if they are given.
    """
    path, chosen = to_text(key), array(values)
    if filter_key is not None:
        wanted = {text.strip() for text in to_text(filter_values).split(",")}
        field = to_text(filter_key)
        chosen = [value for value in chosen if _text_at(value, field) in wanted]
    found = (step_into(value, path) for value in chosen)
    return [value for value in found if value is not None]


def _text_at(value: Any, path: str) -> str | None:
    found = step_into(value, path)
    return None if found is None or isinstance(found, Mapping) else to_text(found)


def sort(values: Any, way: Any = "asc", key: Any = None) -> list[Any]:
    """Sort; `way` may be left out before `key`. Capitals come first unless the way ends in `ci`."""
    if way not in ORDERS:
        if key is not None:
            raise Refused(f"one of {', '.join(ORDERS)}", way)
        way, key = "asc", way
    path = None if key is None else to_text(key)

    def rank(value: Any) -> tuple[int, Any]:
        found = value if path is None else step_into(value, path)
        if way.endswith("ci") and isinstance(found, str):
            found = found.casefold()
        return order(found)

    return sorted(array(values), key=rank, reverse=way.startswith("desc"))


def _flatten(values: Any, depth: Any = 1) -> list[Any]:
    result = array(values)
    for _ in range(min(max(to_integer(depth), 0), 40)):
        if not any(isinstance(value, list | tuple) for value in result):
            break
        check_list(sum(len(v) if isinstance(v, list | tuple) else 1 for v in result))
        result = [
            each
            for value in result
            for each in (value if isinstance(value, list | tuple) else (value,))
        ]
    return list(result)


def distinct(values: Any, key: Any = None) -> list[Any]:
    """Keep the first of equal elements, or of those that are equal under a key (Assumed)."""
    path = None if key is None else to_text(key)
    seen: dict[Any, Any] = {}
    for value in array(values):
        seen.setdefault(identity(value if path is None else step_into(value, path)), value)
    return list(seen.values())


def _to_collection(values: Any, key_field: Any, value_field: Any) -> dict[str, Any]:
    name, content, source = to_text(key_field), to_text(value_field), array(values)
    names = texts_of(step_into(value, name) for value in source)
    contents = (step_into(value, content) for value in source)
    return dict(zip(names, contents, strict=True))


def _to_array(collection: Any) -> list[dict[str, Any]]:
    if collection is None:
        return []
    if not isinstance(collection, Mapping):
        raise Refused("a collection", collection)
    check_list(len(collection))
    return [{key: value} for key, value in collection.items()]


def _difference(first: Any, second: Any, mode: Any = "classic") -> list[Any]:
    result = _without(array(first), array(second))
    if mode == "symmetric":
        return result + _without(array(second), array(first))
    if mode != "classic":
        raise Refused("`classic` or `symmetric` as mode", mode)
    return result


def _without(values: list[Any], unwanted: list[Any]) -> list[Any]:
    dropped = set(map(identity, unwanted))
    return [value for value in values if identity(value) not in dropped]


def _intersection(first: Any, second: Any) -> list[Any]:
    kept = set(map(identity, array(second)))
    return [value for value in array(first) if identity(value) in kept]


def _element(values: Any, position: Any) -> Any:
    return at_position(to_list(values), to_integer(position))


ARRAYS = (
    Function("join", "array, [separator]", "The elements as one text.", 'join(tags, ", ")', _join),
    Function("reverse", "array", "The elements from last to first.", "reverse(tags)", _reverse),
    Function("shuffle", "array", "The elements in random order.", "shuffle(tags)", _shuffle,
             Needs.WORLD),
    Function("merge", "array, [more…]", "All elements of the arrays.", "merge(tags, more)", _merge),
    Function("add", "array, value…", "The array with values at its end.", 'add(tags, "new")', _add),
    Function("keys", "source", "The names of a collection's items.", "keys(user)", _keys),
    Function("slice", "array, start, [end]", "A part, counted from 0, without the end.",
             "slice(tags, 0, 2)", _cut),
    Function("remove", "array, value…", "The array without some values.", 'remove(tags, "old")',
             _remove),
    Function("map", "array, key, [filterKey], [filterValues]",
             "What each collection has under a key; of some collections only.",
             'map(contact.emails, "email", "label", "work,home")', items_of),
    Function("sort", "array, [order], [key]",
             "The elements in order: asc, desc, asc ci or desc ci; by a dotted key.",
             'sort(contacts, "desc", "name")', sort),
    Function("flatten", "array, [depth]", "The elements of the arrays within.", "flatten(pages)",
             _flatten),
    Function("distinct", "array, [key]", "Each value once; of collections, by a key.",
             'distinct(contacts, "email")', distinct),
    Function("deDuplicate", "array", "Each value once.", "deDuplicate(tags)", distinct),
    Function("toCollection", "array, key, value", "One collection of the elements' pairs.",
             'toCollection(fields, "name", "value")', _to_collection),
    Function("toArray", "collection", "An array with a collection for each item.",
             "toArray(user)", _to_array),
    Function("arrayDifference", "array, other, [mode]",
             "Elements not in the other array; `symmetric`: and the other way round.",
             'arrayDifference(before, after, "symmetric")', _difference),
    Function("arrayDiff", "array, other", "Elements not in the other array.",
             "arrayDiff(before, after)", _difference),
    Function("arrayIntersect", "array, other", "Elements that are in both arrays.",
             "arrayIntersect(before, after)", _intersection),
    Function("arrayElement", "array, position", "The element at a position, from 1.",
             "arrayElement(tags, 1)", _element),
    Function("first", "array", "The first element; null of none.", "first(tags)",
             lambda values: at_position(to_list(values), 1)),
    Function("last", "array", "The last element; null of none.", "last(tags)",
             lambda values: at_position(to_list(values), len(to_list(values)))),
)  # fmt: skip
