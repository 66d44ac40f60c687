"""From an expression's tree to closures, each specialised once, when the text is compiled.

`EXPRESSIONS` says for each kind of node how it is compiled; `engine.mapping.calls` does the same
for calls, filters and tests, and `engine.mapping.statements` puts texts together.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from jinja2 import nodes

from engine.mapping.build import (
    Build,
    Emitter,
    Operand,
    applied,
    binary,
    refuse,
    unary,
    world_of,
)
from engine.mapping.coercion import joined
from engine.mapping.faults import Spot
from engine.mapping.functions import CONSTANTS, VARIABLES
from engine.mapping.operators import (
    BINARY,
    COMPARISONS,
    Operate,
    item_of,
    negative,
    part_of,
    positive,
)
from engine.mapping.paths import Path, path_of, read_path
from engine.mapping.refusal import Refused
from engine.mapping.world import Evaluate, Scope


def constant(value: Any) -> Evaluate:
    """Return the closure of a fixed value."""
    return lambda _scope: value


def _const(node: nodes.Const, _build: Build) -> Evaluate:
    return constant(node.value)


def _access(node: nodes.Expr, build: Build) -> Evaluate:
    """Read a path, a variable of the language, or an item of any other expression."""
    reference = path_of(node, build.text)
    if reference is None:
        return _item(node, build)
    if reference.root in build.locals:
        return read_path(Path(build.text, reference, local=True))
    if reference.root in VARIABLES or reference.root in CONSTANTS:
        return _named(node, build)
    build.references.append(reference)
    return read_path(Path(build.text, reference))


def _named(node: nodes.Expr, build: Build) -> Evaluate:
    if not isinstance(node, nodes.Name):
        return _item(node, build)
    if node.name in CONSTANTS:
        return constant(CONSTANTS[node.name])
    ask = VARIABLES[node.name]
    return lambda scope: ask(world_of(scope))


def _item(node: nodes.Expr, build: Build) -> Evaluate:
    if isinstance(node, nodes.Getattr):
        key: Operand = (constant(node.attr), Spot(node.lineno))
    else:
        node = cast("nodes.Getitem", node)
        if isinstance(node.arg, nodes.Slice):
            return _slice(node, node.arg, build)
        key = build.operand(node.arg)
    if isinstance(node.node, nodes.Const):
        raise refuse(node, "a fixed value has no items")
    place = Spot(node.lineno, 1)
    return binary((_item_name(node), place, item_of), build.operand(node.node), key)


def _item_name(node: nodes.Expr) -> str:
    return f".{node.attr}" if isinstance(node, nodes.Getattr) else "[…]"


def _slice(node: nodes.Getitem, part: nodes.Slice, build: Build) -> Evaluate:
    bounds = [
        (constant(None), Spot(node.lineno)) if bound is None else build.operand(bound)
        for bound in (part.start, part.stop, part.step)
    ]
    operation = ("[…:…]", Spot(node.lineno), part_of)
    return applied(build, operation, [build.operand(node.node), *bounds])


def _list(node: nodes.List | nodes.Tuple, build: Build) -> Evaluate:
    elements = [build.operand(item) for item in node.items]
    return applied(build, ("[…]", Spot(node.lineno), lambda *values: list(values)), elements)


def _dict(node: nodes.Dict, build: Build) -> Evaluate:
    parts = [build.operand(part) for pair in node.items for part in (pair.key, pair.value)]

    def collect(*values: Any) -> dict[str, Any]:
        for key in values[::2]:
            if not isinstance(key, str):
                raise Refused("text as the name of an item", key)
        return dict(zip(values[::2], values[1::2], strict=True))

    return applied(build, ("{…}", Spot(node.lineno), collect), parts)


GROWING = ("Add", "Mul", "Pow")
"""Operators whose result may be larger than what went in."""


def _binary(node: nodes.BinExpr, build: Build) -> Evaluate:
    name = type(node).__name__
    sign, operate = BINARY[name]
    operation = (sign, Spot(node.lineno), operate)
    left, right = build.operand(node.left), build.operand(node.right)
    if name in GROWING:
        return applied(build, operation, [left, right])
    return binary(operation, left, right)


def _sign(name: str, operate: Callable[[Any], Any]) -> Emitter:
    def emitted(node: nodes.UnaryExpr, build: Build) -> Evaluate:
        return unary((name, Spot(node.lineno), operate), build.operand(node.node))

    return emitted


def _concat(node: nodes.Concat, build: Build) -> Evaluate:
    def join(*values: Any) -> str:
        return joined("", values)

    parts = [build.operand(part) for part in node.nodes]
    return applied(build, ("~", Spot(node.lineno), join), parts)


def _compare(node: nodes.Compare, build: Build) -> Evaluate:
    first = build.operand(node.expr)
    links = [(*COMPARISONS[link.op], build.operand(link.expr)) for link in node.ops]
    if len(links) == 1:
        sign, compare, second = links[0]
        return applied(build, (sign, Spot(node.lineno), compare), [first, second])
    return _chain(node, build, first, links)


def _chain(
    node: nodes.Compare, build: Build, first: Operand, links: list[tuple[str, Operate, Operand]]
) -> Evaluate:
    """Compare as in `1 < x < 5`; every operand is evaluated once."""
    signs = " ".join(sign for sign, _, _ in links)

    def all_hold(*values: Any) -> bool:
        pairs = zip(values, values[1:], links, strict=False)
        return all(compare(left, right) for left, right, (_, compare, _) in pairs)

    operands = [first, *(second for _, _, second in links)]
    return applied(build, (signs, Spot(node.lineno), all_hold), operands)


def _and(node: nodes.And, build: Build) -> Evaluate:
    left, right = build.emit(node.left), build.emit(node.right)
    return lambda scope: left(scope) and right(scope)


def _or(node: nodes.Or, build: Build) -> Evaluate:
    left, right = build.emit(node.left), build.emit(node.right)
    return lambda scope: left(scope) or right(scope)


def _not(node: nodes.Not, build: Build) -> Evaluate:
    evaluate = build.emit(node.node)
    return lambda scope: not evaluate(scope)


def _condition(node: nodes.CondExpr, build: Build) -> Evaluate:
    test, then = build.emit(node.test), build.emit(node.expr1)
    otherwise = constant(None) if node.expr2 is None else build.emit(node.expr2)

    def run(scope: Scope) -> Any:
        return then(scope) if test(scope) else otherwise(scope)

    return run


EXPRESSIONS: Mapping[type[nodes.Node], Emitter] = {
    nodes.Const: _const,
    nodes.Name: _access,
    nodes.Getattr: _access,
    nodes.Getitem: _access,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.Add: _binary,
    nodes.Sub: _binary,
    nodes.Mul: _binary,
    nodes.Div: _binary,
    nodes.FloorDiv: _binary,
    nodes.Mod: _binary,
    nodes.Pow: _binary,
    nodes.Neg: _sign("-", negative),
    nodes.Pos: _sign("+", positive),
    nodes.Concat: _concat,
    nodes.Compare: _compare,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.CondExpr: _condition,
}
