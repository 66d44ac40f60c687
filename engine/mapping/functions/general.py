"""General functions. Source: Fusion help, "General functions"."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.mapping.coercion import to_boolean, to_collection, to_integer
from engine.mapping.functions.function import Function, Needs
from engine.mapping.limits import check_list
from engine.mapping.operators import equal
from engine.mapping.refusal import Refused
from engine.mapping.world import Evaluate, Scope

PATH_LIMIT = 1_000
"""Characters of a path."""


def is_blank(value: Any) -> bool:
    """Tell whether a value is null or an empty text. Assumed: white space and 0 are not blank."""
    return value is None or value == ""


@lru_cache(maxsize=256)
def steps_of(path: str) -> tuple[str, ...]:
    """Cut a path at its dots. Raises Refused for one that is too long to be a path."""
    if len(path) > PATH_LIMIT:
        raise Refused(reason=f"a path is at most {PATH_LIMIT:,} characters long")
    return tuple(path.split("."))


def step_into(value: Any, path: str) -> Any:
    """Follow a path of names and 1-based positions, separated by dots; null where it ends."""
    for part in steps_of(path):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list | tuple) and part.isdecimal() and len(part) < 10:
            value = at_position(value, int(part))
        else:
            return None
    return value


def at_position(values: Any, position: int) -> Any:
    """Return the element at a 1-based position; null out of range."""
    return values[position - 1] if 1 <= position <= len(values) else None


def _get(source: Any, path: Any) -> Any:
    if source is None:
        return None
    if not isinstance(source, Mapping | list | tuple):
        raise Refused("an array or a collection", source)
    if isinstance(path, str):
        return step_into(source, path)
    if isinstance(source, Mapping):
        return source.get(str(to_integer(path)))
    return at_position(source, to_integer(path))


def _choose(scope: Scope, test: Evaluate, then: Evaluate, otherwise: Evaluate) -> Any:
    return then(scope) if to_boolean(test(scope)) else otherwise(scope)


def if_empty(scope: Scope, value: Evaluate, otherwise: Evaluate) -> Any:
    """Assumed: only null, missing and "" are empty; Fusion's help also counts 0 at one place."""
    found = value(scope)
    return otherwise(scope) if is_blank(found) else found


def _switch(scope: Scope, value: Evaluate, *cases: Evaluate) -> Any:
    found = value(scope)
    for position in range(0, len(cases) - 1, 2):
        if equal(cases[position](scope), found):
            return cases[position + 1](scope)
    return cases[-1](scope) if len(cases) % 2 else None


def _omit(collection: Any, *keys: Any) -> dict[str, Any]:
    source = to_collection(collection)
    check_list(len(source))
    dropped = {key for key in keys if isinstance(key, str)}
    return {key: value for key, value in source.items() if key not in dropped}


def _pick(collection: Any, *keys: Any) -> dict[str, Any]:
    source = to_collection(collection)
    return {key: source[key] for key in keys if isinstance(key, str) and key in source}


def _merge_collections(first: Any, second: Any) -> dict[str, Any]:
    sources = [{} if each is None else to_collection(each) for each in (first, second)]
    check_list(sum(map(len, sources)))
    return {**sources[0], **sources[1]}


def _is_in(value: Any, *candidates: Any) -> bool:
    return any(equal(value, candidate) for candidate in candidates)


def _if_in(value: Any, *rest: Any) -> Any:
    *candidates, then, otherwise = rest
    return then if _is_in(value, *candidates) else otherwise


def _case(scope: Scope, number: Evaluate, *values: Evaluate) -> Any:
    chosen = at_position(values, to_integer(number(scope)))
    return None if chosen is None else chosen(scope)


def _counted(start: Any, stop: Any = None, step: Any = 1) -> list[int]:
    first, last = (0, start) if stop is None else (start, stop)
    by = to_integer(step)
    if by == 0:
        raise Refused(reason="a range cannot advance by 0")
    numbers = range(to_integer(first), to_integer(last), by)
    if numbers:
        check_list(abs(numbers[-1] - numbers[0]) // abs(by) + 1)
    return list(numbers)


SCOPE = Needs.SCOPE
GENERAL = (
    Function("get", "source, path", "The item at a dotted path; arrays count from 1.",
             "get(order.items, 2)", _get),
    Function("if", "test, then, otherwise", "One of two values, by a test.",
             'if(order.paid, "yes", "no")', _choose, SCOPE),
    Function("ifempty", "value, otherwise", "The value, or another if it is null or empty text.",
             'ifempty(user.name, "nobody")', if_empty, SCOPE),
    Function("switch", "value, case, result, [more…]",
             "The result after the first equal case; a last odd argument is for no match.",
             'switch(file.extension, "mov", "video", "png", "image", "other")', _switch, SCOPE),
    Function("omit", "collection, key…", "The collection without some items.",
             'omit(user, "password")', _omit),
    Function("pick", "collection, key…", "The collection with some items only.",
             'pick(user, "name", "email")', _pick),
    Function("mergeCollections", "first, second", "Both collections in one; the second wins.",
             "mergeCollections(defaults, order)", _merge_collections),
    Function("isBlank", "value", "True for null and for empty text.", "isBlank(user.name)",
             is_blank),
    Function("in", "value, candidate…", "True if the value equals one of the others.",
             'in(file.extension, "mov", "mp4")', _is_in),
    Function("ifin", "value, candidate…, then, otherwise",
             "One of two values, by whether the value equals one of the candidates.",
             'ifin(file.extension, "mov", "mp4", "video", "other")', _if_in),
    Function("case", "number, value…", "The value at a position, from 1; null out of range.",
             'case(2, "a", "b")', _case, SCOPE),
    Function("range", "start, [stop], [step]", "Whole numbers up to stop, as in Jinja.",
             "range(3)", _counted),
)  # fmt: skip
