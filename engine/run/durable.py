"""Awaiting what must not be torn: durable work goes on when the run is interrupted."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Await something durable to its end, even if the run is cancelled meanwhile.

    If it fails then, that is raised and not the cancellation: the run ends in either case.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled() and (failure := task.exception()) is not None:
            raise failure from None
        raise


def uncancelled() -> None:
    """Let the task await what is left to do after an interruption."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
