"""Compiles the texts of a scenario, once, into closures that are called for every bundle.

`compile_text` for fields, `compile_filter` for filters. Called by `engine.plan`; the closures are
called by `engine.run.driver` with a scope. An expression that does not compile raises
`ExpressionError`, one that fails on a bundle raises `MappingError`, and nothing else is raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from engine.errors import ExpressionError, MappingError
from engine.mapping.build import Build
from engine.mapping.calls import CALLS
from engine.mapping.coercion import describe
from engine.mapping.expressions import EXPRESSIONS
from engine.mapping.functions import CONSTANTS, FAMILIES, FUNCTIONS, VARIABLES
from engine.mapping.functions.function import Needs
from engine.mapping.limits import FREE_DEPTH, FREE_LOOKS, FREE_OPERATIONS, Meter, in_force
from engine.mapping.selections import SELECTIONS
from engine.mapping.statements import frame, page
from engine.mapping.syntax import parse
from engine.mapping.world import Evaluate, Reference, Scope, World

__all__ = [
    "FUNCTION_NAMES",
    "RESERVED_NAMES",
    "Mapped",
    "Reference",
    "Scope",
    "World",
    "compile_filter",
    "compile_text",
]

FUNCTION_NAMES = frozenset(FUNCTIONS)
"""Names of all functions."""

RESERVED_NAMES = FUNCTION_NAMES.union(
    VARIABLES,
    CONSTANTS,
    ("error", "inputs", "scenario", "loop"),
    (
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "and",
        "or",
        "not",
        "is",
        "in",
        "if",
        "else",
    ),
)
"""Names that a node's id may not take, functions included."""

OPENINGS = ("{{", "{%", "{#")
EMITTERS = {**EXPRESSIONS, **CALLS}
GROWING: frozenset[type[nodes.Node]] = frozenset(
    {
        nodes.Call, nodes.Filter, nodes.Add, nodes.Mul, nodes.Pow, nodes.Concat,
        nodes.List, nodes.Tuple, nodes.Dict, nodes.Slice,
    }
)  # fmt: skip
"""Nodes that can build something."""
LOOKING: frozenset[type[nodes.Node]] = frozenset({nodes.Compare, nodes.Test})
"""Nodes that may look at the whole of large values."""
OF_TEXTS = frozenset(
    function.name for family in ("general", "text", "binary") for function in FAMILIES[family]
)
"""Functions that look at one text or choose among values, also after a pipe."""
LOOPING: frozenset[type[nodes.Node]] = frozenset(
    {nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock}
)


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A compiled text.

    `evaluate` takes a scope and returns the value; it raises MappingError and changes nothing.
    `references` are the paths that it may read, in the order of the text. `is_expression` says that
    the value keeps its type; otherwise it is text.
    """

    evaluate: Evaluate
    references: tuple[Reference, ...]
    is_expression: bool
    text: str


def compile_text(text: str) -> Mapped | str:
    """Compile the text of a field; one without expressions comes back as plain text.

    A text that is exactly one expression, white space around it not counted, keeps the type of its
    value. Raises ExpressionError (E210 to E213, E215) with character offsets into the text.
    """
    if not any(opening in text for opening in OPENINGS):
        return text
    body, everything, depth = parse(text)
    pieces = _pieces(body)
    fixed = [piece.data for piece in pieces or () if isinstance(piece, nodes.TemplateData)]
    if pieces is not None and len(fixed) == len(pieces):
        return "".join(fixed)
    only = _only_expression(pieces)
    metered = depth > FREE_DEPTH or _needs_meter(everything)
    build = Build(text, Meter(), metered, EMITTERS)
    try:
        if only is not None:
            evaluate = build.emit(only)
        else:
            evaluate = page(body, build) if pieces is None else frame(pieces, build)
    except RecursionError:
        raise ExpressionError("E213", "the expression is nested too deep") from None
    if metered:
        evaluate = _guarded(evaluate, build.meter)
    references = sorted(build.references, key=lambda reference: reference.offset)
    return Mapped(evaluate, tuple(references), only is not None, text)


def compile_filter(text: str) -> Mapped:
    """Compile a filter: exactly one expression, whose `evaluate` gives a bool.

    Null does not pass; any other value that is no boolean raises MappingError. Raises
    ExpressionError (E210 to E213, E215).
    """
    mapped = compile_text(text)
    if isinstance(mapped, str) or not mapped.is_expression:
        raise ExpressionError(
            "E210",
            "a filter is exactly one expression in `{{ … }}`",
            length=max(len(text), 1),
            notes=('for example `filter: "{{ order.total > 100 }}"`',),
        )
    return Mapped(_passing(mapped), mapped.references, is_expression=True, text=text)


def _passing(mapped: Mapped) -> Evaluate:
    value_of = mapped.evaluate
    start = len(mapped.text) - len(mapped.text.lstrip())
    length = len(mapped.text.strip())

    def passes(scope: Scope) -> bool:
        value = value_of(scope)
        if value is True or value is False:
            return value
        if value is None:
            return False
        raise MappingError(
            f"a filter needs true or false, but got {describe(value)}",
            offset=start,
            length=length,
            notes=("compare it, as in `item == 3`, `item != ''` or `item is defined`",),
        )

    return passes


def _pieces(body: Sequence[nodes.Node]) -> list[nodes.Expr] | None:
    """Return texts and expressions in order; None if there are statements among them."""
    pieces: list[nodes.Expr] = []
    for node in body:
        if not isinstance(node, nodes.Output):
            return None
        pieces.extend(node.nodes)
    return pieces


def _only_expression(pieces: list[nodes.Expr] | None) -> nodes.Expr | None:
    expressions: list[nodes.Expr] = []
    for piece in pieces or ():
        if not isinstance(piece, nodes.TemplateData):
            expressions.append(piece)
        elif not piece.data.isspace():
            return None
    return expressions[0] if len(expressions) == 1 else None


def _needs_meter(everything: Sequence[nodes.Node]) -> bool:
    """Tell whether operations may follow one another so often that they must be added up."""
    kinds = {type(node) for node in everything}
    if not kinds.isdisjoint(LOOPING):
        return True
    growing = sum(_weight(node) for node in everything if type(node) in GROWING)
    looking = sum(type(node) in LOOKING for node in everything)
    return growing > in_force().free_operations or looking > FREE_LOOKS


def _weight(node: nodes.Node) -> int:
    """Return how many operations one is worth: more if it looks at what many elements hold."""
    if isinstance(node, nodes.Filter):
        name = node.name
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        name = node.node.name
    else:
        return 1
    function = FUNCTIONS.get(name)
    if name in SELECTIONS or (function is not None and function.needs is Needs.METER):
        return FREE_OPERATIONS + 1
    return 1 if name in OF_TEXTS else 2


def _guarded(evaluate: Evaluate, meter: Meter) -> Evaluate:
    """Start the meter anew for each evaluation, and let no failure of Python's through."""

    def run(scope: Scope) -> Any:
        meter.reset()
        try:
            return evaluate(scope)
        except (RecursionError, MemoryError) as error:
            raise MappingError("the expression is too deep or too large to evaluate") from error

    return run
