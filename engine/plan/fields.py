"""Compiles a node's `with`: constant fields are settled, the others become functions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from engine.errors import ExpressionError
from engine.mapping.compile import Mapped, Scope, compile_text
from engine.plan.constants import check_constants
from engine.plan.flow import SETTLED_FIELDS
from engine.plan.hints import shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.plan import FieldMapping, Leaf
from engine.plan.read import KeyPath

Evaluate: TypeAlias = Callable[[Scope], Any]


class Part(NamedTuple):
    """A compiled value: a function, or the constant if `function` is None."""

    constant: Any
    function: Evaluate | None = None

    def operand(self) -> Evaluate:
        """Return a function in either case."""
        if self.function is not None:
            return self.function
        constant = self.constant
        return lambda _scope: constant


@dataclass(slots=True)
class Compiler:
    """Compiles the texts of one node; `keys` leads to the node in the file."""

    inspection: Inspection
    keys: KeyPath
    leaves: list[Leaf] = field(default_factory=list)
    broken: list[KeyPath] = field(default_factory=list)
    """Texts that do not compile; each has been reported."""

    def value(self, value: Any, path: KeyPath) -> Part:
        """Compile a value of any kind; the reader has limited how deep it goes."""
        if isinstance(value, str):
            return self.text(value, path) if "{" in value else Part(value)
        if isinstance(value, dict):
            return self._collection(value, path)
        if isinstance(value, list):
            return self._array(value, path)
        return Part(value)

    def text(
        self,
        text: str,
        path: KeyPath,
        compile_it: Callable[[str], Mapped | str] = compile_text,
    ) -> Part:
        """Compile one text; an error in it is reported at its place."""
        place_at = partial(self.inspection.document.text_place, (*self.keys, *path))
        try:
            mapped = compile_it(text)
        except ExpressionError as error:
            place = place_at(error.offset, error.length)
            self.inspection.report(error.problem_code, error.message, place, notes=error.notes)
            self.broken.append(path)
            return Part(None)
        if isinstance(mapped, str):
            return Part(mapped)
        self.leaves.append(Leaf(path, mapped, place_at))
        return Part(None, mapped.evaluate)

    def _collection(self, value: dict[str, Any], path: KeyPath) -> Part:
        parts = {name: self.value(each, (*path, name)) for name, each in value.items()}
        if all(part.function is None for part in parts.values()):
            return Part({name: part.constant for name, part in parts.items()})
        operands = tuple((name, part.operand()) for name, part in parts.items())
        return Part(None, lambda scope: {name: operand(scope) for name, operand in operands})

    def _array(self, value: list[Any], path: KeyPath) -> Part:
        parts = [self.value(each, (*path, index)) for index, each in enumerate(value)]
        if all(part.function is None for part in parts):
            return Part([part.constant for part in parts])
        operands = tuple(part.operand() for part in parts)
        return Part(None, lambda scope: [operand(scope) for operand in operands])


def compile_fields(inspection: Inspection, draft: Draft) -> FieldMapping:
    """Compile a node's fields, and report what is known to be wrong with them before the run."""
    compiler = Compiler(inspection, draft.keys)
    parts = {
        name: compiler.value(value, ("with", name)) for name, value in draft.written.fields.items()
    }
    constants = {name: part.constant for name, part in parts.items() if part.function is None}
    mapped = [(name, part.function) for name, part in parts.items() if part.function is not None]
    _refuse_mapped(inspection, draft, [name for name, _function in mapped])
    open_paths = [leaf.path[1:] for leaf in compiler.leaves]
    open_paths += [path[1:] for path in compiler.broken]
    check_constants(inspection, draft, open_paths)
    return FieldMapping(constants, _evaluator(constants, mapped), tuple(compiler.leaves))


def _evaluator(
    constants: dict[str, Any], mapped: Sequence[tuple[str, Evaluate]]
) -> Callable[[Scope], dict[str, Any]]:
    """Return the function that gives all fields of a bundle; it runs for every bundle."""
    if not mapped:
        return lambda _scope: constants.copy()
    pairs = tuple(mapped)

    def evaluate(scope: Scope) -> dict[str, Any]:
        fields = constants.copy()
        for name, function in pairs:
            value = function(scope)
            if value is not None:
                fields[name] = value
        return fields

    return evaluate


def _refuse_mapped(inspection: Inspection, draft: Draft, names: Sequence[str]) -> None:
    for name in names:
        if name in SETTLED_FIELDS.get(draft.kind, ()):
            text = f"{shown(name)} is settled before the run, so it cannot be mapped"
            place = inspection.document.value_place((*draft.keys, "with", name))
            inspection.report("E132", text, place)
