"""Constant arguments, tried when a text is compiled: what can never do is told at once.

A function is called with its constants, and with stand-ins for what a bundle gives; if it blames a
constant, no bundle can help. Functions check sizes before they build, so that this costs little.
Null is left to the run, where functions differ about it. Called by `engine.mapping.calls`.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping.faults import FAILURES, Spot, mapping_error
from engine.mapping.functions import CONSTANTS, FAMILIES
from engine.mapping.functions.function import Function, Needs
from engine.mapping.limits import Meter
from engine.mapping.refusal import Refused
from engine.mapping.tokens import CODE
from engine.mapping.world import World

UNKNOWN: Any = object()
"""What an argument is worth before the run, unless it is a constant."""
SOME_TEXT = "some text"
ONE = 1.0
"""A number that is no other object: an error is known by the value that it names."""
SOME_DATE = datetime(2020, 1, 1, tzinfo=UTC)
SOME_WORLD = World(lambda: SOME_DATE, "UTC", lambda: 0.0, str, {})

STAND_INS: Mapping[str, Any] = {
    "array": [], "base": 2.0, "candidate": ONE, "case": ONE, "collection": {}, "count": ONE,
    "date": SOME_DATE, "day": ONE, "decimals": ONE, "exponent": ONE, "first": {},
    "format": SOME_TEXT, "key": SOME_TEXT, "month": ONE, "more": [], "new": SOME_TEXT,
    "number": ONE, "other": [], "otherwise": ONE, "path": SOME_TEXT, "pattern": SOME_TEXT,
    "position": ONE, "result": ONE, "search": SOME_TEXT, "second": {}, "separator": SOME_TEXT,
    "source": {}, "start": ONE, "test": True, "text": "12", "then": ONE, "value": "12",
}  # fmt: skip
"""By the name of a parameter that must be given: what every function takes there."""
OF_DATES = frozenset(function.name for function in FAMILIES["dates"])
STAND_INS_FOR_DATES: Mapping[str, Any] = {
    **STAND_INS,
    **dict.fromkeys(("earlier", "end", "later", "other", "start"), SOME_DATE),
}
STAND_INS_FOR_FILTERS: Mapping[str, Any] = {
    "abs": ONE, "center": SOME_TEXT, "dictsort": {}, "float": ONE, "indent": SOME_TEXT, "int": "12",
    "items": {}, "replace": SOME_TEXT, "round": ONE, "string": SOME_TEXT, "tojson": ONE,
    "trim": SOME_TEXT, "truncate": SOME_TEXT,
}  # fmt: skip
"""By the name of a filter: a value that it takes; for the others, an empty array."""
UNTRIED = frozenset({"range", "center", "indent"})
"""What builds as much as one argument says: it would do so each time that it is compiled."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A call on trial: its arguments as written, as known (or `UNKNOWN`), and their stand-ins."""

    name: str
    spot: Spot
    call: Callable[..., Any]
    written: Sequence[nodes.Node]
    known: Sequence[Any]
    stand_ins: Sequence[Any]
    notes: tuple[str, ...] = ()


def check_call(function: Function, spot: Spot, arguments: Sequence[nodes.Expr], text: str) -> None:
    """Raise ExpressionError (E215) if a function can never take the constants among these.

    What is right for the others may depend on an argument that can be left out: if one such is
    known only in the run, nothing is said.
    """
    known = [literal(node) for node in arguments]
    must = len(known) if function.most is None else function.least
    if function.name in UNTRIED or not _some(known) or _some(known[must:], UNKNOWN):
        return
    table = STAND_INS_FOR_DATES if function.name in OF_DATES else STAND_INS
    names = parameters_of(function, len(known))
    stand_ins = [table.get(name, value) for name, value in zip(names, known, strict=True)]
    notes = (f"write {function.signature}",)
    _judge(_Trial(function.name, spot, _called(function), arguments, known, stand_ins, notes), text)


def check_filter(node: nodes.Filter, call: Callable[..., Any], text: str) -> None:
    """Raise ExpressionError (E215) if a filter can never take its arguments, all constants.

    They fit its signature.
    """
    # Jinja declares pairs here, but its parser makes keywords, whose key is text.
    named = {str(keyword.key): keyword.value for keyword in node.kwargs}
    given = inspect.signature(call).bind(None, *node.args, **named).arguments
    names = list(given)[1:]
    written = [given[name] for name in names]
    known = [literal(each) for each in written]
    if node.name in UNTRIED or not known or _some(known, UNKNOWN):
        return
    value = STAND_INS_FOR_FILTERS.get(node.name, [])

    def called(*values: Any) -> Any:
        return call(value, **dict(zip(names, values, strict=True)))

    spot = Spot(node.lineno, len(node.name))
    _judge(_Trial(node.name, spot, called, written, known, known), text)


def parameters_of(function: Function, count: int) -> list[str]:
    """Return the name of the parameter that each of `count` arguments is for."""
    names = function.parameters.split(", ") if function.parameters else []
    repeated = next((at for at, name in enumerate(names) if "…" in name), len(names))
    behind = names[repeated + 1 :]
    often = max(count - repeated - len(behind), 0)
    found = [*names[:repeated], *names[repeated : repeated + 1] * often, *behind]
    return [name.strip("[]…") for name in found[:count]]


def literal(node: nodes.Node) -> Any:
    """Return what an expression is worth in every run; `UNKNOWN` for null, and if that differs."""
    match node:
        case nodes.Const():
            return UNKNOWN if node.value is None else node.value
        case nodes.Name() if CONSTANTS.get(node.name) is not None:
            return CONSTANTS[node.name]
        case nodes.Neg():
            value = literal(node.node)
            return -value if isinstance(value, int | float) else UNKNOWN
        case nodes.List() | nodes.Tuple():
            values = [literal(item) for item in node.items]
            return UNKNOWN if _some(values, UNKNOWN) else values
        case nodes.Dict():
            return {} if not node.items else UNKNOWN
    return UNKNOWN


def _some(values: Sequence[Any], wanted: Any = None) -> bool:
    """Tell whether one of the values is the wanted one; without it, whether one is known."""
    if wanted is None:
        return any(value is not UNKNOWN for value in values)
    return any(value is wanted for value in values)


def _called(function: Function) -> Callable[..., Any]:
    match function.needs:
        case Needs.WORLD:
            return partial(function.call, SOME_WORLD)
        case Needs.METER:
            return partial(function.call, Meter())
        case Needs.SCOPE:
            return lambda *values: function.call({}, *map(_thunk, values))
    return function.call


def _thunk(value: Any) -> Callable[[Any], Any]:
    return lambda _scope: value


def _judge(trial: _Trial, text: str) -> None:
    pairs = list(zip(trial.known, trial.stand_ins, strict=True))
    error = _failure(trial.call, [other if one is UNKNOWN else one for one, other in pairs])
    if error is None or _blames(error, [other for one, other in pairs if one is UNKNOWN]):
        return
    guilty = _guilty(trial, error)
    place = trial.spot if guilty is None else _spot(trial.written[guilty], text)
    operands = [] if guilty is None else [(place, trial.known[guilty])]
    message = mapping_error(trial.name, place, error, operands).message
    raise ExpressionError(
        "E215", message, offset=place.offset, length=place.length, notes=trial.notes
    )


def _failure(call: Callable[..., Any], values: Sequence[Any]) -> Exception | None:
    try:
        call(*values)
    except FAILURES as error:
        return error
    return None


def _blames(error: Exception, values: Sequence[Any]) -> bool:
    """Tell whether it is one of these values that the error is about."""
    return isinstance(error, Refused) and bool(error.wanted) and _some(values, error.value)


def _guilty(trial: _Trial, error: Exception) -> int | None:
    """Return which constant an error is about: the one it names, or one that fails alone."""
    constants = [at for at, value in enumerate(trial.known) if value is not UNKNOWN]
    for at in constants:
        if _blames(error, [trial.known[at]]):
            return at
    for at in constants:
        alone = [*trial.stand_ins[:at], trial.known[at], *trial.stand_ins[at + 1 :]]
        if not _some(alone, UNKNOWN) and _failure(trial.call, alone) is not None:
            return at
    return None


def _spot(node: nodes.Node, text: str) -> Spot:
    """Return the place of a constant, quotes included."""
    found = CODE.match(text, node.lineno)
    return Spot(node.lineno, len(found.group()) if found else 1)
