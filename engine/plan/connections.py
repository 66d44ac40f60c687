"""Checks `connections`: those of the scenario, and those of a file beside it or given by option.

Secrets are never read here. A credential that is written out is refused, and kept out of every
excerpt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import ValidationError

from engine.errors import Problem, Problems
from engine.module import ConnectionFields, Connector, Credential
from engine.plan.catalog import Catalog
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.plan import EMBEDDED
from engine.plan.read import Document, KeyPath, read, read_file
from engine.plan.shape import data_path
from engine.plan.words import describe_all

FILE_NAME = "connections.yaml"
"""Looked for beside the scenario."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection: its connector's name, and the validated fields or `EMBEDDED`.

    `fields` is None if something is wrong with it, which has been reported.
    """

    connector: str
    fields: ConnectionFields | str | None


def read_connections(
    document: Document, scenario: Path, given: Path | None, catalog: Catalog, problems: Problems
) -> dict[str, Entry]:
    """Return every connection by name.

    Assumed: an entry of the file wins over the scenario's entry of the same name, so that one
    scenario runs on another service without a change. A file that is given replaces the one beside
    the scenario.
    """
    found = _entries(document, ("connections",), catalog, problems)
    beside = scenario.parent / FILE_NAME
    path = given or (beside if beside.is_file() else None)
    if path is not None:
        found |= read_connections_file(path, catalog, problems)
    return found


def read_connections_file(path: Path, catalog: Catalog, problems: Problems) -> dict[str, Entry]:
    """Return every connection of a file that holds nothing else, by name."""
    return _entries(read(read_file(path), problems), (), catalog, problems)


def settled(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Return what the plan keeps of the entries."""
    return {name: entry.fields for name, entry in entries.items() if entry.fields is not None}


def connection_of(inspection: Inspection, draft: Draft, entries: Mapping[str, Entry]) -> str | None:
    """Return the connection that a node uses, None for its connector's own server or for none.

    Reports one that does not exist, or belongs to another connector (E301).
    """
    connector = draft.written.module.partition(".")[0]
    name = draft.written.connection
    if name is None:
        own = entries.get(connector)
        return connector if own is not None and own.connector == connector else None
    place = inspection.document.value_place(draft.key("connection"))
    if name not in entries:
        text = f"there is no connection {shown(name)}{did_you_mean(name, entries)}"
        notes = (f"connections: {listed(entries)}",)
        inspection.report("E301", text, place, notes=notes)
    elif entries[name].connector not in (connector, ""):
        text = f"the connection {shown(name)} is for {shown(entries[name].connector)}"
        inspection.report("E301", f"{text}, not for {shown(connector)}", place)
    return name


def _entries(
    document: Document, keys: KeyPath, catalog: Catalog, problems: Problems
) -> dict[str, Entry]:
    data: Any = document.data
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, dict):
        return {}
    reader = _Reader(document, catalog, problems)
    found = {}
    for name, entry in data.items():
        if isinstance(entry, dict):
            found[name] = reader.entry(entry, (*keys, name))
        elif not keys:  # in a scenario, its shape is checked elsewhere
            reader.refuse((name,))
    return found


class _Reader:
    """Reads the entries of one file."""

    def __init__(self, document: Document, catalog: Catalog, problems: Problems) -> None:
        self._document = document
        self._catalog = catalog
        self._problems = problems

    def refuse(self, path: KeyPath) -> None:
        """Report an entry that is no mapping."""
        self._report("E112", f"{shown(path[-1])} should be a mapping with a `type`", path)

    def entry(self, data: dict[str, Any], path: KeyPath) -> Entry:
        connector = self._connector(data, path)
        if connector is None or connector.connection is None:
            return Entry("", None)
        if "embedded" in data:
            return Entry(connector.name, self._embedded(connector, data, path))
        return Entry(connector.name, self._fields(connector.connection, data, path))

    def _connector(self, data: dict[str, Any], path: KeyPath) -> Connector | None:
        kind = data.get("type")
        if "type" not in data:
            text = f"the connection {shown(path[-1])} needs the key `type`, a connector's name"
            self._report("E111", text, path, at_key=True)
            return None
        names = self._catalog.names()
        if kind not in names:
            text = f"there is no connector {shown(kind)}{did_you_mean(str(kind), names)}"
            self._report("E112", text, (*path, "type"), notes=(f"connectors: {listed(names)}",))
            return None
        connector = self._catalog.connector(str(kind))
        if connector.connection is None:
            self._report("E112", f"{shown(kind)} needs no connection", (*path, "type"))
        return connector

    def _embedded(self, connector: Connector, data: dict[str, Any], path: KeyPath) -> str | None:
        if data["embedded"] is not True:
            text = "`embedded` is true, or left out"
            self._report("E112", text, (*path, "embedded"))
            return None
        if connector.embedded is None:
            text = f"{shown(connector.name)} has no server of its own"
            self._report("E112", text, (*path, "embedded"), at_key=True)
            return None
        for name in data:
            if name not in ("type", "embedded"):
                text = f"with `embedded: true` there is no {shown(name)}"
                self._report("E110", text, (*path, name), at_key=True)
        return EMBEDDED

    def _fields(
        self, model: type[ConnectionFields], data: dict[str, Any], path: KeyPath
    ) -> ConnectionFields | None:
        fields = {name: value for name, value in data.items() if name != "type"}
        if self._literals(model, fields, str(data["type"]), path):
            return None
        try:
            return model.model_validate(fields)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                self._fault(model, fields, path, fault)
            return None

    def _fault(
        self, model: type[ConnectionFields], fields: dict[str, Any], path: KeyPath, fault: Any
    ) -> None:
        inside, _complete = data_path(fields, fault["loc"])
        full = (*path, *inside)
        if fault["type"] == "missing":
            text = f"{shown(path[-1])} needs the key {shown(fault['loc'][-1])}"
            self._report("E111", text, full, at_key=True)
        elif fault["type"] == "extra_forbidden":
            names = list(model.model_fields) if len(inside) == 1 else list(Credential.model_fields)
            text = f"there is no key {shown(full[-1])} here{did_you_mean(str(full[-1]), names)}"
            self._report("E110", text, full, at_key=True, notes=(f"keys here: {listed(names)}",))
        elif full not in self._document.doubtful:
            self._report("E112", f"{shown(full[-1])} {describe_all([fault])}", full)

    def _literals(
        self, model: type[ConnectionFields], fields: dict[str, Any], kind: str, path: KeyPath
    ) -> bool:
        """Report credentials that are written out, and keep them from being shown."""
        names = [
            name
            for name, field in model.model_fields.items()
            if _is_credential(field.annotation) and isinstance(fields.get(name), str | int | float)
        ]
        for name in names:
            self._document.hide((*path, name))
        for name in names:
            reference = f"{{env: {f'{kind}_{name}'.upper()}}}"
            text = f"a secret does not stand in a file; write `{name}: {reference}`"
            notes = ("or `{file: PATH}` with mode 0600, or `{keyring: SERVICE/NAME}`",)
            self._report("E303", text, (*path, name), notes=notes, instead=reference)
        return bool(names)

    def _report(
        self,
        code: str,
        text: str,
        path: KeyPath,
        *,
        at_key: bool = False,
        notes: tuple[str, ...] = (),
        instead: str = "",
    ) -> None:
        document = self._document
        place = document.key_place(path) if at_key else document.value_place(path)
        self._problems.add(Problem(code, text, place, notes, instead=instead))


def _is_credential(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return any(_is_credential(each) for each in get_args(annotation) if each is not NoneType)
    return annotation is Credential
