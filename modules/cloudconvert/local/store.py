"""Jobs and tasks in SQLite: one connection, owned by the server's thread.

Statements are short and run on the event loop, so no two coroutines see a half-made change. The
data folder's lock keeps every other process away.
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

from modules.cloudconvert.local.records import JobRecord, Status, StoredFile, TaskRecord


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
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(queries()["schema"])
        if "facts" not in {row["name"] for row in self._rows("columns")}:
            # A database of an earlier version.
            self._do("add_facts")

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
        self._db.execute("COMMIT")

    def _rows(self, query: str, **values: Any) -> list[sqlite3.Row]:
        return self._db.execute(queries()[query], values).fetchall()

    def _do(self, query: str, **values: Any) -> None:
        self._db.execute(queries()[query], values)

    # Writing

    def add_job(self, job: JobRecord, tasks: Sequence[TaskRecord]) -> None:
        with self._writing():
            self._do("insert_job", **asdict(job))
            for task in tasks:
                self._do("insert_task", **_row_of(task))

    def add_task(self, task: TaskRecord) -> None:
        self._do("insert_task", **_row_of(task))

    def begin_task(self, task_id: str, at: int) -> None:
        self._do("begin_task", id=task_id, at=at)

    def end_task(self, task: TaskRecord, at: int) -> None:
        """Write down how a task ended: its status, texts, engine and files."""
        self._do("end_task", **_row_of(task), at=at)

    def end_job(self, job_id: str, status: Status, at: int) -> None:
        self._do("end_job", id=job_id, status=status, at=at)

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
        finally:
            self._db.execute("DETACH DATABASE other")

    # Reading

    def job(self, job_id: str) -> JobRecord | None:
        return next((_job_of(row) for row in self._rows("job", id=job_id)), None)

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
