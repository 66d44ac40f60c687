"""CloudConvert, "List Tasks". Source: Fusion's CloudConvert page; API v2, tasks."""

from collections.abc import AsyncIterator
from typing import Literal

from engine.module import Context, Effect, Kind, Module, SearchFields
from modules.cloudconvert.answers import Task
from modules.cloudconvert.api import listed
from modules.cloudconvert.fields import LIMIT, Id, Limit, OperationName


class ListTasksFields(SearchFields):
    """Fields of "List Tasks"."""

    status: Literal["waiting", "processing", "finished", "error"] | None = None
    """Only tasks with this status; left out: all."""
    job_id: Id | None = None
    """Only tasks of this job; left out: of all jobs and of none."""
    operation: OperationName | None = None
    """Only tasks that do this, such as `convert` or `import/url`; left out: all."""
    limit: Limit = LIMIT
    """Most tasks that one operation yields, newest first."""


class ListTasks(Module[ListTasksFields, Task]):
    """List the account's tasks of the last 24 hours, one bundle each."""

    id = "cloudconvert.list_tasks"
    kind = Kind.SEARCH
    effect = Effect.READ

    async def execute(self, fields: ListTasksFields, ctx: Context) -> AsyncIterator[Task]:
        query = {
            "filter[status]": fields.status,
            "filter[job_id]": fields.job_id,
            "filter[operation]": fields.operation,
        }
        for entry in await listed(ctx, "/tasks", fields.limit, **query):
            yield Task.model_validate(entry)
