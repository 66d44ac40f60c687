"""Compiles a node's `with`: constant fields are settled, the others become functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from engine.errors import BundleValidationError, ExpressionError, Place
from engine.mapping.coercion import ERASE
from engine.mapping.compile import Mapped, Scope, compile_text
from engine.plan.coercing import ANY_COLLECTION, TEXT, Coerce, Fault, Misfit, cleared
from engine.plan.constants import check_constants, slots_for
from engine.plan.expected import coerced
from engine.plan.flow import SETTLED_FIELDS
from engine.plan.hints import shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.misfits import complaint, rejected
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

        def collection(scope: Scope) -> dict[str, Any]:
            values = {}
            for name, operand in operands:
                values[name] = operand(scope)
            return values

        return Part(None, collection)

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
    mapped = [(name, part.function) for name, part in parts.items() if part.function is not None]
    _refuse_mapped(inspection, draft, [name for name, _function in mapped])
    open_paths = [leaf.path[1:] for leaf in compiler.leaves]
    open_paths += [path[1:] for path in compiler.broken]
    check_constants(inspection, draft, open_paths)
    constants = _constants(inspection, draft, parts)
    fields = _mapped_fields(inspection, draft, mapped, compiler.leaves)
    leaves = tuple(compiler.leaves)
    evaluate = _evaluator(constants, fields, leaves)
    if any("erase" in leaf.mapped.text for leaf in leaves):
        evaluate = _clearing(evaluate)
    return FieldMapping(constants, evaluate, leaves, partial(_place_of, inspection, draft))


def _place_of(inspection: Inspection, draft: Draft, name: str) -> Place | None:
    if name not in draft.written.fields:
        return None
    return inspection.document.value_place((*draft.keys, "with", name))


def _constants(inspection: Inspection, draft: Draft, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the constant fields as the module expects them; misfits have been reported."""
    constants = {name: part.constant for name, part in parts.items() if part.function is None}
    try:
        return coerced(slots_for(inspection, draft, written=True), constants)
    except Misfit:
        return constants


class MappedField(NamedTuple):
    """A field that is worked out for each bundle. `coerce` None: it is as its module expects it."""

    name: str
    function: Evaluate
    coerce: Coerce | None


def _mapped_fields(
    inspection: Inspection,
    draft: Draft,
    mapped: Sequence[tuple[str, Evaluate]],
    leaves: Sequence[Leaf],
) -> list[MappedField]:
    slots = slots_for(inspection, draft, written=False)
    texts = {leaf.path[1:]: leaf.mapped for leaf in leaves}
    fields = []
    for name, function in mapped:
        slot = slots.get(name)
        coerce = slot.coerce if slot is not None else None
        text, written = texts.get((name,)), draft.written.fields[name]
        fits = coerce is TEXT.coerce and text is not None and not text.is_expression
        if fits or (coerce is ANY_COLLECTION.coerce and isinstance(written, dict)):
            coerce = None
        elif coerce is not None and slot is not None and slot.nullable:
            coerce = _erasable(coerce, leaves, name)
        fields.append(MappedField(name, function, coerce))
    return fields


def _erasable(coerce: Coerce, leaves: Sequence[Leaf], name: str) -> Coerce:
    """Let `erase` through to a field that may be null, if its texts speak of it at all."""
    if not any(leaf.path[1] == name and "erase" in leaf.mapped.text for leaf in leaves):
        return coerce
    return lambda value: value if value is ERASE else coerce(value)


def _evaluator(
    constants: dict[str, Any], mapped: Sequence[MappedField], leaves: Sequence[Leaf]
) -> Callable[[Scope], dict[str, Any]]:
    """Return the function that gives all fields of a bundle; it runs for every bundle."""
    if not mapped:
        return lambda _scope: constants.copy()
    if any(field.coerce is not None for field in mapped):
        return _coercing(constants, tuple(mapped), leaves)
    pairs = tuple((name, function) for name, function, _coerce in mapped)

    def evaluate(scope: Scope) -> dict[str, Any]:
        fields = constants.copy()
        for name, function in pairs:
            value = function(scope)
            if value is not None:
                fields[name] = value
        return fields

    return evaluate


def _coercing(
    constants: dict[str, Any], mapped: Sequence[MappedField], leaves: Sequence[Leaf]
) -> Callable[[Scope], dict[str, Any]]:
    """Return the evaluator for fields of which some are coerced; it tells all that do not fit."""

    def evaluate(scope: Scope) -> dict[str, Any]:
        fields = constants.copy()
        faults: list[Fault] = []
        for name, function, coerce in mapped:
            value = function(scope)
            if value is not None:
                if coerce is not None:
                    try:
                        value = coerce(value)
                    except Misfit as misfit:
                        faults += [fault.below(name) for fault in misfit.faults]
                    except RecursionError:
                        faults.append(Fault((name,), "nested less deep", value))
                fields[name] = value
        if faults:
            raise rejected([complaint(fault) for fault in faults], leaves)
        return fields

    return evaluate


def _clearing(evaluate: Callable[[Scope], dict[str, Any]]) -> Callable[[Scope], dict[str, Any]]:
    """Return an evaluator whose fields hold null where `erase` was mapped.

    A field that is null, and not left out, is one to clear (semantics R62).
    """

    def clearing(scope: Scope) -> dict[str, Any]:
        fields = evaluate(scope)
        try:
            return {name: cleared(value) for name, value in fields.items()}
        except RecursionError:
            raise BundleValidationError("the fields are nested too deep") from None

    return clearing


def _refuse_mapped(inspection: Inspection, draft: Draft, names: Sequence[str]) -> None:
    for name in names:
        if name in SETTLED_FIELDS.get(draft.kind, ()):
            text = f"{shown(name)} is settled before the run, so it cannot be mapped"
            place = inspection.document.value_place((*draft.keys, "with", name))
            inspection.report("E132", text, place)
