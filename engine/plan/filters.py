"""Compiles filters: an expression, true or false, or Fusion's groups of conditions."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from engine.mapping.compile import Scope, compile_filter
from engine.mapping.refusal import Refused
from engine.model.scenario import Conditions, FilterWritten
from engine.plan.conditions import OPERATORS, PATTERNS, UNARY, Condition, any_of, pattern
from engine.plan.fields import Compiler, Part
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Inspection
from engine.plan.plan import Filter
from engine.plan.read import KeyPath


def compile_written(
    inspection: Inspection, written: FilterWritten | None, keys: KeyPath, path: KeyPath
) -> Filter | None:
    """Compile the filter that stands at `path` inside the node at `keys`; None without one."""
    if written is None:
        return None
    compiler = Compiler(inspection, keys)
    if isinstance(written, bool):
        return Filter(lambda _scope: written, ())
    if isinstance(written, str):
        part = compiler.text(written, path, compile_filter)
        passes = cast(Callable[[Scope], bool], part.operand())
        return Filter(passes, tuple(compiler.leaves))
    groups = _Groups(compiler, path).all(written)
    return Filter(any_of(groups), tuple(compiler.leaves), written.name)


class _Groups:
    def __init__(self, compiler: Compiler, path: KeyPath) -> None:
        self._compiler = compiler
        self._path = path

    def all(self, written: Conditions) -> list[list[Condition]]:
        return [
            [
                condition
                for index, parts in enumerate(group.all)
                if (condition := self._condition(parts, (*self._path, "any", at, "all", index)))
            ]
            for at, group in enumerate(written.any)
        ]

    def _condition(self, parts: Sequence[Any], path: KeyPath) -> Condition | None:
        """Compile `[left, operator, right]`; report one that is not of that form."""
        name = parts[1] if len(parts) > 1 else None
        if not isinstance(name, str):
            self._report("a condition is written as [value, operator, value]", path)
            return None
        compare = OPERATORS.get(name)
        if compare is None:
            text = f"there is no operator {shown(name)}{did_you_mean(name, OPERATORS)}"
            self._report(text, (*path, 1), _operators_like(name))
            return None
        wanted = 2 if name in UNARY else 3
        if len(parts) != wanted:
            sides = "no right side" if wanted == 2 else "one right side"
            self._report(f"{shown(name)} takes {sides}", (*path, 1))
            return None
        left = self._compiler.value(parts[0], (*path, 0))
        right = self._compiler.value(parts[2], (*path, 2)) if wanted == 3 else Part(None)
        if name in PATTERNS and right.function is None:
            right = self._pattern(name, right.constant, (*path, 2))
        return left.operand(), compare, right.operand()

    def _pattern(self, operator: str, text: Any, path: KeyPath) -> Part:
        """Compile a constant regular expression once."""
        try:
            return Part(pattern(str(text), ignore_case=PATTERNS[operator]))
        except Refused as error:
            self._report(error.reason, path)
            return Part(None)

    def _report(self, text: str, path: KeyPath, *notes: str) -> None:
        inspection = self._compiler.inspection
        place = inspection.document.value_place((*self._compiler.keys, *path))
        inspection.report("E112", text, place, notes=notes)


def _operators_like(name: str) -> str:
    """Return the note that lists the operators of a family, or the families."""
    family = name.partition(":")[0]
    same = [known for known in OPERATORS if known.startswith(f"{family}:")]
    if same:
        return f"operators of {family}: {listed(same)}"
    families = dict.fromkeys(known.partition(":")[0] for known in OPERATORS)
    return f"operators begin with: {listed(families)}"
