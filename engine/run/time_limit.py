"""The limit of a scenario's `timeout_minutes`, asked between operations."""

from collections.abc import Callable

from engine.errors import RunError
from engine.run.ports import Clock


def time_limit(clock: Clock, minutes: float | None) -> Callable[[], None]:
    """Return a check that raises RunError once a run that begins now has taken too long.

    An operation that has begun goes on to its end. None: it may take any time.
    """
    if minutes is None:
        return _unlimited
    latest = clock.monotonic() + minutes * 60

    def check() -> None:
        if clock.monotonic() > latest:
            raise RunError(f"the run took longer than its limit of {minutes:g} minutes")

    return check


def _unlimited() -> None:
    """Any time is fine."""
