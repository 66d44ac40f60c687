"""Runs tasks: asks the graph what may start, keeps a bounded number at work, writes down the end.

Everything happens on the server's event loop. State is in the store; what is lost with the process
(percentages, running children) is only in memory. Next: `operations`, which do the work.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from engine.module import Fetch
from modules.cloudconvert.local.account import Account
from modules.cloudconvert.local.children import Children
from modules.cloudconvert.local.data import DataFolder
from modules.cloudconvert.local.ends import Ends
from modules.cloudconvert.local.files import Source, keep, link_inputs
from modules.cloudconvert.local.graph import Fail, Standing, Start, decide, verdict
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Operation, Outcome, Work
from modules.cloudconvert.local.operations.registry import OPERATIONS
from modules.cloudconvert.local.records import Status, TaskRecord
from modules.cloudconvert.local.refusal import TaskFailure
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.signals import Signal
from modules.cloudconvert.local.store import Store

LOG = logging.getLogger(__name__)

STORE_RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Shop:
    """What tasks work with, found when the server starts."""

    inventory: Inventory
    children: Children
    fetch: Fetch


class Scheduler:
    """The tasks at work. `shop` comes when the engines are known; tasks wait for it."""

    def __init__(
        self,
        store: Store,
        data: DataFolder,
        settings: Settings,
        shop: "asyncio.Future[Shop]",
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._data, self._settings = store, data, settings
        self._shop, self._now = shop, now
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._owners: dict[str, str] = {}
        self._percent: dict[str, int] = {}
        self._heavy = asyncio.Semaphore(settings.heavy)
        self._light = asyncio.Semaphore(settings.transfers)
        self._busy = 0
        self.account = Account(settings.quotas, now)
        self._stopping = False
        self.changed = Signal()
        self.ends = Ends()

    def now_ms(self) -> int:
        """Return the moment as records hold it."""
        return int(self._now().timestamp() * 1000)

    def percent(self, task: TaskRecord) -> int:
        return 100 if task.status.ended else self._percent.get(task.id, 0)

    def running_jobs(self) -> int:
        """Count the jobs and lone tasks in which something is at work or about to be.

        A job that only waits for an upload does not count: nobody may ever send it.
        """
        return len(set(self._owners.values()))

    # What may run

    def settle(self, tasks: Iterable[TaskRecord], *, job_id: str | None = None) -> None:
        """Start or fail those of the waiting tasks whose inputs allow it, and end their jobs.

        `job_id` is a job that may end though none of its tasks waits.
        """
        queue = list(tasks)
        jobs = {} if job_id is None else {job_id: None}
        for task in queue:
            if task.job_id is not None:
                jobs[task.job_id] = None
            if task.status is not Status.WAITING or task.id in self._runs:
                continue
            match decide(self._standings(task.inputs)):
                case Start() if not OPERATIONS[task.operation].awaits_upload:
                    self._start(task)
                case Fail(code, message, excused):
                    failed = replace(
                        task, code=code, message=message, excused=excused or task.ignore_error
                    )
                    self._end(replace(failed, status=Status.ERROR, credits=0))
                    queue += self._store.waiting_on(task.id)
        for one in jobs:
            self.settle_job(one)
        self.changed.give()

    def settle_job(self, job_id: str) -> None:
        """End a job once nothing in it can run any more."""
        standings = self._store.standings_in(job_id)
        ended = None if standings is None else verdict(standings)
        if ended is None:
            return
        job = self._store.job(job_id)
        if job is None or job.status.ended:
            return
        self._store.end_job(job_id, ended, self.now_ms())
        self.ends.tell(job_id)
        self.changed.give()

    def _standings(self, ids: Sequence[str]) -> list[Standing | None]:
        known = self._store.standings(ids)
        return [known.get(one) for one in ids]

    def _start(self, task: TaskRecord) -> None:
        if self._stopping:
            return
        self._owners[task.id] = task.job_id or task.id
        self._runs[task.id] = asyncio.create_task(self._run(task), name=f"task {task.id}")

    def _end(self, task: TaskRecord) -> bool:
        """Write down how a task ended; False if it was deleted meanwhile."""
        is_known = self._store.end_task(task, self.now_ms())
        self.ends.tell(task.id)
        return is_known

    # One task

    async def _run(self, task: TaskRecord) -> None:
        operation = OPERATIONS[task.operation]
        try:
            async with self._heavy if operation.heavy else self._light:
                self._busy += operation.heavy
                try:
                    ended = await self._attempt(task, operation)
                finally:
                    self._busy -= operation.heavy
            await self._written(ended)
        finally:
            self._runs.pop(task.id, None)
            self._owners.pop(task.id, None)
            self._percent.pop(task.id, None)
            self.changed.give()

    async def _written(self, task: TaskRecord) -> None:
        """Write down how a task ended; a full disk is waited for, its result is not thrown away."""
        while True:
            try:
                return self.finish(task)
            except sqlite3.Error:
                LOG.exception("the end of task %s cannot be stored; trying again", task.id)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    def finish(self, task: TaskRecord) -> None:
        """Write down how a task ended and let go on what waited for it."""
        if self._end(task):
            self.settle(self._store.waiting_on(task.id), job_id=task.job_id)

    async def _attempt(self, task: TaskRecord, operation: Operation) -> TaskRecord:
        """Run a task and return how it ended; only cancellation escapes."""
        ended = await self._outcome(task, operation)
        if ended.status is Status.ERROR:
            folder = self._data.task(task.id)
            await asyncio.to_thread(folder.clear, keep_inputs=operation.spool is not None)
        return ended

    async def _outcome(self, task: TaskRecord, operation: Operation) -> TaskRecord:
        self._store.begin_task(task.id, self.now_ms())
        self.changed.give()
        try:
            self.account.afford(operation.credits)
            work = await self._work(task, operation, await asyncio.shield(self._shop))
            async with asyncio.timeout(self._seconds(work)):
                outcome = await operation.run(work)
            return await self.delivered(task, operation, outcome)
        except TaskFailure as failure:
            return failed(task, failure)
        except TimeoutError:
            return failed(task, TaskFailure("TIMEOUT", "The task took longer than it may"))
        except OSError as error:
            text = os.strerror(error.errno) if error.errno else str(error)
            return failed(task, TaskFailure("CONVERSION_FAILED", f"Disk: {text}"))
        except Exception as error:
            # A fault of ours in one task must not stop the others.
            LOG.exception("task %s (%s) broke", task.id, task.operation)
            text = f"The server failed: {type(error).__name__}: {error}"
            return failed(task, TaskFailure("INTERNAL_ERROR", text))

    def _seconds(self, work: Work) -> int:
        wanted: int | None = getattr(work.fields, "timeout", None)
        return wanted or self._settings.limits.timeout_seconds

    async def _work(self, task: TaskRecord, operation: Operation, shop: Shop) -> Work:
        folder = self._data.task(task.id)
        folder.make()
        known = self._store.tasks_by_id(task.inputs)
        sources = [
            Source(self._data.task(one).result(file.position), file, known[one])
            for one in task.inputs
            if one in known and known[one].status is Status.FINISHED
            for file in known[one].files
        ]
        inputs = await link_inputs(sources, folder, self._settings.limits)
        try:
            fields = operation.fields.model_validate(task.payload)
        except ValidationError as error:
            # Checked at creation; only another version of this program can get here.
            raise TaskFailure("INVALID_DATA", str(error)) from error
        return Work(
            task=task,
            fields=fields,
            inputs=inputs,
            folder=folder,
            inventory=shop.inventory,
            limits=self._settings.limits,
            fetch=shop.fetch,
            children=shop.children,
            threads=max(1, (os.cpu_count() or 1) // max(1, self._busy)),
            report=lambda percent: self._report(task.id, percent),
        )

    def _report(self, task_id: str, percent: int) -> None:
        self._percent[task_id] = max(self._percent.get(task_id, 0), min(percent, 99))

    async def delivered(
        self, task: TaskRecord, operation: Operation, outcome: Outcome
    ) -> TaskRecord:
        """Check and keep the results, and remove what only the work needed.

        Raises TaskFailure if one is not what it should be.
        """
        files = await keep(
            outcome.files,
            self._data.task(task.id),
            hashed=self.account.sandbox,
            keep_inputs=operation.spool is not None,
        )
        if operation.name.startswith("import/"):
            for file in files:
                self.account.admit_file(file)
        return replace(
            task,
            status=Status.FINISHED,
            message=None,
            code=None,
            credits=self.account.pay(operation.credits),
            engine=outcome.engine,
            engine_version=outcome.engine_version,
            files=tuple(files),
            facts=outcome.facts,
        )

    # From outside

    async def halt(self, task_ids: Iterable[str]) -> None:
        """Stop tasks at work, their processes included; what is stored of them stays."""
        running = [self._runs[one] for one in task_ids if one in self._runs]
        for run in running:
            run.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def cancel(self, task: TaskRecord) -> None:
        """End a task that waits or works, on request."""
        await self.halt([task.id])
        current = self._store.task(task.id)
        if current is not None and not current.status.ended:
            self.finish(failed(current, TaskFailure("CANCELLED", "The task was cancelled")))

    async def stop(self) -> None:
        """Stop everything; tasks at work count as waiting when the next server starts."""
        self._stopping = True
        self.ends.close()
        self.changed.give()
        while self._runs:
            await self.halt(list(self._runs))


def failed(task: TaskRecord, failure: TaskFailure) -> TaskRecord:
    """Return the task as it ends by a failure."""
    return replace(
        task,
        status=Status.ERROR,
        code=failure.code,
        message=failure.message,
        credits=0,
        excused=task.ignore_error,
    )
