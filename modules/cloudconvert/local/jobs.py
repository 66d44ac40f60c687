"""What a client can do with jobs and tasks; the HTTP routes translate to and from it.

Ids that do not exist, and things that were deleted, are Refusals of 404.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.module import Mentioned
from modules.cloudconvert.local.data import DataFolder, TaskFolder
from modules.cloudconvert.local.files import link
from modules.cloudconvert.local.operations.import_inline import SPOOLED
from modules.cloudconvert.local.operations.import_upload import uploaded
from modules.cloudconvert.local.operations.registry import OPERATIONS
from modules.cloudconvert.local.records import JobRecord, Status, TaskRecord
from modules.cloudconvert.local.refusal import Refusal, TaskFailure, invalid, not_found
from modules.cloudconvert.local.scheduler import Scheduler, failed
from modules.cloudconvert.local.store import Store
from modules.cloudconvert.local.validation import NewJob, NewTask
from modules.cloudconvert.local.validation_texts import placed

WAITING_FOR_UPLOAD = "Waiting for file upload"
UPLOAD_PATIENCE = timedelta(hours=24)
"""How long an upload is waited for before the task fails. Assumed."""


class Jobs:
    """Creates, shows, ends and forgets jobs and tasks."""

    def __init__(self, store: Store, data: DataFolder, scheduler: Scheduler) -> None:
        self._store, self._data, self._scheduler = store, data, scheduler
        self._uploading: set[str] = set()

    # Creating

    async def create_job(self, new: NewJob, *, cache_key: str | None = None) -> JobRecord:
        self._admit(new.tasks)
        now = self._scheduler.now_ms()
        job = JobRecord(
            _new_id(),
            new.tag,
            Status.PROCESSING,
            now,
            now,
            webhook_url=new.webhook_url,
            cache_key=cache_key,
        )
        ids = {str(task.name): _new_id() for task in new.tasks}
        self._refuse_unknown_inputs(new.tasks, ids)
        tasks = []
        try:
            for position, task in enumerate(new.tasks):
                record = await self._record(task, ids[str(task.name)], ids)
                tasks.append(replace(record, job_id=job.id, position=position))
        except Refusal as refusal:
            self._forget_files(ids.values())
            raise placed(refusal, f"tasks.{new.tasks[len(tasks)].name}.") from refusal
        self._store.add_job(job, tasks)
        self._scheduler.settle(tasks)
        return job

    async def create_task(self, new: NewTask, retry_of: TaskRecord | None = None) -> TaskRecord:
        self._admit([new])
        task_id = _new_id()
        self._refuse_unknown_inputs([new], {})
        try:
            task = await self._record(new, task_id, {}, retry_of)
        except Refusal as refusal:
            self._forget_files([task_id])
            raise placed(refusal, "") from refusal
        self._store.add_task(task)
        self._scheduler.settle([task])
        return self.task(task_id)

    def _admit(self, tasks: Sequence[NewTask]) -> None:
        costs = any(task.operation.credits for task in tasks)
        self._scheduler.account.admit(costs=costs, open_jobs=self._store.count_open())

    def _refuse_unknown_inputs(self, tasks: Sequence[NewTask], ids: Mapping[str, str]) -> None:
        outside = {one for task in tasks for one in task.inputs if one not in ids}
        known = self._store.tasks_by_id(sorted(outside))
        errors = {
            f"tasks.{task.name}.input" if task.name else "input": [
                f"The selected input is invalid: there is no task {one}."
            ]
            for task in tasks
            for one in task.inputs
            if one not in ids and one not in known
        }
        if errors:
            raise invalid(errors)

    async def _record(
        self, new: NewTask, task_id: str, ids: Mapping[str, str], retry_of: TaskRecord | None = None
    ) -> TaskRecord:
        """Return the record of a lone task; `ids` maps the names that its inputs may use."""
        now = self._scheduler.now_ms()
        waits = new.operation.awaits_upload
        return TaskRecord(
            id=task_id,
            operation=new.operation.name,
            created_at=now,
            name=new.name,
            message=WAITING_FOR_UPLOAD if waits else None,
            started_at=now if waits else None,
            retry_of=retry_of.id if retry_of else None,
            ignore_error=new.ignore_error,
            inputs=tuple(ids.get(one, one) for one in new.inputs),
            payload=await self._spooled(new, self._data.task(task_id), retry_of),
        )

    async def _spooled(
        self, new: NewTask, folder: TaskFolder, retry_of: TaskRecord | None
    ) -> dict[str, Any]:
        """Return the payload; content that came inside it is on disk afterwards."""
        if new.operation.spool is None:
            return new.payload
        folder.make()
        target = folder.inputs / SPOOLED
        if retry_of is None:
            return await asyncio.to_thread(new.operation.spool, new.payload, target)
        try:
            link(self._data.task(retry_of.id).inputs / SPOOLED, target)
        except FileNotFoundError as error:
            raise not_found("The content of this task was deleted.") from error
        return new.payload

    def _forget_files(self, task_ids: Any) -> None:
        for task_id in task_ids:
            self._data.task(task_id).remove()

    # Reading

    def job(self, job_id: str) -> JobRecord:
        job = self._store.job(job_id)
        if job is None:
            raise not_found("Job not found.")
        return job

    def task(self, task_id: str) -> TaskRecord:
        task = self._store.task(task_id)
        if task is None:
            raise not_found("Task not found.")
        return task

    async def wait_for_job(self, job_id: str) -> JobRecord:
        """Return the job once it has ended. Raises Refusal 503 if the server ends first."""
        while not (job := self.job(job_id)).status.ended:
            await self._scheduler.ends.wait(job_id)
        return job

    async def wait_for_task(self, task_id: str) -> TaskRecord:
        """Return the task once it has ended. Raises Refusal 503 if the server ends first."""
        while not (task := self.task(task_id)).status.ended:
            await self._scheduler.ends.wait(task_id)
        return task

    # Changing

    async def cancel(self, task_id: str) -> TaskRecord:
        """End a task that has not ended. Raises Refusal 422 if it has."""
        task = self.task(task_id)
        if task.status.ended:
            raise invalid({"status": ["Cannot change status: task already completed."]})
        await self._scheduler.cancel(task)
        return self.task(task_id)

    async def retry(self, task_id: str) -> TaskRecord:
        """Make a new lone task of another one's payload and inputs."""
        old = self.task(task_id)
        new = NewTask(OPERATIONS[old.operation], dict(old.payload), inputs=old.inputs)
        return await self.create_task(new, retry_of=old)

    async def delete_job(self, job_id: str) -> None:
        self.job(job_id)
        tasks = self._store.tasks_of(job_id)
        self._store.delete_job(job_id)
        self._scheduler.ends.tell(job_id)
        await self._drop(tasks)

    async def delete_task(self, task_id: str) -> None:
        task = self.task(task_id)
        self._store.delete_task(task_id)
        await self._drop([task])

    async def _drop(self, tasks: Sequence[TaskRecord]) -> None:
        """Stop deleted tasks, remove their files, and tell those that waited for them."""
        for task in tasks:
            self._scheduler.ends.tell(task.id)
        await self._scheduler.halt([task.id for task in tasks])
        for task in tasks:
            await asyncio.to_thread(self._data.task(task.id).remove)
        for task in tasks:
            self._scheduler.settle(self._store.waiting_on(task.id), job_id=task.job_id)

    # Uploads

    def begin_upload(self, task_id: str) -> TaskFolder:
        """Reserve a task for one upload and return where it goes. Raises Refusal 403, 404, 409."""
        self._awaiting_upload(task_id)
        if task_id in self._uploading:
            raise Refusal(409, "OperationAborted", "Another upload to this task is under way.")
        self._uploading.add(task_id)
        folder = self._data.task(task_id)
        folder.make()
        return folder

    def _awaiting_upload(self, task_id: str) -> TaskRecord:
        task = self.task(task_id)
        if task.status is not Status.WAITING:
            raise Refusal(403, "AccessDenied", "This task does not wait for a file any more.")
        return task

    def end_upload(self, task_id: str) -> None:
        """Let go of the reservation; without a completed upload the task goes on waiting."""
        self._uploading.discard(task_id)

    async def complete_upload(self, task_id: str, folder: TaskFolder, filename: str) -> None:
        """End the task with the file that lies at `work/upload`."""
        task = self._awaiting_upload(task_id)
        outcome = uploaded(folder.work / "upload", filename)
        try:
            ended = await self._scheduler.delivered(task, OPERATIONS[task.operation], outcome)
        except TaskFailure as failure:
            ended = failed(task, failure)
            await asyncio.to_thread(folder.clear, keep_inputs=False)
        self._scheduler.finish(ended)

    # Retention

    async def sweep(self, retention: timedelta, mentioned: Mentioned) -> None:
        """Delete what ended longer ago than `retention`, and give up on forgotten uploads.

        What `mentioned` names by the id or tag of a job, or the id of one of its tasks, stays.
        Raises what `mentioned` raises.
        """
        now = self._scheduler.now_ms()
        names = self._names_of_expired(now - _ms(retention))
        every = {name for some in names.values() for name in some}
        kept = set(await mentioned(every)) if every else set()
        for (is_job, one), some in names.items():
            if not kept.isdisjoint(some):
                continue
            with suppress(Refusal):  # deleted by a client meanwhile
                await (self.delete_job(one) if is_job else self.delete_task(one))
        for task in self._store.forgotten_uploads(now - _ms(UPLOAD_PATIENCE)):
            failure = TaskFailure("UPLOAD_FAILED", "No file was uploaded within a day")
            self._scheduler.finish(failed(task, failure))

    def _names_of_expired(self, before: int) -> dict[tuple[bool, str], set[str]]:
        """Return what jobs (True, id) and lone tasks (False, id) can be called by."""
        found: dict[tuple[bool, str], set[str]] = {}
        for job in self._store.expired_jobs(before):
            tasks = {task.id for task in self._store.tasks_of(job.id)}
            found[True, job.id] = {job.id, *tasks, *((job.tag,) if job.tag else ())}
        for task in self._store.expired_tasks(before):
            found[False, task.id] = {task.id}
        return found

    def resume(self) -> None:
        """Take up what a dead process left: its tasks at work and waiting, its open jobs."""
        self._store.requeue()
        self._data.remove_unknown(self._store.task_ids())
        self._scheduler.settle(self._store.waiting())
        for job in self._store.open_jobs():
            self._scheduler.settle_job(job.id)


def _new_id() -> str:
    return str(uuid.uuid4())


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
