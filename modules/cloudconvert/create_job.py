"""CloudConvert, "Create a Job (advanced)". Source: Fusion's CloudConvert page; API v2, jobs."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Job
from modules.cloudconvert.fields import Source
from modules.cloudconvert.job_parts import JobInputs, JobTask, problem_with
from modules.cloudconvert.option_types import typed
from modules.cloudconvert.submission import (
    import_task,
    job_taken_up,
    submitted,
    submitted_under,
    uploads_of,
)


class CreateJobInput(Fields):
    """Fields of "Create a Job (advanced)"."""

    input_files: JobInputs = []
    """The files to work on, each a task that others name as their input: rows, or one mapped array
    of files, such as an array aggregator makes."""
    tasks: list[JobTask] = Field(min_length=1)
    """What to do with them, step by step."""
    tag: str | None = Field(default=None, min_length=1, max_length=255)
    """Text of your own under which to find the job. Left out: one that no other job has, so that
    the job is never created twice."""

    @property
    def named_inputs(self) -> dict[str, Source]:
        """Return the input files by the names of their tasks; without one: `import-1`, …"""
        return {
            row.name or f"import-{number}": row for number, row in enumerate(self.input_files, 1)
        }

    @model_validator(mode="after")
    def _linked(self) -> Self:
        names = [row.name or f"import-{n}" for n, row in enumerate(self.input_files, 1)]
        if problem := problem_with(names, self.tasks):
            raise ValueError(problem)
        return self


class CreateJob(Module[CreateJobInput, Job]):
    """Create a job of any tasks, linked by their names, without waiting for its end."""

    id = "cloudconvert.create_job"
    effect = Effect.WRITE

    @classmethod
    def takes_up(cls, earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
        return job_taken_up(earlier, changed)

    def finds_again(self, fields: CreateJobInput) -> bool:
        """The job is found by its tag, unless that is the author's, which others may bear."""
        return fields.tag is None

    async def execute(self, fields: CreateJobInput, ctx: Context) -> AsyncIterator[Job]:
        inputs = fields.named_inputs
        uploads = await uploads_of(ctx, inputs)
        tasks = await typed(ctx, _tasks(fields, inputs))
        if fields.tag is not None:
            yield await submitted_under(ctx, fields.tag, tasks, uploads)
        else:
            yield await submitted(ctx, tasks, uploads, _as_created)


async def _as_created(job: Job) -> Job:
    return job


def _tasks(fields: CreateJobInput, inputs: Mapping[str, Source]) -> dict[str, Any]:
    """Return the job's tasks by name, as they are sent."""
    imports = {name: import_task(source) for name, source in inputs.items()}
    return {**imports, **{task.name: task.sent(list(inputs)) for task in fields.tasks}}
