"""CloudConvert, "Cancel a Task". Source: Fusion's CloudConvert page; API v2, cancelling."""

from collections.abc import AsyncIterator

from engine.errors import ModuleError
from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Task
from modules.cloudconvert.api import call, get_task, is_lost, once, understood
from modules.cloudconvert.fields import Id

CANCELLING = "cancelling"
"""What the detail of a failure keeps for a replay: the id of the task."""


class CancelTaskFields(Fields):
    """Fields of "Cancel a Task"."""

    task_id: Id
    """A task that is waiting or processing; what depends on it fails."""


class CancelTask(Module[CancelTaskFields, Task]):
    """Stop a task that has not ended; it ends in error."""

    id = "cloudconvert.cancel_task"
    effect = Effect.WRITE

    def finds_again(self, fields: CancelTaskFields) -> bool:
        """The task tells whether it has been stopped."""
        return True

    async def execute(self, fields: CancelTaskFields, ctx: Context) -> AsyncIterator[Task]:
        yield await _cancelled(ctx, fields.task_id)


async def _cancelled(ctx: Context, task_id: str) -> Task:
    """Cancel a task; if an answer is lost, of a replayed attempt too, the task tells what became.

    Raises DataError if it had ended before.
    """

    async def make() -> Task:
        return understood(await call(ctx, "POST", f"/tasks/{task_id}/cancel"), Task)

    async def look() -> Task | None:
        """Assumed: a task that has failed meanwhile counts as cancelled; it does not go on."""
        task = await get_task(ctx, task_id)
        return task if task.status == "error" else None

    begun = ctx.in_doubt or ctx.earlier.get(CANCELLING) == task_id
    if begun and (task := await look()) is not None:
        return task
    try:
        return await once(ctx, make, look)
    except ModuleError as error:
        if is_lost(error):
            error.detail[CANCELLING] = task_id
        raise
