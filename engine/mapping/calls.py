"""Calls, filters and tests: names are looked up, arguments are counted, when a text is compiled.

Called, a name is Fusion's function; after a pipe it is Jinja's filter where Jinja has that name,
else Fusion's function with the value as its first argument.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping.arguments import bound, known_test, no_names, no_unpacking
from engine.mapping.build import (
    Build,
    Emitter,
    applied,
    itself,
    many,
    refuse,
    unknown,
    world_of,
)
from engine.mapping.coercion import escaped
from engine.mapping.faults import Spot
from engine.mapping.filters import FILTERS, REFUSED_FILTERS
from engine.mapping.fitting import check_call, check_filter
from engine.mapping.functions import FUNCTIONS
from engine.mapping.functions.function import Function, Needs
from engine.mapping.selections import SELECTIONS, selection
from engine.mapping.world import Evaluate, Scope


def _call(node: nodes.Call, build: Build) -> Evaluate:
    """Compile the call of a function by its name."""
    if not isinstance(node.node, nodes.Name):
        raise _no_method(node, build)
    name, spot = node.node.name, Spot(node.node.lineno, len(node.node.name))
    no_unpacking(node)
    if node.kwargs:
        raise no_names(node.kwargs[0], name, build.text)
    function = FUNCTIONS.get(name)
    if function is None:
        notes = (f"`{name}` is a filter: write `value | {name}`",) if name in FILTERS else ()
        error = unknown("function", name, spot.offset, tuple(FUNCTIONS))
        error.notes = notes or error.notes
        raise error
    return _function(build, function, spot, node.args)


def _function(
    build: Build, function: Function, spot: Spot, arguments: Sequence[nodes.Expr]
) -> Evaluate:
    count = len(arguments)
    if count < function.least or (function.most is not None and count > function.most):
        raise ExpressionError(
            "E211",
            f"`{function.name}` does not take {count} argument{'s' if count != 1 else ''}",
            offset=spot.offset,
            length=spot.length,
            notes=(f"write {function.signature}",),
        )
    operands = [build.operand(argument) for argument in arguments]
    check_call(function, spot, arguments, build.text)
    operation = (function.name, spot, function.call)
    if function.needs is Needs.SCOPE:
        thunks = [(_unevaluated(evaluate, build), place) for evaluate, place in operands]
        return many(operation, thunks, itself)
    if function.needs is Needs.METER:
        meter = build.meter
        return applied(build, operation, operands, lambda _scope: meter)
    return applied(build, operation, operands, world_of if function.needs is Needs.WORLD else None)


def _unevaluated(evaluate: Evaluate, build: Build) -> Evaluate:
    """Return what gives the closure itself; one that counts its value, where there is a meter."""
    if not build.metered:
        return lambda _scope: evaluate
    meter = build.meter

    def counting(scope: Scope) -> Any:
        value = evaluate(scope)
        meter.step()
        meter.look(value)
        return value

    return lambda _scope: counting


def _no_method(node: nodes.Call, build: Build) -> ExpressionError:
    if isinstance(node.node, nodes.Getattr):
        name = node.node.attr
        hint = f"write `{name}(value)`" if name in FUNCTIONS else "functions are called by name"
        message = f"values have no methods such as `{escaped(name)}`"
        offset = build.text.index(name, node.node.lineno + 1)  # the node stands at its dot
        return ExpressionError("E211", message, offset=offset, length=len(name), notes=(hint,))
    return refuse(node, "only functions can be called, by their name")


def _filter(node: nodes.Filter, build: Build) -> Evaluate:
    """Compile `value | name(arguments)`."""
    name, spot = node.name, Spot(node.lineno, len(node.name))
    no_unpacking(node)
    if name in REFUSED_FILTERS:
        message = f"the filter `{name}` is not available in mappings"
        raise ExpressionError("E211", message, offset=spot.offset, length=spot.length)
    if node.node is None:
        raise refuse(node, "a filter needs a value in front of it", length=spot.length)
    if name in SELECTIONS:
        return selection(node, node.node, build)
    if name in FILTERS:
        operands = [build.operand(node.node), *bound(node, FILTERS[name], build)]
        check_filter(node, FILTERS[name], build.text)
        return applied(build, (name, spot, FILTERS[name]), operands)
    if name not in FUNCTIONS:
        raise unknown("filter", name, spot.offset, (*FILTERS, *SELECTIONS, *FUNCTIONS))
    if node.kwargs:
        raise no_names(node.kwargs[0], name, build.text)
    return _function(build, FUNCTIONS[name], spot, [node.node, *node.args])


def _test(node: nodes.Test, build: Build) -> Evaluate:
    """Compile `value is name(arguments)`."""
    no_unpacking(node)
    test = known_test(node.name, build.text.index(node.name, node.lineno + 2))
    operands = [build.operand(node.node), *bound(node, test, build)]
    return applied(build, (f"is {node.name}", Spot(node.lineno, 2), test), operands)


CALLS: Mapping[type[nodes.Node], Emitter] = {
    nodes.Call: _call,
    nodes.Filter: _filter,
    nodes.Test: _test,
}
