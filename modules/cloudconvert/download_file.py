"""CloudConvert, "Download a File". Source: Fusion's CloudConvert page; API v2, exports."""

from collections.abc import AsyncIterator, Sequence

from engine.errors import DataError
from engine.module import Context, Effect, Fields, File, Module
from modules.cloudconvert.answers import Exported, Task
from modules.cloudconvert.api import call, get_task, understood
from modules.cloudconvert.downloads import downloaded
from modules.cloudconvert.failures import failure_of_task, waited_too_long
from modules.cloudconvert.fields import Id, WaitLimit
from modules.cloudconvert.waiting import WAIT_LIMIT, until_ended


class DownloadFileFields(Fields):
    """Fields of "Download a File"."""

    task_id: Id
    """A finished task: an export, or another one, whose files are then exported first."""
    wait_limit: WaitLimit = WAIT_LIMIT
    """Longest wait for the export of a task that is none, such as `15m`, or in seconds."""


class DownloadedFile(Task):
    """A task, with one of its files."""

    file: File
    """The file."""
    data: File
    """Its content, for fields that take a file's name and data apart."""


class DownloadFile(Module[DownloadFileFields, DownloadedFile]):
    """Download the files of a finished task, one bundle each.

    Downloading once more changes nothing: the exports that it may make cost nothing and expire.
    """

    id = "cloudconvert.download_file"
    effect = Effect.READ

    async def execute(
        self, fields: DownloadFileFields, ctx: Context
    ) -> AsyncIterator[DownloadedFile]:
        task = await get_task(ctx, fields.task_id, include="payload")
        for entry in await _links(ctx, task, fields):
            file = await downloaded(ctx, entry)
            yield DownloadedFile(**dict(task), file=file, data=file)


async def _links(ctx: Context, task: Task, fields: DownloadFileFields) -> Sequence[Exported]:
    """Return the task's files with their addresses. Raises ModuleError if there are none."""
    if task.status == "error":
        raise failure_of_task(task)
    if task.status != "finished":
        raise DataError(
            f"task {task.id} is not finished: it is {task.status}",
            detail={"task_id": task.id, "status": task.status},
            notes=("take a task of a job that has ended, or try again later",),
        )
    files = list(task.files())
    if not files:
        raise DataError(
            f"task {task.id} ({task.operation}) has no file", detail={"task_id": task.id}
        )
    return [file for file in files if file.url] or await _exported(ctx, task, fields)


async def _exported(ctx: Context, task: Task, fields: DownloadFileFields) -> Sequence[Exported]:
    """Let the service export a task's files. Assumed: this is what Fusion does."""
    export = understood(await call(ctx, "POST", "/export/url", json={"input": task.id}), Task)
    export = await until_ended(ctx, export, fields.wait_limit)
    if not export.ended:
        raise waited_too_long(export)
    if export.status == "error":
        raise failure_of_task(export)
    linked = [file for file in export.files() if file.url]
    if not linked:
        raise DataError(f"the export of task {task.id} has no file", detail={"task_id": export.id})
    return linked
