"""CloudConvert's jobs and tasks as answers show them, and modules emit them.

Unknown and missing items of an answer never matter, unless nothing can be done without them.
Source: CloudConvert API v2, resources.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field

from engine.module import Fields

ENDED: Final = frozenset({"finished", "error"})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: Any) -> datetime | None:
    """Return a moment in UTC; None for what is no date."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value if item is not None] if isinstance(value, list) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def maps(value: Any) -> list[Any]:
    """Return the collections of a list; none for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(_text)]
Id = Annotated[str, BeforeValidator(_text)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Map = Annotated[dict[str, Any], BeforeValidator(_map)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(maps)]
List = Annotated[list[Any], BeforeValidator(_list)]
Texts = Annotated[list[str], BeforeValidator(_texts)]


class Answer(Fields):
    """Base of what the service sends."""

    model_config = ConfigDict(extra="ignore")


class Exported(Answer):
    """A file of a task's result; `url` is None unless the task exports, `md5` mostly."""

    filename: Text = None
    size: Whole = None
    url: Text = None
    md5: Text = None


class Task(Answer):
    """A task, of a job or alone."""

    id: Id
    """CloudConvert's id of the task."""
    name: Text = None
    """Its name in its job; None for a task without a job."""
    job_id: Text = None
    """Id of its job; None if it has none."""
    operation: Text = None
    """What it does, such as `convert` or `export/url`."""
    status: Text = None
    """`waiting`, `processing`, `finished` or `error`."""
    message: Text = None
    """Why it failed, or what it waits for; None if there is nothing to tell."""
    code: Text = None
    """Code of the failure, such as `CONVERSION_FAILED`; None if it has not failed."""
    percent: Whole = None
    """How much of it is done, from 0 to 100; means nothing while it waits."""
    credits: Whole = None
    """What it cost; None before its end."""
    created_at: Moment = None
    """When the service took it."""
    started_at: Moment = None
    """When work began; None if it has not."""
    ended_at: Moment = None
    """When it ended; None if it has not."""
    depends_on_task_ids: Texts = Field(default_factory=list)
    """Ids of the tasks whose files it takes."""
    retry_of_task_id: Text = None
    """Id of the task that it repeats; None if it repeats none."""
    copy_of_task_id: Text = None
    """Id of the task whose fields it has; None if they are its own."""
    payload: Map = Field(default_factory=dict)
    """The fields with which it was made. Empty where the service leaves them out, as in lists."""
    engine: Text = None
    """Program that did the work; None before, and for imports and exports."""
    engine_version: Text = None
    """Version of that program."""
    result: Map = Field(default_factory=dict)
    """`files`, each with `filename`, `size` and, from an export, `url`; or an upload's `form`."""
    user_id: Whole = None
    """Number of the account."""
    priority: Whole = None
    """Rank among the waiting tasks; higher ones begin earlier."""
    host_name: Text = None
    """Machine that does the work, if the service tells."""
    storage: Text = None
    """Where its files lie, if the service tells."""
    region: Text = None
    """Region in which it runs, if the service tells."""
    links: Map = Field(default_factory=dict)
    """`self`: the task's address in the API."""

    @property
    def path(self) -> str:
        """Where the service shows it."""
        return f"/tasks/{self.id}"

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def files(self) -> Iterator[Exported]:
        yield from map(Exported.model_validate, maps(self.result.get("files")))


class Job(Answer):
    """A job with its tasks."""

    id: Id
    """CloudConvert's id of the job."""
    tag: Text = None
    """Text under which the job can be found again; None if it was given none."""
    status: Text = None
    """`waiting`, `processing`, `finished` or `error`."""
    created_at: Moment = None
    """When the service took the job."""
    started_at: Moment = None
    """When work began; None if it has not."""
    ended_at: Moment = None
    """When the job ended; None if it has not."""
    tasks: Maps = Field(default_factory=list)
    """The job's tasks as the service describes them."""
    links: Map = Field(default_factory=dict)
    """`self`: the job's address in the API."""

    @property
    def path(self) -> str:
        """Where the service shows it."""
        return f"/jobs/{self.id}"

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def each_task(self) -> Iterator[Task]:
        """Yield the tasks as far as they can be understood."""
        yield from (Task.model_validate(raw) for raw in self.tasks if raw.get("id") is not None)

    def task(self, name: str) -> Task | None:
        """Return the task of that name; their order in answers means nothing."""
        return next((task for task in self.each_task() if task.name == name), None)
