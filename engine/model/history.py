"""What is kept of the operations of an execution, so that a person can look back at it.

`engine.run.history` collects it during a run, a store keeps it with the execution.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from engine.model.bundle import Bundle, File
from engine.model.execution import Failure

BUNDLE_LIMIT: Final = 256 * 1024
"""Bytes that one bundle may take, encoded; a larger one is not kept."""

_FACTS: Final = 100
_LEAST_ITEM: Final = len('"":0,')
_LEAST_ELEMENT: Final = len("0,")
"""What the facts about a file, an item without its name and an element take at least, encoded."""


class Seen(Mapping[str, Bundle]):
    """What a node could map, by node id; on an error route also `error`.

    It is picked out of `scope`, which many operations share: a name in `names` that `scope` lacks
    is not there, one with None was too large to be kept.
    """

    __slots__ = ("names", "scope")

    def __init__(self, scope: Mapping[str, Bundle | None], names: Sequence[str] = ()) -> None:
        self.scope = scope
        self.names = names or tuple(scope)

    def __getitem__(self, name: str) -> Bundle:
        bundle = self.scope[name] if name in self.names else None
        if bundle is None:
            raise KeyError(name)
        return bundle

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.names if self.scope.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def too_large(self) -> list[str]:
        """Names that the node could map and that are not kept."""
        return [name for name in self.names if name in self.scope and self.scope[name] is None]


@dataclass(frozen=True, slots=True)
class KeptOperation:
    """One operation of a node: what it saw, and what it emitted or failed with."""

    number: int
    """From 1, among all that came to the node in its execution, failures and attempts included."""
    bundles: Seen
    outputs: Sequence[Bundle | None] = ()
    """The first bundles that it emitted; None: too large to be kept."""
    emitted: int = 0
    """How many bundles it emitted. Those of an aggregation belong to the last that came to it."""
    failure: Failure | None = None
    """What it failed with; None if it did not."""


class Stretch(NamedTuple):
    """A time in which a node worked; seconds, from the beginning of the execution on.

    `number` is that of its operation; 0 where several overlap, of which nobody knows which it was.
    """

    begun: float
    took: float
    number: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of one execution: the operations by node id, in order, and what they mean.

    `source` is the text of the scenario as it ran. Contents of files are not part of it.
    `stretches` tell by node id when nodes worked that wait for something, the first and the last of
    them.
    """

    source: str
    source_path: str
    operations: Mapping[str, Sequence[KeptOperation]]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    stretches: Mapping[str, Sequence[Stretch]] = field(default_factory=dict)


def fits(value: Any, room: int = BUNDLE_LIMIT) -> bool:
    """Say whether a value may take at most `room` bytes, without looking at much more than that."""
    waiting = [value]
    while waiting and room >= 0:
        value = waiting.pop()
        if isinstance(value, str | bytes | bytearray):
            room -= len(value)
        elif isinstance(value, File):
            room -= _FACTS
        elif isinstance(value, Mapping):
            room -= _LEAST_ITEM * len(value)
            if room >= 0:
                room -= sum(map(len, value))
                waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            room -= _LEAST_ELEMENT * len(value)
            if room >= 0:
                waiting.extend(value)
    return room >= 0
