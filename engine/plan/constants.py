"""Checks what is constant in a node's fields against the module's model, before any run.

What is mapped is taken out first; complaints that only its absence explains are dropped, and the
run makes them if they still hold then. The name of a field is never mapped.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import Place
from engine.mapping.coercion import describe
from engine.mapping.functions.date_formats import zone_named
from engine.plan.coercing import Misfit
from engine.plan.expected import Slot, coerced, slots_of, unknown_field
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.outputs import shape_of
from engine.plan.read import KeyPath
from engine.plan.shape import data_path, errors_by_path
from engine.plan.words import describe_all


def slots_for(inspection: Inspection, draft: Draft, *, written: bool) -> Mapping[str, Slot]:
    """Return what a node's fields expect, in the scenario's time zone; none of an unknown module.

    A time zone that this machine does not know is reported elsewhere.
    """
    if draft.input is None:
        return {}
    zone = zone_named(inspection.written.settings.timezone) or UTC
    return slots_of(draft.input, zone, written=written)


def check_constants(inspection: Inspection, draft: Draft, open_paths: Sequence[KeyPath]) -> None:
    """Report unknown, missing and ill-fitting fields (E130, E131, E132).

    `open_paths` lead, inside `with`, to the texts whose values are known only in the run.
    """
    if draft.input is None:
        return
    report = _Report(inspection, draft, draft.input)
    report.unknown_among(open_paths)
    slots, settled = slots_for(inspection, draft, written=True), list(open_paths)
    while True:
        pruned = _Pruned(frozenset(settled))
        data = pruned.collection(draft.written.fields, ())
        try:
            draft.input.model_validate(coerced(slots, data))
        except Misfit as misfit:
            paths = [data_path(data, fault.path)[0] for fault in misfit.faults]
            settled += report.misfits(map(pruned.original, paths), misfit, settled)
        except ValidationError as error:
            groups = errors_by_path(data, error.errors(include_url=False), pruned.original)
            for path in (path for path in groups if not _is_open(path, settled)):
                report.add(path, groups[path])
            return
        else:
            return


def _is_open(path: KeyPath, open_paths: Sequence[KeyPath]) -> bool:
    """Tell whether a value depends on something mapped: above it, below it, or itself."""
    return any(path[: len(each)] == each or each[: len(path)] == path for each in open_paths)


class _Pruned:
    """Data without its mapped values; knows where what is left in a list stood before."""

    def __init__(self, open_paths: frozenset[KeyPath]) -> None:
        self._open = open_paths
        self._indices: dict[KeyPath, list[int]] = {}

    def collection(self, value: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        return {
            name: self._value(each, (*path, name))
            for name, each in value.items()
            if (*path, name) not in self._open
        }

    def _value(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return self.collection(value, path)
        if not isinstance(value, list):
            return value
        kept = [index for index in range(len(value)) if (*path, index) not in self._open]
        if len(kept) < len(value):
            self._indices[path] = kept
        return [self._value(value[index], (*path, index)) for index in kept]

    def original(self, path: KeyPath) -> KeyPath:
        """Return the path in the file of a path in the pruned data."""
        found: KeyPath = ()
        for part in path:
            kept = self._indices.get(found)
            found = (*found, kept[part] if kept is not None and isinstance(part, int) else part)
        return found


class _Report:
    """Tells what is wrong with the fields of one node."""

    def __init__(self, inspection: Inspection, draft: Draft, model: type[BaseModel]) -> None:
        self._inspection = inspection
        self._document = inspection.document
        self._draft = draft
        self._model = model

    def unknown_among(self, open_paths: Sequence[KeyPath]) -> None:
        """Tell of fields that their module does not have, though what they hold is mapped."""
        for path in open_paths:
            length = unknown_field(self._model, path)
            if length is not None:
                self.unknown(path[:length])

    def add(self, path: KeyPath, errors: list[ErrorDetails]) -> None:
        kind = errors[0]["type"]
        if kind == "missing":
            self._missing(path)
        elif kind == "extra_forbidden":
            self.unknown(path)
        elif (*self._draft.keys, "with", *path) not in self._document.doubtful:
            self._misfit(path, errors)

    def misfits(
        self, paths: Iterable[KeyPath], misfit: Misfit, settled: Sequence[KeyPath]
    ) -> list[KeyPath]:
        """Tell of values that cannot become what their fields expect; return where they stand."""
        told = list(paths)
        for path, fault in zip(told, misfit.faults, strict=True):
            doubtful = (*self._draft.keys, "with", *path) in self._document.doubtful
            if not doubtful and (fault.certain or not _is_open(path, settled)):
                more = f": {fault.why}" if fault.why else ""
                what = self._described(path, fault.value)
                self._unfit(path, f"should be {fault.wanted}, but is {what}{more}")
        return told

    def _described(self, path: KeyPath, value: Any) -> str:
        """Describe a value as it stands in the file, what is mapped in it included."""
        written: Any = self._draft.written.fields
        for part in path:
            written = written[part]
        return describe(written if isinstance(value, list | dict) else value)

    def _tell(self, code: str, message: str, place: Place, *notes: str) -> None:
        command = f"fusion modules {self._draft.written.module}"
        self._inspection.report(code, message, place, notes=notes, next_command=command)

    def _owner(self, path: KeyPath) -> str:
        """Return the name of what holds a field: the module, or the field above."""
        names = [part for part in path[:-1] if isinstance(part, str)]
        return names[-1] if names else self._draft.written.module

    def _names(self, path: KeyPath) -> list[str]:
        """Return the fields that exist beside a path, none if that is not known."""
        shape = shape_of(self._model)
        for part in path[:-1]:
            shape = shape_of(shape.element if shape.is_array else shape.annotation(str(part)))
        return list(shape.items or ())

    def _missing(self, path: KeyPath) -> None:
        owner = (*self._draft.keys, "with", *path[:-1])
        if not self._document.has(owner):
            place = self._document.value_place(self._draft.key("module"))
        elif isinstance(owner[-1], str):
            place = self._document.key_place(owner)
        else:
            place = self._document.value_place(owner)
        text = f"{shown(self._owner(path))} needs the field {shown(path[-1])}"
        self._tell("E131", text, place)

    def unknown(self, path: KeyPath) -> None:
        names, owner = self._names(path), self._owner(path)
        text = f"{shown(owner)} has no field {shown(path[-1])}{did_you_mean(str(path[-1]), names)}"
        notes = (f"{owner} has: {listed(names)}",) if names or len(path) == 1 else ()
        place = self._document.key_place((*self._draft.keys, "with", *path))
        self._tell("E130", text, place, *notes)

    def _misfit(self, path: KeyPath, errors: list[ErrorDetails]) -> None:
        words = describe_all(errors)
        if not path:
            text = f"the fields of {shown(self._draft.written.module)} do not fit: {words}"
            self._tell("E132", text, self._document.value_place(self._draft.key("module")))
            return
        self._unfit(path, words)

    def _unfit(self, path: KeyPath, words: str) -> None:
        name = ".".join(str(part) for part in path)
        place = self._document.value_place((*self._draft.keys, "with", *path))
        self._tell("E132", f"{shown(name)} {words}", place)
