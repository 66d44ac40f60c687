"""CloudConvert, "Delete a Task". Source: Fusion's CloudConvert page; API v2, tasks."""

from collections.abc import AsyncIterator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.api import delete
from modules.cloudconvert.fields import Id


class DeleteTaskFields(Fields):
    """Fields of "Delete a Task"."""

    task_id: Id
    """The task to delete with its files; if it is at work, it is stopped."""


class DeletedTask(Fields):
    """What is left of a task."""

    id: str
    """CloudConvert's id of the task that was deleted."""


class DeleteTask(Module[DeleteTaskFields, DeletedTask]):
    """Delete a task with its files; tasks that took them already keep what they made of them."""

    id = "cloudconvert.delete_task"
    effect = Effect.WRITE

    def finds_again(self, fields: DeleteTaskFields) -> bool:
        """What is gone then has been deleted."""
        return True

    async def execute(self, fields: DeleteTaskFields, ctx: Context) -> AsyncIterator[DeletedTask]:
        await delete(ctx, f"/tasks/{fields.task_id}")
        yield DeletedTask(id=fields.task_id)
