"""Scenarios that a command is given: files, or all in a folder."""

from collections.abc import Iterator
from pathlib import Path

import click

SUFFIXES = (".yaml", ".yml")
NOT_SCENARIOS = (".test.yaml", ".test.yml", "connections.yaml", "connections.yml")
"""Ends of names of YAML files that stand beside scenarios and are none."""


def scenario_files(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files that are meant; a folder stands for its scenarios.

    Raises click.UsageError for a folder that has none, or cannot be read.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = _in_folder(path)
        if not found:
            raise click.UsageError(f"no scenario lies in the folder {path}")
        yield from found


def _in_folder(folder: Path) -> list[Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise click.UsageError(f"the folder {folder} cannot be read: {error.strerror}") from error
    return [
        file for file in files if file.suffix in SUFFIXES and not file.name.endswith(NOT_SCENARIOS)
    ]
