"""CloudConvert, "Get a Task". Source: Fusion's CloudConvert page; API v2, tasks."""

from collections.abc import AsyncIterator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Task
from modules.cloudconvert.api import get_task
from modules.cloudconvert.fields import Id


class GetTaskFields(Fields):
    """Fields of "Get a Task"."""

    task_id: Id
    """The task, such as `{{ job.tasks[0].id }}`."""


class GetTask(Module[GetTaskFields, Task]):
    """Look at a task as it is now, without waiting for its end."""

    id = "cloudconvert.get_task"
    effect = Effect.READ

    async def execute(self, fields: GetTaskFields, ctx: Context) -> AsyncIterator[Task]:
        yield await get_task(ctx, fields.task_id, include="payload")
