"""CloudConvert, "Delete a Job". Source: Fusion's CloudConvert page; API v2, jobs."""

from collections.abc import AsyncIterator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.api import delete
from modules.cloudconvert.fields import Id


class DeleteJobFields(Fields):
    """Fields of "Delete a Job"."""

    job_id: Id
    """The job to delete with its tasks and files; running work is stopped."""


class DeletedJob(Fields):
    """What is left of a job."""

    id: str
    """CloudConvert's id of the job that was deleted."""


class DeleteJob(Module[DeleteJobFields, DeletedJob]):
    """Delete a job with its tasks and files; links to its results end."""

    id = "cloudconvert.delete_job"
    effect = Effect.WRITE

    def finds_again(self, fields: DeleteJobFields) -> bool:
        """What is gone then has been deleted."""
        return True

    async def execute(self, fields: DeleteJobFields, ctx: Context) -> AsyncIterator[DeletedJob]:
        await delete(ctx, f"/jobs/{fields.job_id}")
        yield DeletedJob(id=fields.job_id)
