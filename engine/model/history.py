"""What is kept of the operations of an execution, so that a person can look back at it.

`engine.run.history` collects it during a run, a store keeps it with the execution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.bundle import Bundle, File
from engine.model.execution import Failure

BUNDLE_LIMIT: Final = 256 * 1024
"""Bytes that one bundle may take, encoded; a larger one is not kept."""

_FACTS: Final = 200
"""About what the facts about a file take, encoded; its content does not count."""


@dataclass(frozen=True, slots=True)
class KeptOperation:
    """One operation of a node: what it saw, and what it emitted or failed with."""

    number: int
    """From 1, among all that came to the node in its execution, failures and attempts included."""
    bundles: Mapping[str, Bundle]
    """What the node could map, by node id; on an error route also `error`."""
    outputs: Sequence[Bundle] = ()
    """The first bundles that it emitted."""
    emitted: int = 0
    """How many bundles it emitted. Those of an aggregation belong to the last that came to it."""
    failure: Failure | None = None
    """What it failed with; None if it did not."""
    too_large: Sequence[str] = ()
    """Names that are missing in `bundles`; with the node's own, outputs are missing."""


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of one execution: the operations by node id, in order, and what they mean.

    `source` is the text of the scenario as it ran. Contents of files are not part of it.
    """

    source: str
    source_path: str
    operations: Mapping[str, Sequence[KeptOperation]]
    inputs: Mapping[str, Any] = field(default_factory=dict)


def fits(value: Any, room: int = BUNDLE_LIMIT) -> bool:
    """Say whether a value is likely to take at most `room` bytes, without looking at much more."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str | bytes | bytearray):
            room -= len(value)
        elif isinstance(value, File):
            room -= _FACTS
        elif isinstance(value, Mapping | list | tuple):
            room -= len(value)
            if room >= 0:
                waiting.extend(value.values() if isinstance(value, Mapping) else value)
        if room < 0:
            return False
    return True
