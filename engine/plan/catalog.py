"""The connectors there are: installed ones by entry point, and a person's own by folder."""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from engine.errors import Problem, ScenarioError
from engine.module import Connector, Module
from engine.plan.hints import near, shown
from engine.plan.user_modules import load_folders

GROUP = "fusion_runner.connectors"
"""Entry-point group in which a distribution names its `Connector` objects."""


class Catalog:
    """Finds connectors and modules by name; imports only what is asked for.

    The files of `module_folders` are loaded at once: their connectors come on top of the installed
    ones. Raises ScenarioError (E140) for a file, connector or module that cannot be imported.
    """

    def __init__(self, module_folders: Sequence[Path] = ()) -> None:
        self.folders = tuple(folder.resolve() for folder in module_folders)
        self._user = load_folders(module_folders)
        self._connectors = dict(self._user.connectors)
        self._classes = dict(self._user.classes)
        if self._user.connectors:
            self._refuse_taken_names()

    @cached_property
    def _entry_points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=GROUP)}

    def names(self) -> list[str]:
        """Return the names of all connectors, sorted."""
        return sorted({*self._connectors, *self._entry_points})

    def connector(self, name: str) -> Connector:
        """Return a connector. Raises KeyError."""
        if name not in self._connectors:
            self._connectors[name] = self._loaded(self._entry_points[name])
        return self._connectors[name]

    def module(self, module_id: str) -> type[Module[Any, Any]]:
        """Return the class of `connector.verb_noun`. Raises KeyError."""
        if module_id not in self._classes:
            name, _, short_name = module_id.partition(".")
            self._classes[module_id] = self._class_of(self.connector(name), short_name)
        return self._classes[module_id]

    def module_ids(self) -> list[str]:
        """Return the ids of all modules, by connector and then as each lists them."""
        return [
            f"{name}.{short_name}"
            for name in self.names()
            for short_name in self.connector(name).modules
        ]

    def near_module(self, module_id: str, more: Sequence[str] = ()) -> str | None:
        """Return the module id that was most likely meant; `more` are ids to consider as well."""
        return near(module_id, [*self.module_ids(), *more])

    def _class_of(self, connector: Connector, short_name: str) -> type[Module[Any, Any]]:
        connector.modules[short_name]  # KeyError for an unknown name, before anything is imported
        try:
            return connector.load(short_name)
        except Exception as error:  # other people's code may raise anything
            raise _broken(f"module {shown(f'{connector.name}.{short_name}')}", error) from error

    def _loaded(self, point: EntryPoint) -> Connector:
        try:
            connector = point.load()
        except Exception as error:  # other people's code may raise anything
            raise _broken(f"connector {shown(point.name)}", error) from error
        if not isinstance(connector, Connector):
            problem = Problem("E140", f"{point.value} is not a Connector")
            raise ScenarioError(problem)
        return connector

    def _refuse_taken_names(self) -> None:
        for name in self._user.connectors:
            if name in self._entry_points:
                text = f"{shown(name)} is the name of an installed connector; use another prefix"
                raise ScenarioError(Problem("E140", text))


def _broken(what: str, error: Exception) -> ScenarioError:
    text = f"{what} cannot be imported: {type(error).__name__}: {error}"
    return ScenarioError(Problem("E140", text[:500]))
