"""Jobs, tasks and webhooks in SQLite: one connection, owned by the server's thread.

Statements are short and run on the event loop, so no two coroutines see a half-made change. The
data folder's lock keeps every other process away. What has to be told to webhooks is written in the
transaction of what happened.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from engine.module import lasting
from modules.cloudconvert.local.graph import Standing
from modules.cloudconvert.local.records import (
    DeliveryRecord,
    JobRecord,
    Status,
    StoredFile,
    TaskRecord,
    WebhookRecord,
)
from modules.cloudconvert.local.signals import Signal
from modules.cloudconvert.local.webhooks import ending_event

PRAGMAS = (
    # Nobody else may open it, so its locks are taken once, not by each statement.
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
)


@cache
def queries() -> Mapping[str, str]:
    """Read the named statements of `queries.sql`."""
    text = resources.files(__package__).joinpath("queries.sql").read_text("utf-8")
    found: dict[str, str] = {}
    for block in text.split("-- name: ")[1:]:
        name, _, statement = block.partition("\n")
        found[name.strip()] = statement.strip()
    return found


class Store:
    """What the server remembers. `path` is the database file; it is made if there is none."""

    def __init__(self, path: Path) -> None:
        self.told = Signal()
        """Given when there is something new to tell to webhooks."""
        self._wanted: frozenset[str] | None = None
        """Events that some webhook is told of; None: not looked up yet."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(queries()["schema"])
        for table, column in (("tasks", "facts"), ("jobs", "cache_key")):
            if column not in {row["name"] for row in self._rows("columns", of=table)}:
                # A database of an earlier version.
                self._do(f"add_{column}")
        self._do("late_indexes")
        self._do("fill_edges")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        lasting.commit(lambda: self._db.execute("COMMIT"))

    def _rows(self, query: str, **values: Any) -> list[sqlite3.Row]:
        return self._db.execute(queries()[query], values).fetchall()

    def _do(self, query: str, **values: Any) -> int:
        """Change something and return how many rows it was."""
        statement = queries()[query]
        if self._db.in_transaction:
            return self._db.execute(statement, values).rowcount
        return lasting.commit(lambda: self._db.execute(statement, values)).rowcount

    # Writing

    def add_job(self, job: JobRecord, tasks: Sequence[TaskRecord]) -> None:
        with self._writing():
            self._do("insert_job", **asdict(job))
            for task in tasks:
                self._insert(task)
            self._tell("job.created", job.created_at, job_id=job.id)
            for task in tasks:
                self._tell("task.created", task.created_at, task_id=task.id)

    def add_task(self, task: TaskRecord) -> None:
        """Add a lone task; webhooks hear of it as of a job."""
        with self._writing():
            self._insert(task)
            for event in ("job.created", "task.created"):
                self._tell(event, task.created_at, task_id=task.id)

    def _insert(self, task: TaskRecord) -> None:
        row = _row_of(task)
        self._do("insert_task", **row)
        self._do("insert_edges", id=task.id, inputs=row["inputs"])

    def begin_task(self, task_id: str, at: int) -> None:
        self._do("begin_task", id=task_id, at=at)

    def end_task(self, task: TaskRecord, at: int) -> bool:
        """Write down how a task ended: its status, texts, engine and files.

        Returns False if there is no such task any more.
        """
        with self._writing():
            if not self._do("end_task", **_row_of(task), at=at):
                return False
            self._tell(ending_event("task", task.status), at, task_id=task.id)
            if task.job_id is None:
                self._tell(ending_event("job", task.status), at, task_id=task.id)
            return True

    def end_job(self, job_id: str, status: Status, at: int) -> None:
        event = ending_event("job", status)
        with self._writing():
            self._do("end_job", id=job_id, status=status, at=at)
            self._tell(event, at, job_id=job_id)
            if self._do("tell_the_jobs_own", event=event, job_id=job_id, at=at):
                self.told.give()

    def _tell(
        self, event: str, at: int, *, job_id: str | None = None, task_id: str | None = None
    ) -> None:
        """Note what the webhooks that asked for the event are to be told."""
        if self._wanted is None:
            self._wanted = frozenset(row["event"] for row in self._rows("wanted_events"))
        if event in self._wanted:
            self._do("tell", event=event, at=at, job_id=job_id, task_id=task_id)
            self.told.give()

    def requeue(self) -> None:
        """Let every task wait again that a dead process was running."""
        self._do("requeue")

    def delete_job(self, job_id: str) -> None:
        """Forget a job and its tasks."""
        self._do("delete_job", id=job_id)

    def delete_task(self, task_id: str) -> None:
        self._do("delete_task", id=task_id)

    def adopt(self, other: Path) -> None:
        """Take over all records of another server's database; those already here stay."""
        Store(other).close()  # brings its tables up to date
        self._db.execute("ATTACH DATABASE ? AS other", (str(other),))
        try:
            with self._writing():
                self._do("adopt_jobs")
                self._do("adopt_tasks")
                self._do("fill_edges")
                self._do("adopt_webhooks")
                self._do("adopt_deliveries")
                self._do("forget_adopted_deliveries")
        finally:
            self._db.execute("DETACH DATABASE other")
            self._wanted = None

    # Webhooks

    def add_webhook(
        self, url: str, events: Sequence[str], signing_secret: str, at: int
    ) -> WebhookRecord:
        self._wanted = None
        listed = orjson.dumps(events).decode()
        values = {"url": url, "events": listed, "signing_secret": signing_secret, "at": at}
        return _webhook_of(self._rows("insert_webhook", **values)[0])

    def webhook(self, webhook_id: int) -> WebhookRecord | None:
        return next((_webhook_of(row) for row in self._rows("webhook", id=webhook_id)), None)

    def list_webhooks(self, url: str | None, *, limit: int, offset: int) -> list[WebhookRecord]:
        """Return webhooks, newest first; None does not filter."""
        rows = self._rows("list_webhooks", url=url, limit=limit, offset=offset)
        return [_webhook_of(row) for row in rows]

    def delete_webhook(self, webhook_id: int) -> None:
        """Forget a webhook and its deliveries."""
        self._wanted = None
        self._do("delete_webhook", id=webhook_id)

    # Deliveries

    def due_deliveries(self, now: int, latest: int) -> list[DeliveryRecord]:
        """Return the first due delivery to each receiver, the oldest first.

        What is due after `latest`, when nothing can be, was noted by a clock that ran ahead: now.
        """
        found = self._rows("due_deliveries", now=now, latest=latest)
        rows = (dict(row) for row in found)
        return [DeliveryRecord(**{k: row[k] for k in row if k != "first"}) for row in rows]

    def next_delivery_at(self, now: int) -> int | None:
        """Return when the next delivery becomes due; None if there is none."""
        at: int | None = self._rows("next_delivery", now=now)[0]["at"]
        return at

    def postpone(self, delivery: DeliveryRecord, due_at: int) -> None:
        """Count an attempt, and let the next one be made at `due_at`."""
        self._do("postpone_delivery", id=delivery.id, due_at=due_at)

    def end_delivery(
        self, delivery: DeliveryRecord, at: int, *, failing: bool, disabled: bool = False
    ) -> None:
        """Forget a delivery and note how its webhook does; a disabled one has no deliveries."""
        with self._writing():
            self._do("delete_delivery", id=delivery.id)
            if delivery.webhook_id is None:
                return
            marks = {"failing": failing, "disabled": disabled}
            if self._do("mark_webhook", id=delivery.webhook_id, at=at, **marks):
                self._wanted = None
            if disabled:
                self._do("delete_deliveries_of", id=delivery.webhook_id)

    # Reading

    def job(self, job_id: str) -> JobRecord | None:
        return next((_job_of(row) for row in self._rows("job", id=job_id)), None)

    def cached_job(self, cache_key: str) -> JobRecord | None:
        """Return the newest job of a cache key that has not failed."""
        rows = self._rows("cached_job", cache_key=cache_key)
        return next((_job_of(row) for row in rows), None)

    def task(self, task_id: str) -> TaskRecord | None:
        return next((_task_of(row) for row in self._rows("task", id=task_id)), None)

    def tasks_of(self, *job_ids: str) -> list[TaskRecord]:
        """Return the tasks of the jobs in the order in which they were submitted."""
        ids = orjson.dumps(job_ids).decode()
        return [_task_of(row) for row in self._rows("tasks_of_jobs", ids=ids)]

    def tasks_by_id(self, ids: Sequence[str]) -> dict[str, TaskRecord]:
        """Return those of the tasks that exist."""
        rows = self._rows("tasks_by_id", ids=orjson.dumps(ids).decode())
        return {row["id"]: _task_of(row) for row in rows}

    def standings(self, ids: Sequence[str]) -> dict[str, Standing]:
        """Return how those of the tasks stand that exist."""
        rows = self._rows("standings", ids=orjson.dumps(ids).decode())
        return {row["id"]: _standing_of(row) for row in rows}

    def standings_in(self, job_id: str) -> list[Standing] | None:
        """Return how a job's tasks have ended; None while one of them has not."""
        if self._rows("open_task", job_id=job_id):
            return None
        return [_standing_of(row) for row in self._rows("standings_in_job", job_id=job_id)]

    def list_jobs(
        self, *, status: str | None, tag: str | None, limit: int, offset: int
    ) -> list[JobRecord]:
        """Return jobs, newest first; a filter that is None does not count."""
        rows = self._rows("list_jobs", status=status, tag=tag, limit=limit, offset=offset)
        return [_job_of(row) for row in rows]

    def list_tasks(
        self, filters: Mapping[str, str | None], *, limit: int, offset: int
    ) -> list[TaskRecord]:
        """Return tasks, newest first; `filters` may hold status, job_id and operation."""
        wanted = {name: filters.get(name) for name in ("status", "job_id", "operation")}
        rows = self._rows("list_tasks", **wanted, limit=limit, offset=offset)
        return [_task_of(row) for row in rows]

    def waiting_on(self, task_id: str) -> list[TaskRecord]:
        """Return the waiting tasks that take this one's files."""
        return [_task_of(row) for row in self._rows("waiting_on", id=task_id)]

    def waiting(self) -> list[TaskRecord]:
        return [_task_of(row) for row in self._rows("waiting")]

    def retries_of(self, task_id: str) -> list[TaskRecord]:
        return [_task_of(row) for row in self._rows("retries_of", id=task_id)]

    def count_open(self) -> int:
        """Count the jobs and lone tasks that have not ended."""
        count: int = self._rows("count_open")[0]["count"]
        return count

    def open_jobs(self) -> list[JobRecord]:
        return [_job_of(row) for row in self._rows("open_jobs")]

    def expired_jobs(self, before: int) -> list[JobRecord]:
        return [_job_of(row) for row in self._rows("expired_jobs", before=before)]

    def expired_tasks(self, before: int) -> list[TaskRecord]:
        """Return lone tasks that ended before the moment."""
        return [_task_of(row) for row in self._rows("expired_tasks", before=before)]

    def forgotten_uploads(self, before: int) -> list[TaskRecord]:
        """Return uploads that have been waited for since before the moment."""
        return [_task_of(row) for row in self._rows("forgotten_uploads", before=before)]

    def task_ids(self) -> set[str]:
        return {row["id"] for row in self._rows("task_ids")}


def _job_of(row: sqlite3.Row) -> JobRecord:
    values = dict(row)
    return JobRecord(**values | {"status": Status(values["status"])})


def _standing_of(row: sqlite3.Row) -> Standing:
    return Standing(Status(row["status"]), bool(row["excused"]))


def _webhook_of(row: sqlite3.Row) -> WebhookRecord:
    values = dict(row)
    flags = {name: bool(values[name]) for name in ("disabled", "failing")}
    return WebhookRecord(**values | flags | {"events": tuple(orjson.loads(values["events"]))})


def _task_of(row: sqlite3.Row) -> TaskRecord:
    values = dict(row)
    return TaskRecord(
        **values
        | {
            "status": Status(values["status"]),
            "ignore_error": bool(values["ignore_error"]),
            "excused": bool(values["excused"]),
            "inputs": tuple(orjson.loads(values["inputs"])),
            "payload": orjson.loads(values["payload"]),
            "files": tuple(StoredFile(**file) for file in orjson.loads(values["files"])),
            "facts": orjson.loads(values["facts"]),
        }
    )


def _row_of(task: TaskRecord) -> dict[str, Any]:
    values = {name: getattr(task, name) for name in TaskRecord.__dataclass_fields__}
    return values | {
        "inputs": orjson.dumps(task.inputs).decode(),
        "payload": orjson.dumps(dict(task.payload)).decode(),
        "files": orjson.dumps([asdict(file) for file in task.files]).decode(),
        "facts": orjson.dumps(dict(task.facts)).decode(),
    }
