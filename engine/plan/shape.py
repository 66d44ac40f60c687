"""Checks the shape of a scenario file with the models of `engine.model.scenario`.

What pydantic finds becomes problems with a place and a person's words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.errors import Place, Problem, Problems
from engine.model.scenario import (
    ConditionGroup,
    Conditions,
    InputField,
    NodeWritten,
    RouteWritten,
    ScenarioWritten,
    Settings,
)
from engine.plan.hints import did_you_mean, listed, near, shown
from engine.plan.read import Document, KeyPath
from engine.plan.words import describe_all

_MISLEADING = frozenset({"flow", "id", "inputs", "module", "on_error", "routes", "with"})
"""Keys without which the rest cannot be judged fairly."""

_NO_SCHEDULE = "scenarios have no schedule; start this one from cron, or by hand with `fusion run`"


def shaped(document: Document, problems: Problems) -> ScenarioWritten | None:
    """Return the scenario as it is written, or None if too much is wrong to look further.

    Keys that are wrong but can be done without are reported and left out, so that the checks that
    follow find their problems in the same reading.
    """
    try:
        return ScenarioWritten.model_validate(document.data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
    groups = errors_by_path(document.data, errors)
    for misspelt in _misspelt(groups):
        del groups[misspelt]
    removable = [_report(document, problems, path, group) for path, group in groups.items()]
    if not all(removable):
        return None
    for path in removable:
        if path is not None:
            _remove(document.data, path)
    try:
        return ScenarioWritten.model_validate(document.data)
    except ValidationError:
        return None


def data_path(data: Any, loc: Sequence[str | int]) -> tuple[KeyPath, bool]:
    """Return the part of a pydantic location that exists in the data, and whether all of it does.

    Names of union members, which pydantic mixes in, are left out.
    """
    path: list[str | int] = []
    for index, part in enumerate(loc):
        if not _holds(data, part):
            if index == len(loc) - 1:
                return tuple(path), False
            continue
        data = data[part]
        path.append(part)
    return tuple(path), True


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)


def errors_by_path(
    data: Any,
    errors: Sequence[ErrorDetails],
    original: Callable[[KeyPath], KeyPath] = lambda path: path,
) -> dict[KeyPath, list[ErrorDetails]]:
    """Group errors by the value they speak of; `original` gives its path in the file.

    A value of several kinds fails once for each kind: errors on the whole of it are dropped where
    there are errors on parts of it, which say more.
    """
    groups: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        path = original(data_path(data, error["loc"])[0])
        if error["type"] == "missing":
            path = (*path, str(error["loc"][-1]))
        groups.setdefault(path, []).append(error)
    wholes = {path[:length] for path in groups for length in range(len(path))}
    return {path: group for path, group in groups.items() if path not in wholes}


def _misspelt(groups: Mapping[KeyPath, list[ErrorDetails]]) -> list[KeyPath]:
    """Return the missing keys that stand there under a wrong name, which is reported anyway."""
    unknown = [path for path, group in groups.items() if group[0]["type"] == "extra_forbidden"]
    meant = {(*path[:-1], near(str(path[-1]), _keys(_model_at(path[:-1])))) for path in unknown}
    return [
        path for path, group in groups.items() if group[0]["type"] == "missing" and path in meant
    ]


def _report(
    document: Document, problems: Problems, path: KeyPath, errors: list[ErrorDetails]
) -> KeyPath | None:
    """Add one problem; return the path if the scenario can be judged without what is there."""
    kind = errors[0]["type"]
    if kind == "missing":
        owner, name = path[:-1], path[-1]
        place = owner_place(document, owner)
        problems.add(Problem("E111", f"{_owner_words(owner)} needs the key {shown(name)}", place))
        return None
    if kind == "extra_forbidden":
        return _unknown_key(document, problems, path)
    if path not in document.doubtful:
        words = describe_all(errors)
        name = _name(path)
        problems.add(Problem("E112", f"{name} {words}", document.value_place(path)))
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path if path and path[-1] not in _MISLEADING else None


def _unknown_key(document: Document, problems: Problems, path: KeyPath) -> KeyPath | None:
    owner, key = path[:-1], str(path[-1])
    place = document.key_place(path)
    if key == "schedule":
        problems.add(Problem("E110", _NO_SCHEDULE, place))
        return path
    names = _keys(_model_at(owner))
    message = f"{_owner_words(owner)} has no key {shown(key)}{did_you_mean(key, names)}"
    problems.add(Problem("E110", message, place, notes=(f"keys here: {listed(names)}",)))
    return None if near(key, names) in _MISLEADING else path


def owner_place(document: Document, owner: KeyPath) -> Place:
    """Return where to point when something is missing in a value: its key, else its start."""
    if owner and isinstance(owner[-1], str):
        return document.key_place(owner)
    return document.value_place(owner)


def _owner_words(owner: KeyPath) -> str:
    if not owner:
        return "a scenario"
    last = owner[-1] if isinstance(owner[-1], str) else owner[-2]
    words = {
        "flow": "a node",
        "on_error": "a node",
        "routes": "a route",
        "filter": "a filter",
        "any": "a group of conditions",
        "settings": "`settings`",
    }
    if len(owner) > 1 and owner[-2] == "inputs":
        return "an input"
    return words.get(str(last), shown(last))


def _name(path: KeyPath) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], str):
        return shown(path[-1])
    return f"entry {path[-1] + 1} of {shown(path[-2])}" if len(path) > 1 else "an entry"


def _model_at(owner: KeyPath) -> type[BaseModel]:
    """Return the model that describes the mapping at a path."""
    if not owner:
        return ScenarioWritten
    if owner[0] == "settings":
        return Settings
    if owner[0] == "inputs":
        return InputField
    last = owner[-1] if isinstance(owner[-1], str) else owner[-2]
    models: dict[str, type[BaseModel]] = {
        "filter": Conditions,
        "any": ConditionGroup,
        "routes": RouteWritten,
    }
    return models.get(str(last), NodeWritten)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _remove(data: Any, path: KeyPath) -> None:
    for part in path[:-1]:
        data = data[part]
    data.pop(path[-1], None)
