"""The operator's own settings: `.fusion/config.yaml` in the store's folder.

    expressions:          # limits of expressions, each up to ten times its default
      array: 1000000
    encryption_key:       # of confidential records, in place of the file `key`; or env, or file
      keyring: fusion/store
    history:              # operations of each node that a run remembers, and runs that do
      {first: 10, last: 10, failures: 100, outputs: 3, runs: 50}
    retention:            # when ended runs and what is resolved go; most bytes of the store's rows
      {runs: 30d, resolved: 30d, size: 1000000000}
    modules: [../fusion_modules]    # folders with modules of one's own, from this folder on
    file_roots: [..]      # the only folders in which `serve` reads and writes, from this folder on

Called by `engine.app` and by the commands that evaluate expressions, before anything is compiled.
"""

import os
import shlex
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.errors import NoStoreError, Problem, Problems
from engine.mapping.limits import Limits, put_in_force
from engine.model.durations import duration
from engine.model.retention import Budget, Retention
from engine.module import Credential
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.read import Document, KeyPath, read, read_file
from engine.store.place import existing

NAME = "config.yaml"
SECTION = "expressions"
KEY = "encryption_key"
HISTORY = "history"
RETENTION = "retention"
MODULES = "modules"
ROOTS = "file_roots"
SECTIONS = (SECTION, KEY, HISTORY, RETENTION, MODULES, ROOTS)
LIMITS = tuple(each.name for each in fields(Limits))
COUNTS = tuple(each.name for each in fields(Budget))
MOST = 10_000
"""Operations of a node, and runs, that a history may be told to keep."""

Found = TypeVar("Found")


def use_config(named: Path | None, near: Path | None, here: Path) -> None:
    """Put the limits of the store in force that a command means; without a store, the defaults.

    The arguments are those of `engine.store.place.existing`. Raises ScenarioError with the places
    of what is wrong in the file.
    """
    try:
        folder = existing(named, near, here)
    except NoStoreError:
        put_in_force(Limits())
        return
    put_in_force(limits_in(folder))


def limits_in(folder: Path) -> Limits:
    """Return the limits that a store's folder sets. Raises ScenarioError."""
    found = _read(folder, _Reader.limits)
    return Limits(**found or {})


def key_reference(folder: Path) -> Credential | None:
    """Return where a store's folder says that its key is; None: it says nothing.

    A relative path starts from the folder. Raises ScenarioError.
    """
    return _read(folder, _Reader.key)


def history_budget(folder: Path) -> Budget:
    """Return how much of a run a store's folder says is remembered. Raises ScenarioError."""
    return Budget(**_read(folder, _Reader.counts) or {})


def retention(folder: Path) -> Retention:
    """Return when a store's folder says that it forgets. Raises ScenarioError."""
    histories = history_budget(folder).runs
    return replace(_read(folder, _Reader.retention) or Retention(), histories=histories)


def module_folders(named: Path | None, here: Path) -> tuple[Path, ...]:
    """Return the folders of modules that the operator's settings name; without a store, none.

    Every command runs their code, so they are heeded only in the store that is named, or is the
    nearest to the current folder (not to a scenario, which may come from elsewhere), and only
    while nobody else may open it. Raises ScenarioError (E140 if others may).
    """
    try:
        folder = existing(named, None, here)
    except NoStoreError:
        return ()
    found = _read(folder, lambda file: file.modules(folder)) or ()
    return tuple(Path(os.path.normpath(folder / name)) for name in found)


def file_roots(folder: Path, default: Path) -> tuple[Path, ...]:
    """Return the folders in which paths of fields have to lie where others send what is mapped.

    `default` is the one if the store's folder says nothing. Raises ScenarioError.
    """
    named = _read(folder, lambda file: file.folders(ROOTS))
    if named is None:
        return (default,)
    return tuple(Path(os.path.normpath(folder / name)) for name in named)


def _read(folder: Path, wanted: Callable[["_Reader"], Found]) -> Found | None:
    path = folder / NAME
    if not path.is_file():
        return None
    problems = Problems()
    found = wanted(_Reader(read(read_file(path), problems), problems))
    problems.raise_if_any()
    return found


class _Reader:
    """Reads one file; what is wrong is added to the problems."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems

    def limits(self) -> dict[str, int]:
        self._known(self._document.data, SECTIONS, ())
        section = self._section(SECTION, "limits", LIMITS)
        return {name: value for name, value in section.items() if self._fits(name, value)}

    def counts(self) -> dict[str, int]:
        section = self._section(HISTORY, "counts", COUNTS)
        return {
            name: value
            for name, value in section.items()
            if self._is_whole(value, 1, MOST, (HISTORY, name))
        }

    def retention(self) -> Retention:
        section = self._section(RETENTION, "limits", ("runs", "resolved", "size"))
        settled: dict[str, Any] = {}
        for name in {"runs", "resolved"} & set(section):
            try:
                settled[name] = duration(str(section[name]))
            except ValueError as error:
                self._misfit(f"{shown(name)} {error}", (RETENTION, name))
        size = section.get("size")
        if size is not None and self._is_whole(size, 1, 2**62, (RETENTION, "size")):
            settled["size"] = size
        return Retention(**settled)

    def _section(self, name: str, of: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Return a section's entries; those that are unknown are told and left out."""
        section = self._document.data.get(name) or {}
        if not isinstance(section, dict):
            self._misfit(f"{shown(name)} should be a mapping of {of}", (name,))
            return {}
        self._known(section, names, (name,))
        return {key: value for key, value in section.items() if key in names}

    def _is_whole(self, value: Any, least: int, most: int, path: KeyPath) -> bool:
        good = type(value) is int and least <= value <= most
        if not good:
            self._misfit(f"{shown(path[-1])} is a whole number from {least} to {most:,}", path)
        return good

    def key(self) -> Credential | None:
        entry = self._document.data.get(KEY)
        if entry is None:
            return None
        try:
            return Credential.model_validate(entry)
        except ValidationError:
            self._misfit(f"{shown(KEY)} is one of env, file and keyring, with a name", (KEY,))
            return None

    def modules(self, folder: Path) -> list[str]:
        named = self.folders(MODULES)
        if named and not _is_private(folder):
            text = f"{shown(MODULES)} is code to run, and others may open the folder {folder}"
            place = self._document.key_place((MODULES,))
            notes = (f"if its settings are yours: chmod 700 {shlex.quote(str(folder))}",)
            self._problems.add(Problem("E140", text, place, notes))
            return []
        return named or []

    def folders(self, name: str) -> list[str] | None:
        """Return a list of folders; None if there is none."""
        named = self._document.data.get(name)
        if named is None:
            return None
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            self._misfit(f"{shown(name)} is a list of folders", (name,))
            return None
        return named

    def _known(self, data: dict[str, Any], names: tuple[str, ...], path: KeyPath) -> None:
        for name in data:
            if name not in names:
                text = f"there is no setting {shown(name)}{did_you_mean(name, names)}"
                place = self._document.key_place((*path, name))
                notes = (f"there is: {listed(names)}",)
                self._problems.add(Problem("E110", text, place, notes))

    def _fits(self, name: str, value: Any) -> bool:
        if type(value) is not int:
            self._misfit(f"{shown(name)} is a whole number", (SECTION, name))
            return False
        try:
            Limits(**{name: value})
        except ValueError as error:
            self._misfit(str(error), (SECTION, name))
            return False
        return True

    def _misfit(self, text: str, path: KeyPath) -> None:
        self._problems.add(Problem("E112", text, self._document.value_place(path)))


def _is_private(folder: Path) -> bool:
    """Tell whether a folder is this user's and closed to others, as a store's is made.

    A folder that came out of an archive or a repository is open to all as a rule.
    """
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o077
