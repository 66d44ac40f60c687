"""The operator's own settings: `.fusion/config.yaml` in the store's folder.

    expressions:          # limits of expressions, each up to ten times its default
      array: 1000000
    encryption_key:       # of confidential records, in place of the file `key`; or env, or file
      keyring: fusion/store

Called by `engine.app` and by the commands that evaluate expressions, before anything is compiled.
"""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.errors import NoStoreError, Problem, Problems
from engine.mapping.limits import Limits, put_in_force
from engine.module import Credential
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.read import Document, KeyPath, read, read_file
from engine.store.place import existing

NAME = "config.yaml"
SECTION = "expressions"
KEY = "encryption_key"
LIMITS = tuple(each.name for each in fields(Limits))

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
        self._known(self._document.data, (SECTION, KEY), ())
        section = self._document.data.get(SECTION) or {}
        if not isinstance(section, dict):
            self._misfit(f"{shown(SECTION)} should be a mapping of limits", (SECTION,))
            return {}
        self._known(section, LIMITS, (SECTION,))
        return {
            name: value
            for name, value in section.items()
            if name in LIMITS and self._fits(name, value)
        }

    def key(self) -> Credential | None:
        entry = self._document.data.get(KEY)
        if entry is None:
            return None
        try:
            return Credential.model_validate(entry)
        except ValidationError:
            self._misfit(f"{shown(KEY)} is one of env, file and keyring, with a name", (KEY,))
            return None

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
