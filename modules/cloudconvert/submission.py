"""A job on its way: created once, its files uploaded, and deleted if nothing can come of it.

Called by the modules that make jobs. Source: CloudConvert API v2, jobs and uploads.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

from engine.errors import (
    DataError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Context, File
from modules.cloudconvert.answers import Job, Task
from modules.cloudconvert.api import create_job, create_own_job, delete_job, find_job, get_job
from modules.cloudconvert.failures import failure_of
from modules.cloudconvert.fields import Source

Result = TypeVar("Result")

TAG: Final = "tag"
ORDER: Final = "order"
"""What a failure's detail keeps for a replay: the job's tag, and a mark of what was asked for."""

UPLOAD_WAITS: Final = (timedelta(seconds=1), timedelta(seconds=3))
"""Waits before an upload that broke off is repeated."""

AFTER_THE_ORDER: Final = frozenset({"download_file", "wait_limit"})
"""Fields that say what happens once a job is there, and are no part of what it is asked for."""

CLEANUP_SECONDS: Final = 2.0
"""How long the deletion of an abandoned job may hold up the end of a run."""


def import_task(source: Source) -> dict[str, Any]:
    """Return the task that brings a source's file into the job."""
    if source.input_file == "upload":
        return {"operation": "import/upload"}
    headers = {"headers": dict(source.headers)} if source.headers else {}
    return {"operation": "import/url", "url": source.url, **headers}


async def uploads_of(ctx: Context, sources: Mapping[str, Source]) -> dict[str, File]:
    """Return the files that must be sent, by the names of their import tasks."""
    return {
        name: await ctx.files.file_of(source.file)
        for name, source in sources.items()
        if source.file is not None
    }


async def submitted(
    ctx: Context,
    tasks: Mapping[str, Any],
    uploads: Mapping[str, File],
    finish: Callable[[Job], Awaitable[Result]],
) -> Result:
    """Create a job, send its files, and return what `finish` makes of it.

    A job that this operation can no longer finish is deleted; one that is only late goes on, and a
    replay of the same order finds it again instead of paying for another, as does the run that is
    taken up after an interruption. Raises ModuleErrors by CloudConvert's tables.
    """
    mark = _mark(tasks, uploads)
    job = await _begun_under(ctx) or await _begun_earlier(ctx, mark)
    tag = (job.tag if job else None) or ctx.operation_key
    try:
        job = job or await create_job(ctx, tasks, tag)
        await _upload_all(ctx, job, uploads)
        return await finish(job)
    except ModuleError as error:
        error.detail |= {TAG: tag, ORDER: mark}
        raise


def job_taken_up(earlier: Mapping[str, Any], changed: Collection[str]) -> str | None:
    """Name the job that a replay of a failed attempt finds again; None: it makes a new one.

    What a failed job said is in `tasks`; such a job is over. See `Module.takes_up`.
    """
    tag = earlier.get(TAG)
    orders_anew = any(name not in AFTER_THE_ORDER for name in changed)
    if ORDER not in earlier or not isinstance(tag, str) or "tasks" in earlier or orders_anew:
        return None
    return f"the job with the tag {tag}, if the service has it; else a new one"


async def submitted_under(
    ctx: Context, tag: str, tasks: Mapping[str, Any], uploads: Mapping[str, File]
) -> Job:
    """Create a job under an author's tag, which may not be its alone, and send its files.

    So nothing is found again by it: neither a job whose answer was lost, nor by a replay.
    """
    job = await create_own_job(ctx, tasks, tag)
    try:
        await _upload_all(ctx, job, uploads)
    except asyncio.CancelledError:
        await _abandon(ctx, job, tag)
        raise
    return job


async def _upload_all(ctx: Context, job: Job, uploads: Mapping[str, File]) -> None:
    for name, file in uploads.items():
        await _upload(ctx, job, name, file)


def _mark(tasks: Mapping[str, Any], uploads: Mapping[str, File]) -> str:
    """Return what tells whether two orders ask for the same of the same contents."""
    contents = {name: [file.name, file.sha256] for name, file in uploads.items()}
    return hashlib.sha256(json.dumps([tasks, contents], sort_keys=True).encode()).hexdigest()


async def _begun_under(ctx: Context) -> Job | None:
    """Return the job that this very operation had created when it was cut off.

    It is found by the tag, which no other job has; so it is the right one, whatever is asked for
    now, and whether it has failed or not.
    """
    return await find_job(ctx, ctx.operation_key) if ctx.in_doubt else None


async def _begun_earlier(ctx: Context, mark: str) -> Job | None:
    """Return the job of the attempt that is replayed, if it asks for the same and has not failed.

    It may be late, its answer may have been lost, or only its download broke off.
    """
    tag = ctx.earlier.get(TAG)
    if ctx.earlier.get(ORDER) != mark or not isinstance(tag, str):
        return None
    job = await find_job(ctx, tag)
    return None if job is None or job.status == "error" else job


async def _upload(ctx: Context, job: Job, name: str, file: File) -> None:
    """Send a file to its import task; if that fails, nothing can come of the job."""
    try:
        await _sent(ctx, job, name, file)
    except (ModuleError, OSError) as error:
        cause = await _failed_already(ctx, job)
        await _abandon(ctx, job, job.tag or "")
        if cause is not None:
            raise cause from error
        raise


async def _sent(ctx: Context, job: Job, name: str, file: File) -> None:
    """Send a file until its task has it: an upload that breaks off may have got through after all,
    and otherwise is sent again to the same task."""
    task = job.task(name)
    if task is None or not task.result.get("form"):
        task = (await get_job(ctx, job.id)).task(name)
    for wait in (*UPLOAD_WAITS, None):
        if task is not None and _has_file(task):
            return
        url, form = _form(task, name)
        try:
            await ctx.http.upload(url, form, file, progress=ctx.progress)
        except ServiceConnectionError as error:
            task = await _looked_at(ctx, job, name)
            if task is None or not (_has_file(task) or _may_repeat(error, wait)):
                raise
        else:
            return
        await ctx.sleep(wait or timedelta())


def _has_file(task: Task) -> bool:
    waits = task.status == "waiting" or bool(task.result.get("form"))
    return not waits and task.status in ("processing", "finished")


def _may_repeat(error: ServiceConnectionError, wait: timedelta | None) -> bool:
    return wait is not None and not isinstance(error, RateLimitError | ModuleTimeoutError)


async def _looked_at(ctx: Context, job: Job, name: str) -> Task | None:
    """Return an import task as it is now, None if the service does not say."""
    with suppress(ModuleError):
        return (await get_job(ctx, job.id)).task(name)
    return None


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
