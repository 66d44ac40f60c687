"""Texts around expressions: `{{ name }} <{{ email }}>`, and texts with if, for and set.

A text without statements is a fixed frame with gaps; one with statements is written piece by piece
into a sheet. Both build text only, no more than the limit of a text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from jinja2 import nodes

from engine.errors import ExpressionError, MappingError
from engine.mapping.build import Build, Operand
from engine.mapping.coercion import describe, to_text
from engine.mapping.faults import FAILURES, Spot, mapping_error
from engine.mapping.filters import elements
from engine.mapping.functions import CONSTANTS, VARIABLES
from engine.mapping.limits import RAISE, Meter, in_force
from engine.mapping.world import Evaluate, Scope


class Sheet:
    """Text in the making; it never grows beyond the limit."""

    __slots__ = ("parts", "room")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = in_force().text

    def write(self, text: str) -> None:
        """Add a text. Raises MappingError beyond the limit."""
        self.room -= len(text)
        if self.room < 0:
            raise too_long()
        self.parts.append(text)


Write: TypeAlias = Callable[[Scope, Sheet], None]


def too_long() -> MappingError:
    """Return the error of a text beyond the limit."""
    return MappingError(
        f"the text would be longer than {in_force().text:,} characters",
        notes=("a field that is one expression passes a longer text on whole", RAISE),
    )


def frame(pieces: Sequence[nodes.Expr], build: Build) -> Evaluate:
    """Return the closure of a text without statements: leads, each before a gap, and a tail."""
    leads, gaps, lead = [], [], ""
    for piece in pieces:
        if isinstance(piece, nodes.TemplateData):
            lead += piece.data
        else:
            leads.append(lead)
            gaps.append(build.operand(piece))
            lead = ""
    if len(gaps) == 1:
        return _one_gap(leads[0], gaps[0], lead)
    if len(gaps) == 2:
        return _two_gaps((leads[0], leads[1], lead), gaps[0], gaps[1])
    return _many_gaps(tuple(zip(leads, gaps, strict=True)), lead)


def _as_text(value: Any, place: Spot) -> str:
    """Return a value as text. Raises MappingError."""
    try:
        return to_text(value)
    except FAILURES as error:
        raise mapping_error("", place, error, ((place, value),)) from error


def _one_gap(lead: str, gap: Operand, tail: str) -> Evaluate:
    evaluate, place = gap
    room = in_force().text - len(lead) - len(tail)

    def run(scope: Scope) -> str:
        text = evaluate(scope)
        if type(text) is not str:
            text = _as_text(text, place)
        if len(text) > room:
            raise too_long()
        return f"{lead}{text}{tail}"

    return run


def _two_gaps(fixed: tuple[str, str, str], first: Operand, second: Operand) -> Evaluate:
    lead, middle, tail = fixed
    (first_value, first_place), (second_value, second_place) = first, second
    room = in_force().text - len(lead) - len(middle) - len(tail)

    def run(scope: Scope) -> str:
        a = first_value(scope)
        if type(a) is not str:
            a = _as_text(a, first_place)
        b = second_value(scope)
        if type(b) is not str:
            b = _as_text(b, second_place)
        if len(a) + len(b) > room:
            raise too_long()
        return f"{lead}{a}{middle}{b}{tail}"

    return run


def _many_gaps(pairs: tuple[tuple[str, Operand], ...], tail: str) -> Evaluate:
    room = in_force().text - sum(len(lead) for lead, _gap in pairs) - len(tail)

    def run(scope: Scope) -> str:
        parts, left = [], room
        for lead, (evaluate, place) in pairs:
            text = evaluate(scope)
            if type(text) is not str:
                text = _as_text(text, place)
            left -= len(text)
            if left < 0:
                raise too_long()
            parts.append(lead)
            parts.append(text)
        parts.append(tail)
        return "".join(parts)

    return run


def page(body: Sequence[nodes.Node], build: Build) -> Evaluate:
    """Return the closure of a text with statements. It sets names in a copy of the scope."""
    write = _block(body, build)

    def run(scope: Scope) -> str:
        sheet = Sheet()
        write(dict(scope), sheet)
        return "".join(sheet.parts)

    return run


def _block(body: Sequence[nodes.Node], build: Build) -> Write:
    writes = [_STATEMENTS[type(node)](node, build) for node in body]

    def write(scope: Scope, sheet: Sheet) -> None:
        for each in writes:
            each(scope, sheet)

    return write


def _output(node: nodes.Output, build: Build) -> Write:
    text, meter = frame(node.nodes, build), build.meter

    def write(scope: Scope, sheet: Sheet) -> None:
        written = text(scope)
        meter.build(written)
        sheet.write(written)

    return write


def _if(node: nodes.If, build: Build) -> Write:
    branches = [(build.emit(each.test), _block(each.body, build)) for each in (node, *node.elif_)]
    otherwise = _block(node.else_, build)

    def write(scope: Scope, sheet: Sheet) -> None:
        for test, branch in branches:
            if test(scope):
                return branch(scope, sheet)
        return otherwise(scope, sheet)

    return write


def _for(node: nodes.For, build: Build) -> Write:
    if node.recursive:
        raise ExpressionError(
            "E211", "`recursive` is not available in mappings", offset=node.lineno, length=3
        )
    source, place = build.operand(node.iter)
    outside = set(build.locals)
    names = _targets(node.target, build)
    test = None if node.test is None else build.emit(node.test)
    build.locals.add("loop")
    body = _block(node.body, build)
    build.locals = outside
    otherwise, meter = _block(node.else_, build), build.meter

    def values(scope: Scope) -> list[Any]:
        value = source(scope)
        try:
            return elements(value)
        except FAILURES as error:
            raise mapping_error("for", place, error, ((place, value),)) from error

    def write(scope: Scope, sheet: Sheet) -> None:
        found = values(scope)
        if test is not None:
            found = [value for value in found if test(_with(scope, names, value, meter))]
        for index, value in enumerate(found):
            inner = _with(scope, names, value, meter)
            inner["loop"] = _loop(index, len(found))
            body(inner, sheet)
        if not found:
            otherwise(scope, sheet)

    return write


def _targets(target: nodes.Node, build: Build) -> tuple[str, ...]:
    """Return the names that a statement sets, and make them local from here on."""
    targets: list[nodes.Expr] = [cast("nodes.Expr", target)]
    if isinstance(target, nodes.Tuple):
        targets = target.items
    for each in targets:
        if not isinstance(each, nodes.Name):
            raise ExpressionError("E211", "only names can be set", offset=target.lineno)
        if each.name in VARIABLES or each.name in CONSTANTS:
            message = f"`{each.name}` is a name of the language and cannot be set"
            raise ExpressionError("E211", message, offset=each.lineno, length=len(each.name))
    names = tuple(cast("nodes.Name", each).name for each in targets)
    build.locals.update(names)
    return names


def _with(scope: Scope, names: tuple[str, ...], value: Any, meter: Meter) -> Scope:
    meter.step()
    inner = dict(scope)
    _assign(inner, names, value)
    return inner


def _assign(scope: Scope, names: tuple[str, ...], value: Any) -> None:
    if len(names) == 1:
        scope[names[0]] = value
        return
    parts = value if isinstance(value, list | tuple) else ()
    if len(parts) != len(names):
        raise MappingError(f"there are {len(names)} names to set, but {describe(value)} is given")
    scope.update(zip(names, parts, strict=True))


def _loop(index: int, size: int) -> dict[str, Any]:
    """Return what `loop` holds in an iteration, as in Jinja."""
    return {
        "index": index + 1,
        "index0": index,
        "revindex": size - index,
        "revindex0": size - index - 1,
        "first": index == 0,
        "last": index == size - 1,
        "length": size,
    }


def _set(node: nodes.Assign, build: Build) -> Write:
    value, meter = build.emit(node.node), build.meter
    names = _targets(node.target, build)

    def write(scope: Scope, _sheet: Sheet) -> None:
        meter.step()
        _assign(scope, names, value(scope))

    return write


def _set_block(node: nodes.AssignBlock, build: Build) -> Write:
    if node.filter is not None:
        raise ExpressionError(
            "E211", "a filter on `set` is not available in mappings", offset=node.lineno, length=3
        )
    body = _block(node.body, build)
    names = _targets(node.target, build)

    def write(scope: Scope, _sheet: Sheet) -> None:
        sheet = Sheet()
        body(dict(scope), sheet)
        _assign(scope, names, "".join(sheet.parts))

    return write


_STATEMENTS: Mapping[type[nodes.Node], Callable[[Any, Build], Write]] = {
    nodes.Output: _output,
    nodes.If: _if,
    nodes.For: _for,
    nodes.Assign: _set,
    nodes.AssignBlock: _set_block,
}
