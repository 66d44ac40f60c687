"""Finds conditions on the type of an error that no error meets (W105). Called by
`engine.plan.lints`.

What is compared with a word is looked at word by word; a filter or a condition that reads nothing
else than the type is tried with every type.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_args

from engine.errors import EngineError, Place, Problem
from engine.mapping.fitting import SOME_WORLD
from engine.mapping.functions import FUNCTIONS, VARIABLES
from engine.mapping.functions.function import Needs
from engine.mapping.refusal import Refused
from engine.model.scenario import Conditions
from engine.plan.conditions import OPERATORS
from engine.plan.flow import ErrorType
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Inspection
from engine.plan.plan import Filter, Leaf, Node
from engine.plan.read import KeyPath
from engine.plan.survey import Survey

_TYPES: tuple[str, ...] = get_args(ErrorType)
_BY_LOWER = {name.lower(): name for name in _TYPES}
_TEXT = r"""(?P<quote{0}>["'])(?P<type{0}>\w*)(?P=quote{0})"""
_COMPARED = re.compile(
    rf"\berror\s*\.\s*type\s*==\s*{_TEXT.format(1)}|"
    rf"{_TEXT.format(2)}\s*==\s*(?:\w+\s*\.\s*)?error\s*\.\s*type\b(?!\s*\|)"
)
_AMONG = re.compile(r"\berror\s*\.\s*type\s+in\s*[\[(](?P<names>[^\[\]()]*)[\])]")
_ELEMENT = re.compile(rf"{_TEXT.format(1)}\s*(?=,|$)")
_ONLY_TYPE = re.compile(r"\s*\{\{-?\s*(?:\w+\s*\.\s*)?error\s*\.\s*type\s*-?\}\}\s*")
_WORD = re.compile(r"\w+")
_EQUAL = ("text:equal", "text:equal:ci")
_VARYING = frozenset(VARIABLES) | {
    name for name, function in FUNCTIONS.items() if function.needs is Needs.WORLD
}
"""Names whose value is not the same in every run."""


def never_matches(
    inspection: Inspection, survey: Survey, node: Node, leaves: Iterable[Leaf]
) -> Iterator[Problem]:
    """Yield each comparison of a node, or else each filter, that holds for no type of error."""
    told = [
        _no_type(name, place)
        for leaf in leaves
        if "error" in leaf.mapped.text
        for name, place in _unknown_types(leaf)
    ]
    draft = survey.by_id[node.id]
    filters: list[tuple[KeyPath, Any, Filter | None]] = [
        (draft.key("filter"), draft.written.filter, node.filter)
    ]
    for index, (written, route) in enumerate(
        zip(draft.written.routes or (), node.routes, strict=False)
    ):
        filters.append(((*draft.keys, "routes", index, "filter"), written.filter, route.filter))
    for keys, one, compiled in filters:
        if isinstance(one, Conditions):
            told += _conditions(inspection, keys, one)
        if compiled is not None and not told and _holds_for_none(compiled):
            place = inspection.document.value_place(keys)
            told.append(Problem("W105", "no type of error passes this filter", place, (_known(),)))
    yield from told


def _unknown_types(leaf: Leaf) -> Iterator[tuple[str, Place]]:
    """Yield each word that an expression compares with a type and that is none."""
    text = leaf.mapped.text
    words = [(found, 0) for found in _COMPARED.finditer(text)]
    for listing in _AMONG.finditer(text):
        words += [(each, listing.start("names")) for each in _ELEMENT.finditer(listing["names"])]
    for found, at in words:
        group = "type1" if found["type1"] is not None else "type2"
        name = found[group]
        if name not in _TYPES:
            yield name, leaf.place_at(at + found.start(group), max(1, len(name)))


def _holds_for_none(written: Filter) -> bool:
    """Tell whether a filter that reads only an error's type passes none; false of any other."""
    paths = {
        (reference.root, *reference.items)
        for leaf in written.leaves
        for reference in leaf.mapped.references
    }
    words = {word for leaf in written.leaves for word in _WORD.findall(leaf.mapped.text)}
    if not paths or words & _VARYING:
        return False
    if any(path[-2:] != ("error", "type") or len(path) > 3 for path in paths):
        return False
    return not any(_passes(written, paths, name) for name in _TYPES)


def _passes(written: Filter, paths: Iterable[KeyPath], name: str) -> bool:
    error = {"type": name}
    scope = {str(path[0]): error if len(path) == 2 else {"error": error} for path in paths}
    return _holds(written.passes, {**scope, "": SOME_WORLD})


def _holds(condition: Callable[..., bool], *given: Any) -> bool:
    """Tell whether a condition is true; one that fails lets nothing pass."""
    try:
        return condition(*given)
    except (EngineError, Refused):
        return False


def _conditions(inspection: Inspection, keys: KeyPath, written: Conditions) -> Iterator[Problem]:
    for at, group in enumerate(written.any):
        for index, (left, operator, *rest) in enumerate(group.all):
            right = rest[0] if rest else None
            if not (isinstance(left, str) and _ONLY_TYPE.fullmatch(left)):
                continue
            if isinstance(right, str) and "{" in right:
                continue
            if any(_holds(OPERATORS[operator], name, right) for name in _TYPES):
                continue
            path = (*keys, "any", at, "all", index, 2 if rest else 1)
            place = inspection.document.value_place(path)
            if operator in _EQUAL:
                yield _no_type(str(right), place)
            else:
                text = f"no type of error meets {shown(operator)} here"
                yield Problem("W105", text, place, (_known(),))


def _no_type(name: str, place: Place) -> Problem:
    text = f"no error has the type {shown(name)}{did_you_mean(name, _TYPES)}"
    return Problem("W105", text, place, (_known(),), instead=_BY_LOWER.get(name.lower(), ""))


def _known() -> str:
    return f"types: {listed(_TYPES)}"
