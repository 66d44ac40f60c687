"""Which incomplete executions are meant, and what a list shows of each without reading its data."""

from dataclasses import dataclass
from datetime import datetime

from engine.model.execution import IncompleteStatus


@dataclass(frozen=True, slots=True)
class Selection:
    """Incomplete executions that agree with every part that is given; none given: all.

    No `statuses`: all but resolved ones. `text` is sought in the values of the bundles and in names
    of files, whatever the case of its letters; data that is confidential is never found by it.
    """

    scenario_id: str | None = None
    node_id: str | None = None
    error_type: str | None = None
    cause: str | None = None
    """`Cause.id`."""
    created_before: datetime | None = None
    created_since: datetime | None = None
    text: str | None = None
    statuses: tuple[IncompleteStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of an incomplete execution."""

    id: str
    scenario_id: str
    execution_id: str
    node_id: str
    status: IncompleteStatus
    created_at: datetime
    due_at: datetime | None
    attempts: int
    allowed: int
    error_type: str
    message: str
    """Cut where it is very long."""
    hint: str
    """What tells its bundle from the others; empty if there is nothing or it is confidential."""
    cause: str
    """`Cause.id`."""
    position: int
    """Order of arrival in the store."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a selection, oldest first; `more` says that others follow the last one."""

    summaries: tuple[Summary, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Cause:
    """What failed alike: at one node, with one type, and messages that differ in values only."""

    id: str
    scenario_id: str
    node_id: str
    error_type: str
    message: str
    """The message without what varies."""
    count: int
    oldest_id: str
    """Id of the oldest incomplete execution of it that is selected."""
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """What a bulk change did; `busy` are those in progress, which were left alone."""

    done: tuple[str, ...]
    busy: tuple[str, ...]
