"""How much of the past a store keeps, as the operator has settled it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

MONTH: Final = timedelta(days=30)
"""Source: Fusion deletes what is resolved after 30 days."""


CONFIRMING: Final = timedelta(days=1)
"""A clock that runs ahead is believed when it has done so for as long, by its own time."""

RUNS: Final = 50
"""Executions of one scenario whose history is kept: about a working week of hourly runs. Those in
which nothing happened have none and do not count."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run remembers of its operations, and of how many runs a store keeps that."""

    first: int = 10
    last: int = 10
    """So many operations of a node are kept from the beginning and from the end of an execution."""
    failures: int = 100
    """So many failures of a node are kept besides; of more, those among the last."""
    outputs: int = 3
    """So many bundles are kept of those that one operation emits."""
    runs: int = RUNS
    """Executions of one scenario of which a store keeps that."""


@dataclass(frozen=True, slots=True)
class Retention:
    """When a store forgets. What is not resolved is never forgotten, nor a scenario's last run."""

    runs: timedelta = MONTH
    """Ended executions that are older go, with their histories."""
    resolved: timedelta = MONTH
    """Incomplete executions that have been resolved for longer go."""
    events: timedelta = MONTH
    """Ids of acknowledged events that came earlier go: sent once more, such an event runs again."""
    size: int | None = None
    """Bytes of rows, beyond which the oldest histories go; None: no limit."""
    histories: int = RUNS
    """Histories that are kept of one scenario."""


@dataclass(frozen=True, slots=True)
class Looks:
    """When a store looked what it may forget: as much of that as the next look needs to know."""

    confirmed: datetime | None
    """Ages count to this moment. It is the latest one that a look at least `CONFIRMING` later
    confirms, so a clock that jumps ahead and is set back has aged nothing. None: nothing is old."""
    waiting: datetime
    """The next that may be confirmed."""

    @property
    def remembered(self) -> set[datetime]:
        return {self.waiting} if self.confirmed is None else {self.confirmed, self.waiting}


def look(earlier: Collection[datetime], now: datetime) -> Looks:
    """Look once more, at `now`. Earlier looks that are later than that are not remembered: the
    clock was ahead then."""
    confirmed = [at for at in earlier if at <= now - CONFIRMING]
    waiting = [at for at in earlier if now - CONFIRMING < at <= now]
    return Looks(max(confirmed, default=None), min(waiting, default=now))


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a store has let go of."""

    executions: int = 0
    histories: int = 0
    records: int = 0
    """Incomplete executions that were resolved."""
    bytes: int = 0
    """Disk space that is free again: of rows, and of contents of files."""
