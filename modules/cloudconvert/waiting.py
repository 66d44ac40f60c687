"""Waiting for the end of jobs and tasks by asking for them again and again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol, TypeVar

from engine.errors import ServiceConnectionError
from engine.module import Context

WAIT_LIMIT: Final = timedelta(seconds=180)
"""How long an end is waited for. Source: Fusion's CloudConvert page, troubleshooting."""

FIRST_PAUSE: Final = timedelta(milliseconds=50)
LONGEST_PAUSE: Final = timedelta(seconds=5)
PAUSE_GROWTH: Final = 1.3
"""A result is noticed after about an eighth of the time that it took, or 5 seconds at most."""

FAILED_POLLS: Final = 3
"""Questions in a row that may fail while waiting."""


class Ending(Protocol):
    """A job or a task."""

    @property
    def ended(self) -> bool: ...


Watched = TypeVar("Watched", bound=Ending)


async def until_ended(
    ctx: Context, watched: Watched, look: Callable[[], Awaitable[Watched]], limit: timedelta
) -> Watched:
    """Look until it has ended or the limit is over; return what was seen last."""
    began = ctx.now()
    paused = timedelta()
    pause = FIRST_PAUSE
    failed = 0
    while not watched.ended:
        left = limit - max(paused, ctx.now() - began)
        if left <= timedelta():
            break
        await ctx.sleep(min(pause, left))
        paused += min(pause, left)
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)
        try:
            watched = await look()
            failed = 0
        except ServiceConnectionError:
            failed += 1
            if failed > FAILED_POLLS:
                raise
    return watched
