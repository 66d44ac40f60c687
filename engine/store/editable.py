"""The data of an incomplete execution as a text for an editor, and what was made of it.

Only what a replay maps stands in it: bundles, inputs and variables. Mistakes have their places.
"""

from dataclasses import replace
from typing import Any, Final

from engine.errors import Problem, Problems
from engine.model.execution import Incomplete
from engine.plan.hints import did_you_mean, shown
from engine.plan.read import Document, KeyPath, read
from engine.plan.source import Source
from engine.plan.write import dump
from engine.store.encode import PathOf, files_in, from_json, to_json
from engine.store.portable import BOUNDS, UNREADABLE, readable

PARTS: Final = ("bundles", "inputs", "variables")


def editable_text(record: Incomplete) -> str:
    """Return what may be changed of a record, as YAML."""
    return dump({part: readable(to_json(getattr(record, part))) for part in PARTS})


def edited_from(record: Incomplete, source: Source, path_of: PathOf) -> Incomplete:
    """Return a record with what stands in a text. Raises ScenarioError with places."""
    problems = Problems()
    document = read(source, problems, BOUNDS)
    problems.raise_if_any()
    edit = _Edit(document, problems, path_of)
    found = {part: edit.part(part, getattr(record, part)) for part in PARTS}
    edit.refuse_others((), PARTS)
    problems.raise_if_any()
    return replace(
        record,
        bundles=found["bundles"],
        inputs=found["inputs"],
        variables=found["variables"],
    )


class _Edit:
    """Reads an edited text; what is wrong is added to the problems."""

    def __init__(self, document: Document, problems: Problems, path_of: PathOf) -> None:
        self._document = document
        self._problems = problems
        self._path_of = path_of

    def part(self, name: str, before: Any) -> dict[str, Any]:
        """Return one part with its values; bundles are of the same nodes as before."""
        written = self._document.data.get(name)
        if not isinstance(written, dict):
            self._add("E112", f"`{name}` should be a mapping", (name,))
            return {}
        if name != "bundles":
            return {key: self._value(item, (name, key)) for key, item in written.items()}
        self.refuse_others((name,), tuple(before))
        for node in before:
            if not isinstance(written.get(node), dict):
                self._add("E112", f"the bundle of `{node}` is needed", (name, node))
        return {
            node: {key: self._value(item, (name, node, key)) for key, item in bundle.items()}
            for node, bundle in written.items()
            if isinstance(bundle, dict)
        }

    def refuse_others(self, path: KeyPath, names: tuple[str, ...]) -> None:
        """Refuse keys of the mapping at a path that are not among these names."""
        found: Any = self._document.data
        for key in path:
            found = found[key]
        for key in found:
            if key not in names:
                text = f"{shown(key)} was not here before{did_you_mean(key, names)}"
                place = self._document.key_place((*path, key))
                self._problems.add(Problem("E110", text, place))

    def _value(self, written: Any, path: KeyPath) -> Any:
        try:
            value = from_json(written, self._path_of)
            gone = [file.name for file in files_in(value) if not file.path.is_file()]
        except UNREADABLE as error:
            self._add("E112", f"this is a value of an unknown form: {error}", path)
            return None
        if gone:
            text = f"the content of `{gone[0]}` is not stored; --file puts in another file"
            self._add("E112", text, path)
        return value

    def _add(self, code: str, text: str, path: KeyPath) -> None:
        while not self._document.has(path):
            path = path[:-1]
        self._problems.add(Problem(code, text, self._document.value_place(path)))
