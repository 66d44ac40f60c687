"""What an expression is evaluated in: a scope of values, and the world behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

Scope: TypeAlias = dict[str, Any]
"""Values by name: bundles by node id, `inputs`, `error`, `scenario`; the `World` under `""`."""

Evaluate: TypeAlias = Callable[[Scope], Any]
"""A compiled expression. It never changes the scope or a value in it."""


@dataclass(frozen=True, slots=True)
class World:
    """What an expression may ask of the outside.

    `timezone` is a name of the tz database; `random` gives numbers from 0 up to 1; `facts` holds
    `executionID`, `scenarioID`, `scenarioName`, `triggerTimestamp`, `operationsConsumed` and the
    like, by these names.
    """

    now: Callable[[], datetime]
    timezone: str
    random: Callable[[], float]
    new_id: Callable[[], str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """A path that an expression reads: the root's name, then its constant items.

    `offset` and `length` are the root's place in the text; `item_offsets` gives the first letter
    of each item. `items` ends before the first item that is computed.
    """

    root: str
    items: tuple[str | int, ...]
    offset: int
    length: int
    item_offsets: tuple[int, ...] = ()
