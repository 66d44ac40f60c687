"""What a run is given from outside, and the words in which its parts speak to each other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.mapping.compile import World
from engine.model.bundle import Bundle
from engine.model.retention import Budget
from engine.model.secrets import Secrets
from engine.module import Files, Http
from engine.run.ports import Clock, Ids, Store, Watcher

PATH: Final = " path"
"""Name under which a scope holds the path of its bundle; no node and no item has it.

It is a text: the position of the bundle among those that each node on its way has emitted, from the
number of the cycle on.
"""

Stream: TypeAlias = Iterator[Any] | AsyncIterator[Any]
"""What a module emits, as it emits it."""

Outputs: TypeAlias = list[Bundle] | Stream
"""What a node emits in one operation: all of it, or as it comes."""


class End(Enum):
    """How a bundle's way ends at a node, when nothing goes on with it."""

    DROPPED = "dropped"
    """Filtered out, collected, ignored or stored; other bundles go on."""
    STOP = "stop"
    """The cycle stops: no further bundle, route or set."""


DROPPED: Final = End.DROPPED
STOP: Final = End.STOP


async def nothing_to_test(_node_id: str) -> None:
    """No connection is there to be tested."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run is given from outside. `http` holds a client per node that talks to a service."""

    store: Store
    files: Files
    clock: Clock
    ids: Ids
    watcher: Watcher
    world: World
    http: Mapping[str, Http] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    """What failures that are kept and told may not show."""
    roots: Sequence[Path] | None = None
    """Folders in which paths of fields have to lie; None: anywhere."""
    history: Budget = field(default_factory=Budget)
    test_connection: Callable[[str], Awaitable[None]] = nothing_to_test
    """Tests the connection of a node by its id, before the first bundle. Raises
    UnusableConnectionError."""
