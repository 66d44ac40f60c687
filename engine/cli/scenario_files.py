"""Scenarios that a command is given: files, or all in a folder and those in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

SUFFIXES = (".yaml", ".yml")
NOT_SCENARIOS = (".test.yaml", ".test.yml", "connections.yaml", "connections.yml")
"""Ends of names of YAML files that stand beside scenarios and are none."""
MARK = b"module"
"""Without this word a YAML file in a folder is no scenario."""
LARGE = 10_000_000
"""Bytes from which on a file is not looked into; no scenario is that large."""


def scenario_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files that are meant; a folder stands for its scenarios.

    Raises click.UsageError for a folder that has none, or cannot be read.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(_in_folder(path))
        if not found:
            raise click.UsageError(f"no scenario lies in the folder {path}")
        yield from found


def _in_folder(folder: Path) -> Iterator[Path]:
    """Yield what may be scenarios in a folder and those in it, but for hidden ones."""

    def refuse(error: OSError) -> None:
        raise click.UsageError(f"the folder {error.filename} cannot be read: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if path.suffix in SUFFIXES and not name.endswith(NOT_SCENARIOS) and _may_be(path):
                yield path


def _may_be(path: Path) -> bool:
    try:
        return path.stat().st_size > LARGE or MARK in path.read_bytes()
    except OSError:
        return True  # what reads it tells that it cannot be read
