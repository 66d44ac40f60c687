"""The course of the file modules: create a job, upload, and, if asked, wait and download.

Source: Fusion's CloudConvert page, "Download a file"; CloudConvert API v2, uploads and exports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from engine.errors import DataError
from engine.module import Context, Fields, File
from modules.cloudconvert.answers import Exported, Job
from modules.cloudconvert.downloads import downloaded
from modules.cloudconvert.failures import failure_of, waited_too_long
from modules.cloudconvert.fields import Source
from modules.cloudconvert.option_types import typed
from modules.cloudconvert.submission import import_task, submitted, uploads_of
from modules.cloudconvert.waiting import WAIT_LIMIT, until_ended

PROCESS: Final = "process"
EXPORT: Final = "export"


class FileJob(Fields):
    """A job, with its files if they were downloaded."""

    id: str
    """CloudConvert's id of the job."""
    tag: str | None
    """Text under which the job can be found again."""
    status: str | None
    """`waiting`, `processing`, `finished` or `error`."""
    created_at: datetime | None
    """When the service took the job."""
    started_at: datetime | None
    """When work began; None if it has not."""
    ended_at: datetime | None
    """When the job ended; None if it has not."""
    tasks: list[dict[str, Any]]
    """The job's tasks as the service describes them."""
    links: dict[str, Any]
    """`self`: the job's address in the API."""
    files: list[File]
    """The files that were downloaded."""
    file: File | None
    """The first of them; None if nothing was downloaded."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a file module asks for. `process` is the middle task without its `input`."""

    sources: Sequence[Source]
    process: Mapping[str, Any]
    download: bool
    wait_limit: timedelta = WAIT_LIMIT

    @property
    def named_sources(self) -> dict[str, Source]:
        """Return the sources by the names of their import tasks."""
        return {f"import-{number}": source for number, source in enumerate(self.sources, 1)}


def absent_without_download(constants: Mapping[str, Any]) -> Mapping[str, str]:
    """Name the output items that need `download_file`; see `Module.absent_items`."""
    if constants.get("download_file") is not False:
        return {}
    reason = "nothing is downloaded: set `download_file: true`"
    return {"file": reason, "files": reason}


async def run_file_job(ctx: Context, order: Order) -> FileJob:
    """Carry out one order. Raises ModuleErrors by CloudConvert's tables."""
    sources = order.named_sources
    uploads = await uploads_of(ctx, sources)

    async def finish(job: Job) -> FileJob:
        if not order.download:
            return _output(job, [])
        job = await _ended(ctx, job, order.wait_limit)
        if job.status == "error":
            raise failure_of(job)
        return _output(job, [await downloaded(ctx, entry) for entry in _exported(job)])

    return await submitted(ctx, await typed(ctx, _tasks(order)), uploads, finish)


def _output(job: Job, files: list[File]) -> FileJob:
    return FileJob(
        id=job.id,
        tag=job.tag,
        status=job.status,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        tasks=job.tasks,
        links=job.links,
        files=files,
        file=files[0] if files else None,
    )


def _tasks(order: Order) -> dict[str, Any]:
    """Return the job's tasks by name; the order of inputs is that of the sources."""
    imports = {name: import_task(source) for name, source in order.named_sources.items()}
    names = list(imports)
    inputs = {"input": names[0] if len(names) == 1 else names} if names else {}
    process = {**order.process, **inputs}
    return {**imports, PROCESS: process, EXPORT: {"operation": "export/url", "input": PROCESS}}


async def _ended(ctx: Context, job: Job, limit: timedelta) -> Job:
    """Wait for the end of a job, finished or in error. Raises the seed's RuntimeError past it."""
    _tell(ctx, job)  # no longer how far the upload is
    job = await until_ended(ctx, job, limit, partial(_tell, ctx))
    if not job.ended:
        raise waited_too_long(job)
    return job


def _tell(ctx: Context, job: Job) -> None:
    """Show how far the work is; a waiting task's percentage means nothing."""
    task = job.task(PROCESS)
    if task is None:
        return
    if task.percent is not None and task.status in ("processing", "finished"):
        ctx.progress(task.percent, 100, text=task.operation or "")
    else:
        ctx.progress(0, text=task.operation or "")


def _exported(job: Job) -> list[Exported]:
    tasks = [
        task for task in job.each_task() if task.operation == "export/url" or task.name == EXPORT
    ]
    found = [entry for task in tasks for entry in task.files() if entry.url]
    if not found:
        raise DataError(f"job {job.id} ended without a file", detail={"job_id": job.id})
    return found
