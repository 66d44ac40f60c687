"""What the server remembers of jobs and tasks. Moments are milliseconds since 1970, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Of jobs and of tasks. Source: CloudConvert API v2."""

    WAITING = "waiting"
    PROCESSING = "processing"
    FINISHED = "finished"
    ERROR = "error"

    @property
    def ended(self) -> bool:
        return self in (Status.FINISHED, Status.ERROR)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A result file. `position` names it on disk (`out.N`); `filename` is only a label."""

    position: int
    filename: str
    size: int
    """Bytes."""
    md5: str | None = None
    """In hexadecimal digits; only of files in a sandbox."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    id: str
    tag: str | None
    status: Status
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    webhook_url: str | None = None
    cache_key: str | None = None
    """Given by the signed URL that made the job."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task; lone tasks have neither `job_id` nor `name`."""

    id: str
    operation: str
    created_at: int
    job_id: str | None = None
    name: str | None = None
    position: int = 0
    """Place in the job as it was submitted."""
    status: Status = Status.WAITING
    message: str | None = None
    code: str | None = None
    credits: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    retry_of: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    ignore_error: bool = False
    excused: bool = False
    """Failed, but its failure does not fail the job."""
    inputs: tuple[str, ...] = ()
    """Ids of the tasks whose files this one takes, in order."""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """The submitted fields, without spooled content."""
    files: tuple[StoredFile, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What it found out besides: `metadata`, or the `output` of a program."""


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """Somebody who is told of events."""

    id: int
    url: str
    events: tuple[str, ...]
    signing_secret: str = field(repr=False)
    created_at: int = 0
    updated_at: int = 0
    disabled: bool = False
    """It wanted no more; nothing is sent to it."""
    failing: bool = False
    """The last delivery to it was given up."""


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """An event that is still to be told to somebody.

    A lone task's `job.*` events have no `job_id`: the task is told of as a job of one task.
    """

    id: int
    url: str
    event: str
    due_at: int
    webhook_id: int | None = None
    """None: the job's own `webhook_url`."""
    job_id: str | None = None
    task_id: str | None = None
    attempts: int = 0
    """Those already made."""
