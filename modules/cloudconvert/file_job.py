"""The course of the file modules: create a job, upload, and, if asked, wait and download.

Source: Fusion's CloudConvert page, "Download a file"; CloudConvert API v2, uploads and exports.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from engine.errors import DataError, ModuleError
from engine.module import Context, Fields, File
from modules.cloudconvert.answers import Exported, Job, Task
from modules.cloudconvert.api import create_job, delete_job, find_job, get_job
from modules.cloudconvert.downloads import downloaded
from modules.cloudconvert.failures import failure_of, waited_too_long
from modules.cloudconvert.fields import Source
from modules.cloudconvert.waiting import WAIT_LIMIT, until_ended

TAG: Final = "tag"
ORDER: Final = "order"
"""What a failure's detail keeps for a replay: the job's tag, and a mark of what was asked for."""

PROCESS: Final = "process"
EXPORT: Final = "export"

CLEANUP_SECONDS: Final = 2.0
"""How long the deletion of an abandoned job may hold up the end of a run."""


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


def absent_without_download(constants: Mapping[str, Any]) -> Mapping[str, str]:
    """Name the output items that need `download_file`; see `Module.absent_items`."""
    if constants.get("download_file") is not False:
        return {}
    reason = "nothing is downloaded: set `download_file: true`"
    return {"file": reason, "files": reason}


async def run_file_job(ctx: Context, order: Order) -> FileJob:
    """Carry out one order. Raises ModuleErrors by CloudConvert's tables.

    A job that this operation can no longer finish is deleted; one that is only late goes on, and a
    replay of the same order finds it again instead of paying for another.
    """
    uploads = {
        f"import-{number}": await ctx.files.file_of(source.file)
        for number, source in enumerate(order.sources, 1)
        if source.file is not None
    }
    tasks = _tasks(order)
    mark = _mark(tasks, uploads)
    job = await _begun_earlier(ctx, mark)
    tag = (job.tag if job else None) or ctx.operation_key
    try:
        job = job or await create_job(ctx, tasks, tag)
        for name, file in uploads.items():
            await _upload(ctx, job, name, file)
        if not order.download:
            return _output(job, [])
        job = await _ended(ctx, job, order.wait_limit)
        if job.status == "error":
            raise failure_of(job)
        return _output(job, [await downloaded(ctx, entry) for entry in _exported(job)])
    except asyncio.CancelledError:
        await _abandon(ctx, job, tag)
        raise
    except ModuleError as error:
        error.detail |= {TAG: tag, ORDER: mark}
        raise


def _mark(tasks: Mapping[str, Any], uploads: Mapping[str, File]) -> str:
    """Return what tells whether two orders ask for the same of the same contents."""
    contents = {name: [file.name, file.sha256] for name, file in uploads.items()}
    return hashlib.sha256(json.dumps([tasks, contents], sort_keys=True).encode()).hexdigest()


async def _begun_earlier(ctx: Context, mark: str) -> Job | None:
    """Return the job of the attempt that is replayed, if it asks for the same and has not failed.

    It may be late, its answer may have been lost, or only its download broke off.
    """
    tag = ctx.earlier.get(TAG)
    if ctx.earlier.get(ORDER) != mark or not isinstance(tag, str):
        return None
    job = await find_job(ctx, tag)
    return None if job is None or job.status == "error" else job


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
    imports = {f"import-{n}": _import(source) for n, source in enumerate(order.sources, 1)}
    names = list(imports)
    process = {**order.process, "input": names[0] if len(names) == 1 else names}
    return {**imports, PROCESS: process, EXPORT: {"operation": "export/url", "input": PROCESS}}


def _import(source: Source) -> dict[str, Any]:
    if source.input_file == "upload":
        return {"operation": "import/upload"}
    headers = {"headers": dict(source.headers)} if source.headers else {}
    return {"operation": "import/url", "url": source.url, **headers}


async def _upload(ctx: Context, job: Job, name: str, file: File) -> None:
    """Send a file to its import task; if that fails, nothing can come of the job."""
    try:
        task = job.task(name)
        if task is None or not task.result.get("form"):
            task = (await get_job(ctx, job.id)).task(name)
        if task is None or task.status != "finished":
            url, form = _form(task, name)
            await ctx.http.upload(url, form, file, progress=ctx.progress)
    except (ModuleError, OSError) as error:
        cause = await _failed_already(ctx, job)
        await _abandon(ctx, job, job.tag or "")
        if cause is not None:
            raise cause from error
        raise


async def _failed_already(ctx: Context, job: Job) -> ModuleError | None:
    """Return why the job is over, if it is: its other inputs may be to blame for the upload."""
    with suppress(ModuleError):
        job = await get_job(ctx, job.id)
    return failure_of(job) if job.status == "error" else None


def _form(task: Task | None, name: str) -> tuple[str, dict[str, str]]:
    form = task.result.get("form") if task else None
    url = form.get("url") if isinstance(form, Mapping) else None
    if not isinstance(form, Mapping) or not isinstance(url, str):
        raise DataError(f"CloudConvert gave no upload form for task {name}")
    parameters = form.get("parameters")
    fields = parameters if isinstance(parameters, Mapping) else {}
    return url, {str(key): "" if value is None else str(value) for key, value in fields.items()}


async def _abandon(ctx: Context, job: Job | None, tag: str) -> None:
    """Delete a job that nobody waits for, as far as that is quickly possible.

    `job` None: its creation was under way, so it is looked up.
    """
    with suppress(ModuleError, TimeoutError):
        async with asyncio.timeout(CLEANUP_SECONDS):
            job = job or await find_job(ctx, tag)
            if job is not None:
                await delete_job(ctx, job.id)


async def _ended(ctx: Context, job: Job, limit: timedelta) -> Job:
    """Wait for the end of a job, finished or in error. Raises the seed's RuntimeError past it."""

    async def look() -> Job:
        found = await get_job(ctx, job.id)
        _tell(ctx, found)
        return found

    job = await until_ended(ctx, job, look, limit)
    if not job.ended:
        raise waited_too_long(job)
    return job


def _tell(ctx: Context, job: Job) -> None:
    """Show how far the work is; a waiting task's percentage means nothing."""
    task = job.task(PROCESS)
    if task and task.percent is not None and task.status in ("processing", "finished"):
        ctx.progress(task.percent, 100, text=task.operation or "")


def _exported(job: Job) -> list[Exported]:
    tasks = [
        task for task in job.each_task() if task.operation == "export/url" or task.name == EXPORT
    ]
    found = [entry for task in tasks for entry in task.files() if entry.url]
    if not found:
        raise DataError(f"job {job.id} ended without a file", detail={"job_id": job.id})
    return found
