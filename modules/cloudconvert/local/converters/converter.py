"""What a converter is: an engine, the pairs of formats it serves, and how it is called.

To add one, write a file with a `Converter` object and list it in `registry`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import (
    Choice,
    InputFile,
    Options,
    Work,
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One file to convert. Formats are canonical names."""

    source: InputFile
    input_format: str
    output_format: str
    options: Any
    """Validated options of the converter."""


@dataclass(frozen=True, slots=True)
class Converted:
    """Results in order, in the task's `work` folder."""

    paths: Sequence[Path]
    engine_version: str
    engine: str | None = None
    """Which engine did it, where that is not the converter's own."""


@dataclass(frozen=True, slots=True)
class Converter:
    """An engine for all pairs of `inputs` x `outputs`."""

    engine: str
    inputs: frozenset[str]
    outputs: frozenset[str]
    options: type[Options]
    run: Callable[[Work, Conversion], Awaitable[Converted]]
    version: Callable[[Inventory], str | None]
    """Return the engine's version, None if it is not present."""
    install: str
    """The command that brings the engine."""
    choices: Callable[[str, Inventory], Mapping[str, Choice]] = lambda _format, _inventory: {}
    """Return what options come down to for an output format, with the engines that are here."""
    check: Callable[[Any, str], None] = lambda _options, _output_format: None
    """Refuse options that the output format does not take; raises Refusal with field names."""

    def serves(self, input_format: str | None, output_format: str) -> bool:
        """Say whether the pair is one of its own; None: the input is not known yet."""
        known = input_format is None or input_format in self.inputs
        return known and output_format in self.outputs
