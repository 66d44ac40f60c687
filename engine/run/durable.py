"""Awaiting what must not be torn: durable work goes on when the run is interrupted."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Await something durable to its end, even if the run is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def uncancelled() -> None:
    """Let the task await what is left to do after an interruption."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
