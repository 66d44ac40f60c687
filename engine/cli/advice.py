"""Commands worth typing next, spelled so that they work from where the person stands."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.show import near

if TYPE_CHECKING:
    from engine.app import Operator

STORE_NAME = ".fusion"


def typed(*words: str | Path) -> str:
    """Return words as they are typed into a shell, below `fusion`."""
    return shlex.join(["fusion", *map(str, words)])


def store_words(store_folder: Path, operator: "Operator") -> Iterator[str]:
    """Yield the option that a later command needs to find this store; nothing if it finds it so."""
    if operator.store is not None:
        yield from ("--store", near(operator.store))
    elif _nearest_store() != store_folder.absolute():
        yield from ("--store", near(store_folder))


def store_option(operator: "Operator") -> tuple[str, ...]:
    """Return the option that finds the store of this command again."""
    return () if operator.store is None else ("--store", near(operator.store))


def scenario_words(scenario: Path, operator: "Operator") -> Iterator[str]:
    """Yield a scenario and the options that decide what it means."""
    yield near(scenario)
    for option, path in (("--store", operator.store), ("--connections", operator.connections)):
        if path is not None:
            yield from (option, near(path))
    for folder in operator.modules:
        yield from ("--modules", near(folder))


def _nearest_store() -> Path | None:
    here = Path.cwd()
    folders = (folder / STORE_NAME for folder in (here, *here.parents))
    return next((folder for folder in folders if folder.is_dir()), None)
