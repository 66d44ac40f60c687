"""CloudConvert, "Retry a Task". Source: Fusion's CloudConvert page; API v2, retrying."""

from collections.abc import AsyncIterator, Collection
from typing import Any

from engine.errors import ModuleError
from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Task, maps
from modules.cloudconvert.api import call, is_lost, once, understood
from modules.cloudconvert.fields import Id

RETRYING = "retrying"
KNOWN = "known_retries"
"""What the detail of a failure keeps for a replay: the task, and its retries from before."""


class RetryTaskFields(Fields):
    """Fields of "Retry a Task"."""

    task_id: Id
    """The task to do again; the files that it took must still be there."""


class RetryTask(Module[RetryTaskFields, Task]):
    """Do a task again, as a new task outside of the job; the old one stays as it is."""

    id = "cloudconvert.retry_task"
    effect = Effect.WRITE

    async def execute(self, fields: RetryTaskFields, ctx: Context) -> AsyncIterator[Task]:
        yield await _retried(ctx, fields.task_id)


async def _retried(ctx: Context, task_id: str) -> Task:
    """Make the new task, once: one that is there and was not before is what a lost answer told of.

    A replay compares with what was there before the attempt that it replays.
    """
    known = await _known(ctx, task_id)

    async def make() -> Task:
        return understood(await call(ctx, "POST", f"/tasks/{task_id}/retry"), Task)

    async def look() -> Task | None:
        return _new(await _retries(ctx, task_id), known)

    if ctx.earlier.get(RETRYING) == task_id and (task := await look()) is not None:
        return task
    try:
        return await once(ctx, make, look)
    except ModuleError as error:
        if is_lost(error):
            error.detail |= {RETRYING: task_id, KNOWN: sorted(known)}
        raise


async def _known(ctx: Context, task_id: str) -> Collection[str]:
    known = ctx.earlier.get(KNOWN)
    if ctx.earlier.get(RETRYING) == task_id and isinstance(known, list):
        return [str(each) for each in known]
    return [str(each.get("id")) for each in await _retries(ctx, task_id)]


def _new(retries: list[dict[str, Any]], known: Collection[str]) -> Task | None:
    new = [each for each in retries if each.get("id") is not None and str(each["id"]) not in known]
    return Task.model_validate(new[0]) if new else None


async def _retries(ctx: Context, task_id: str) -> list[dict[str, Any]]:
    """Return the retries of a task. Raises DataError if it does not exist, or no longer."""
    reply = await call(ctx, "GET", f"/tasks/{task_id}", query={"include": "retries"})
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    return maps(data.get("retries")) if isinstance(data, dict) else []
