"""What is shared while one text is compiled, and the closures around a single operation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from jinja2 import nodes

from engine.errors import ExpressionError
from engine.mapping.coercion import escaped
from engine.mapping.faults import FAILURES, Spot, mapping_error
from engine.mapping.limits import Meter
from engine.mapping.paths import Path, path_of
from engine.mapping.world import Evaluate, Reference, Scope

Operand: TypeAlias = tuple[Evaluate, Spot]
Operation: TypeAlias = tuple[str, Spot, Callable[..., Any]]
"""As people write it, where it stands, and what it does with values; may raise `FAILURES`."""


@dataclass(slots=True)
class Build:
    """The compilation of one text.

    `metered` says whether operations count on the meter, or bound themselves. `locals` are the
    names that the text itself has set up to here. `emitters` say for each kind of node how it is
    compiled.
    """

    text: str
    meter: Meter
    metered: bool
    emitters: "Mapping[type[nodes.Node], Emitter]"
    references: list[Reference] = field(default_factory=list)
    locals: set[str] = field(default_factory=set)

    def emit(self, node: nodes.Node) -> Evaluate:
        """Return the closure of an expression. Raises ExpressionError (E211, E212, E215)."""
        emitter = self.emitters.get(type(node))
        if (
            emitter is None
        ):  # all other kinds stand where whoever compiles their parent expects them
            raise refuse(node, "a slice stands alone in its brackets")
        return emitter(node, self)

    def operand(self, node: nodes.Node) -> Operand:
        """Return an expression's closure and the place to blame for its value."""
        return self.emit(node), self.spot(node)

    def spot(self, node: nodes.Node) -> Spot:
        """Return where an expression stands: a path whole, anything else its first letter."""
        reference = path_of(node, self.text)
        if reference is not None:
            return Path(self.text, reference).spot
        return Spot(node.lineno or 0)


Emitter: TypeAlias = Callable[[Any, Build], Evaluate]
"""Compiles one kind of node."""


def unary(operation: Operation, operand: Operand) -> Evaluate:
    """Apply an operation that cannot grow to one value."""
    name, spot, operate = operation
    evaluate, place = operand

    def run(scope: Scope) -> Any:
        value = evaluate(scope)
        try:
            return operate(value)
        except FAILURES as error:
            raise mapping_error(name, spot, error, ((place, value),)) from error

    return run


def binary(operation: Operation, left: Operand, right: Operand) -> Evaluate:
    """Apply an operation to two values."""
    name, spot, operate = operation
    (first, first_place), (second, second_place) = left, right

    def run(scope: Scope) -> Any:
        a = first(scope)
        b = second(scope)
        try:
            return operate(a, b)
        except FAILURES as error:
            operands = ((first_place, a), (second_place, b))
            raise mapping_error(name, spot, error, operands) from error

    return run


def many(operation: Operation, operands: Sequence[Operand], leading: Evaluate | None) -> Evaluate:
    """Apply an operation to any number of values, the value of `leading` before them."""
    name, spot, operate = operation
    evaluates = tuple(evaluate for evaluate, _ in operands)
    places = tuple(place for _, place in operands)

    def run(scope: Scope) -> Any:
        values = [evaluate(scope) for evaluate in evaluates]
        try:
            if leading is None:
                return operate(*values)
            return operate(leading(scope), *values)
        except FAILURES as error:
            pairs = tuple(zip(places, values, strict=True))
            raise mapping_error(name, spot, error, pairs) from error

    return run


def applied(
    build: Build,
    operation: Operation,
    operands: Sequence[Operand],
    leading: Evaluate | None = None,
) -> Evaluate:
    """Return the closure of an operation that may grow or work through arrays."""
    if build.metered:
        name, spot, operate = operation
        operation = name, spot, build.meter.counting(operate)
    if leading is None and len(operands) == 1:
        return unary(operation, operands[0])
    if leading is None and len(operands) == 2:
        return binary(operation, operands[0], operands[1])
    return many(operation, operands, leading)


def world_of(scope: Scope) -> Any:
    """Return the scope's `World`."""
    return scope[""]


def itself(scope: Scope) -> Any:
    """Return the scope."""
    return scope


def unknown(kind: str, name: str, offset: int, known: Sequence[str]) -> ExpressionError:
    """Return the error of a function, filter or test that does not exist."""
    close = get_close_matches(name, known, 1, 0.6)
    guess = f"; did you mean `{close[0]}`?" if close else ""
    return ExpressionError(
        "E212",
        f"there is no {kind} `{escaped(name)}`{guess}",
        offset=offset,
        length=max(len(name), 1),
        notes=("`fusion functions` lists what there is",),
    )


def refuse(node: nodes.Node, message: str, *notes: str, length: int = 1) -> ExpressionError:
    """Return the error of something that the language does not have."""
    return ExpressionError("E211", message, offset=node.lineno or 0, length=length, notes=notes)
