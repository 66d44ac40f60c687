"""Loads a person's own module files, by path and never through `sys.path`."""

import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isabstract
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.errors import Place, Problem, ScenarioError
from engine.module import Connector, Module
from engine.plan.hints import shown
from engine.plan.source import Source

PACKAGE = "user_modules"
"""A file `shout.py` is loaded as `user_modules.shout`."""


@dataclass(slots=True)
class UserModules:
    """What the files of some folders define: connectors by name, and classes by module id."""

    connectors: dict[str, Connector] = field(default_factory=dict)
    classes: dict[str, type[Module[Any, Any]]] = field(default_factory=dict)


def load_folders(folders: Sequence[Path]) -> UserModules:
    """Load each `*.py` of the folders that does not begin with `_`.

    Raises ScenarioError (E140) with the cause for a file that fails, or that defines no module.
    """
    found = UserModules()
    for folder in folders:
        if not folder.is_dir():
            raise _refused(f"{folder}: there is no such folder of modules")
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                _take(found, path, _execute(path))
    return found


def _execute(path: Path) -> ModuleType:
    name = f"{PACKAGE}.{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _refused(f"{path}: this is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a person's file may raise anything
        del sys.modules[name]
        text = f"{path.name} does not load: {type(error).__name__}: {error}"
        raise ScenarioError(Problem("E140", text[:500], _place_of(error, path))) from error
    return module


def _place_of(error: Exception, path: Path) -> Place:
    """Return the last line of the file that the error passed through.

    Python names the file from the root, however its folder was given.
    """
    own = str(path.absolute())
    if isinstance(error, SyntaxError) and error.filename == own:
        line, column = error.lineno or 1, error.offset or 1
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == own]
        line, column = (lines[-1] if lines else None) or 1, 1
    source = Source(str(path), path.read_text(encoding="utf-8", errors="replace"))
    start = source.start_of_line(line)
    return source.place(start + column - 1)


def _take(found: UserModules, path: Path, module: ModuleType) -> None:
    connector = getattr(module, "connector", None)
    if isinstance(connector, Connector):
        _add(found, connector, path)
        return
    by_prefix: dict[str, dict[str, str]] = {}
    for cls in _classes(module):
        prefix, _, short_name = cls.id.partition(".")
        if not (prefix.isidentifier() and short_name.isidentifier()):
            raise _refused(f"{path}: the id {shown(cls.id)} is not of the form connector.verb_noun")
        if isabstract(cls):
            raise _refused(f"{path}: the module {shown(cls.id)} has no `execute`")
        by_prefix.setdefault(prefix, {})[short_name] = f"{module.__name__}:{cls.__name__}"
        found.classes[cls.id] = cls
    if not by_prefix:
        raise _refused(f"{path} defines neither `connector` nor a Module with an id")
    for prefix, modules in by_prefix.items():
        _add(found, Connector(name=prefix, title=prefix, modules=modules), path)


def _add(found: UserModules, connector: Connector, path: Path) -> None:
    if connector.name in found.connectors or connector.name == "flow":
        raise _refused(f"{path}: there is a connector {shown(connector.name)} already")
    found.connectors[connector.name] = connector


def _classes(module: ModuleType) -> Iterator[type[Module[Any, Any]]]:
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, Module)
            and value.__module__ == module.__name__
            and isinstance(getattr(value, "id", None), str)
        ):
            yield value


def _refused(text: str) -> ScenarioError:
    return ScenarioError(Problem("E140", text))
