"""The arguments of filters and tests, checked against their signatures when a text is compiled."""

import inspect
from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping.build import Build, Operand, unknown
from engine.mapping.coercion import escaped
from engine.mapping.faults import Spot
from engine.mapping.predicates import TESTS


def bound(
    node: nodes.Filter | nodes.Test,
    call: Callable[..., Any],
    build: Build,
    given: list[nodes.Expr] | None = None,
) -> list[Operand]:
    """Return the arguments after the value, in the order of `call`'s parameters.

    `given` replaces the node's own positional arguments. Raises ExpressionError (E211) if they do
    not fit the signature.
    """
    named = named_arguments(node)
    try:
        found = inspect.signature(call).bind(
            None, *(node.args if given is None else given), **named
        )
    except TypeError as error:
        raise ExpressionError(
            "E211",
            f"`{escaped(node.name)}`: {escaped(str(error), 200)}",
            offset=node.lineno,
            length=len(node.name),
        ) from None
    found.apply_defaults()
    return [_operand(argument, node, build) for argument in found.args[1:]]


def named_arguments(node: nodes.Filter | nodes.Test) -> dict[str, nodes.Expr]:
    """Return the arguments given by name."""
    # Jinja declares pairs here, but its parser makes keywords, whose key is text.
    return {str(keyword.key): keyword.value for keyword in node.kwargs}


def _operand(argument: Any, node: nodes.Node, build: Build) -> Operand:
    if isinstance(argument, nodes.Node):
        return build.operand(argument)
    return (lambda _scope: argument), Spot(node.lineno)


def no_unpacking(node: nodes.Call | nodes.Filter | nodes.Test) -> None:
    """Raise ExpressionError (E211) for `*values` and `**names`."""
    for part in (node.dyn_args, node.dyn_kwargs):
        if part is not None:
            message = "`*` and `**` do not unpack arguments here"
            raise ExpressionError("E211", message, offset=part.lineno)


def no_names(keyword: nodes.Node, name: str, text: str) -> ExpressionError:
    """Return the error of an argument given by name to one of Fusion's functions."""
    key = str(getattr(keyword, "key", ""))
    message = f"`{name}` takes its arguments by place, not by name"
    offset = text.rindex(key, 0, keyword.lineno)  # Jinja's keyword stands where its value does
    return ExpressionError("E211", message, offset=offset, length=len(key))


def known_test(name: str, offset: int) -> Callable[..., bool]:
    """Return a test. Raises ExpressionError (E212)."""
    if name not in TESTS:
        raise unknown("test", name, offset, tuple(TESTS))
    return TESTS[name]


def fixed_text(node: nodes.Node, what: str) -> str:
    """Return a constant text that names something. Raises ExpressionError (E211)."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str | int):
        return str(node.value)
    message = f"{what} must be written out as text"
    raise ExpressionError("E211", message, offset=node.lineno)
