"""CloudConvert, "Get a Job". Source: Fusion's CloudConvert page; API v2, jobs."""

from collections.abc import AsyncIterator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Job
from modules.cloudconvert.api import get_job
from modules.cloudconvert.fields import Id


class GetJobFields(Fields):
    """Fields of "Get a Job"."""

    job_id: Id
    """The job, such as `{{ convert.id }}`."""


class GetJob(Module[GetJobFields, Job]):
    """Look at a job as it is now, without waiting for its end."""

    id = "cloudconvert.get_job"
    effect = Effect.READ

    async def execute(self, fields: GetJobFields, ctx: Context) -> AsyncIterator[Job]:
        yield await get_job(ctx, fields.job_id)
