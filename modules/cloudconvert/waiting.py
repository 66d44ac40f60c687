"""Waiting for the end of jobs and tasks: told by the service where it can, else asked for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

from engine.errors import DataError, ServiceConnectionError
from engine.module import Context, Reply
from modules.cloudconvert.answers import Job, Task
from modules.cloudconvert.api import call, understood

WAIT_LIMIT: Final = timedelta(seconds=180)
"""How long an end is waited for. Source: Fusion's CloudConvert page, troubleshooting."""

FIRST_PAUSE: Final = timedelta(milliseconds=50)
LONGEST_PAUSE: Final = timedelta(seconds=5)
PAUSE_GROWTH: Final = 1.3
"""A result is noticed after about an eighth of the time that it took, or 5 seconds at most."""

FIRST_GLANCE: Final = timedelta(seconds=1)
"""When it is first asked how far something is whose end the service will tell."""

FAILED_POLLS: Final = 3
"""Questions in a row that may fail while waiting."""

Shown = TypeVar("Shown", Job, Task)


async def until_ended(
    ctx: Context,
    shown: Shown,
    limit: timedelta,
    on_look: Callable[[Shown], None] = lambda _shown: None,
) -> Shown:
    """Wait until a job or task has ended or the limit is over; return what was seen last.

    `on_look` gets each state that is seen on the way.
    """
    telling = asyncio.ensure_future(ctx.http.awaited(shown.path, limit))
    looks = _Looks(ctx)
    began = ctx.now()
    paused = timedelta()
    pause = FIRST_PAUSE
    try:
        while not shown.ended:
            left = limit - max(paused, ctx.now() - began)
            if left <= timedelta():
                break
            if not telling.done():
                pause = max(pause, FIRST_GLANCE)
                if await _told(ctx, telling, min(pause, left)):
                    pause = FIRST_PAUSE
                    with suppress(DataError):  # of something between us and the service
                        shown = _seen(telling.result(), shown, on_look)
                    continue
            else:
                await ctx.sleep(min(pause, left))
            paused += min(pause, left)
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)
            shown = _seen(await looks.at(shown.path), shown, on_look)
    finally:
        telling.cancel()
        await asyncio.wait([telling])
    return shown


async def _told(ctx: Context, telling: "asyncio.Task[Reply | None]", pause: timedelta) -> bool:
    """Return after the pause, or before it with True, as there will be nothing more to wait for."""
    sleeping = asyncio.ensure_future(ctx.sleep(pause))
    try:
        await asyncio.wait([telling, sleeping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
    return telling.done()


def _seen(reply: Reply | None, before: Shown, on_look: Callable[[Shown], None]) -> Shown:
    """Return what an answer shows; what was seen before if there is none."""
    if reply is None:
        return before
    shown = understood(reply, type(before))
    on_look(shown)
    return shown


class _Looks:
    """Questions how something is, of which some may fail."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._failed = 0

    async def at(self, path: str) -> Reply | None:
        """Return the answer, None if there is none this time."""
        try:
            reply = await call(self._ctx, "GET", path)
        except ServiceConnectionError:
            self._failed += 1
            if self._failed > FAILED_POLLS:
                raise
            return None
        self._failed = 0
        return reply
