"""The operator's own settings: `.fusion/config.yaml` in the store's folder.

    expressions:          # limits of expressions, each up to ten times its default
      array: 1000000

Called by `engine.app` and by the commands that evaluate expressions, before anything is compiled.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.errors import NoStoreError, Problem, Problems
from engine.mapping.limits import Limits, put_in_force
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.read import Document, KeyPath, read, read_file
from engine.store.place import existing

NAME = "config.yaml"
SECTION = "expressions"
LIMITS = tuple(each.name for each in fields(Limits))


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
    path = folder / NAME
    if not path.is_file():
        return Limits()
    problems = Problems()
    reader = _Reader(read(read_file(path), problems), problems)
    found = reader.limits()
    problems.raise_if_any()
    return Limits(**found)


class _Reader:
    """Reads one file; what is wrong is added to the problems."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self._document = document
        self._problems = problems

    def limits(self) -> dict[str, int]:
        self._known(self._document.data, (SECTION,), ())
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
