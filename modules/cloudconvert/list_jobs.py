"""CloudConvert, "List Jobs". Source: Fusion's CloudConvert page; API v2, jobs."""

from collections.abc import AsyncIterator
from typing import Literal

from engine.module import Context, Effect, Kind, Module, SearchFields
from modules.cloudconvert.answers import Job
from modules.cloudconvert.api import listed
from modules.cloudconvert.fields import LIMIT, Limit


class ListJobsFields(SearchFields):
    """Fields of "List Jobs"."""

    status: Literal["processing", "finished", "error"] | None = None
    """Only jobs with this status; left out: all."""
    limit: Limit = LIMIT
    """Most jobs that one operation yields, newest first."""


class ListJobs(Module[ListJobsFields, Job]):
    """List the account's jobs of the last 24 hours, one bundle each."""

    id = "cloudconvert.list_jobs"
    kind = Kind.SEARCH
    effect = Effect.READ

    async def execute(self, fields: ListJobsFields, ctx: Context) -> AsyncIterator[Job]:
        """Assumed: a job of the list shows its tasks, as that of "Get a Job" does."""
        query = {"filter[status]": fields.status, "include": "tasks"}
        for entry in await listed(ctx, "/jobs", fields.limit, **query):
            yield Job.model_validate(entry)
