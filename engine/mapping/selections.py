"""Jinja's filters that work on each element of an array: map, select, reject and their kin.

The item, test or filter that they apply is a fixed text, so that it is known when a text is
compiled; an array that comes from a bundle never names one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping.arguments import bound, fixed_text, known_test, named_arguments
from engine.mapping.build import Build, Operand, many, unknown
from engine.mapping.faults import Spot
from engine.mapping.filters import FILTERS, attribute_of, elements
from engine.mapping.functions import FUNCTIONS
from engine.mapping.functions.function import Needs
from engine.mapping.limits import Meter
from engine.mapping.world import Evaluate

LISTED = 4
"""So many elements of an argument such as `in`'s are compared in one step."""
SELECTIONS = frozenset({"map", "select", "reject", "selectattr", "rejectattr"})


def selection(node: nodes.Filter, source: nodes.Expr, build: Build) -> Evaluate:
    """Return the closure of one of `SELECTIONS` on a source. Raises ExpressionError."""
    if node.name == "map":
        call, arguments = _mapped(node, build)
    else:
        call, arguments = _kept(node, build)
    spot = Spot(node.lineno, len(node.name))
    return many((node.name, spot, call), [build.operand(source), *arguments], None)


def _mapped(node: nodes.Filter, build: Build) -> tuple[Callable[..., Any], list[Operand]]:
    """`map(attribute="name", default=…)`, or `map("upper")` with the filter's own arguments."""
    meter = build.meter
    if not node.args:
        return _mapped_items(node, build, meter)
    name = fixed_text(node.args[0], "the filter that `map` applies")
    apply = _applicable(name, node.args[0].lineno, meter)

    def mapped(values: Any, *arguments: Any) -> list[Any]:
        result = []
        for value in _counted(values, meter):
            _look(meter, value, arguments)
            changed = apply(value, *arguments)
            meter.build(changed)
            result.append(changed)
        return result

    return mapped, bound(node, apply, build, node.args[1:])


def _mapped_items(
    node: nodes.Filter, build: Build, meter: Meter
) -> tuple[Callable[..., Any], list[Operand]]:
    named = named_arguments(node)
    if "attribute" not in named or not named.keys() <= {"attribute", "default"}:
        message = '`map` needs the name of an item or of a filter: `map(attribute="name")`'
        raise ExpressionError("E211", message, offset=node.lineno, length=3)
    path = fixed_text(named["attribute"], "the item that `map` takes")
    default: nodes.Expr = named.get("default", nodes.Const(None, lineno=node.lineno))

    def mapped(values: Any, otherwise: Any) -> list[Any]:
        found = [attribute_of(value, path) for value in _counted(values, meter)]
        return [otherwise if value is None else value for value in found]

    return mapped, [build.operand(default)]


def _applicable(name: str, offset: int, meter: Meter) -> Callable[..., Any]:
    if name in FILTERS:
        return FILTERS[name]
    function = FUNCTIONS.get(name)
    if function is not None and function.needs is Needs.METER:
        return partial(function.call, meter)
    if name in SELECTIONS or function is None or function.needs is not Needs.NOTHING:
        raise unknown("filter", name, offset, (*FILTERS, *FUNCTIONS))
    return function.call


def _kept(node: nodes.Filter, build: Build) -> tuple[Callable[..., Any], list[Operand]]:
    """`select("test", …)`, `selectattr("item", "test", …)`; without a test, what is true."""
    meter, wanted, arguments = build.meter, node.name.startswith("select"), list(node.args)
    path: str | None = None
    if node.name.endswith("attr"):
        if not arguments:
            message = f"`{node.name}` needs the name of an item"
            raise ExpressionError("E211", message, offset=node.lineno, length=len(node.name))
        path = fixed_text(arguments.pop(0), f"the item that `{node.name}` looks at")
    test: Callable[..., bool] = _truth
    if arguments:
        name = arguments.pop(0)
        test = known_test(fixed_text(name, "the test"), name.lineno)

    def kept(values: Any, *given: Any) -> list[Any]:
        result = []
        for value in _counted(values, meter):
            looked_at = value if path is None else attribute_of(value, path)
            _look(meter, looked_at, given)
            if bool(test(looked_at, *given)) is wanted:
                result.append(value)
        return result

    return kept, bound(node, test, build, arguments)


def _truth(value: Any) -> bool:
    return bool(value)


def _look(meter: Meter, value: Any, arguments: tuple[Any, ...]) -> None:
    """Count what one step of a selection looks at: the same arguments in each."""
    meter.look(value)
    for argument in arguments:
        if isinstance(argument, list):
            meter.step(len(argument) // LISTED)
        else:
            meter.look(argument)


def _counted(values: Any, meter: Meter) -> list[Any]:
    found = elements(values)
    meter.step(len(found))
    return found
