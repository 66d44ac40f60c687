"""CloudConvert's jobs and tasks as they come in answers, parsed into models.

Unknown and missing items of an answer never matter, unless nothing can be done without them.
Source: CloudConvert API v2.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ENDED: Final = frozenset({"finished", "error"})


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _moment(value: Any) -> datetime | None:
    """Return a moment in UTC; None for what is no date."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def maps(value: Any) -> list[Any]:
    """Return the collections of a list; none for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(_text)]
Number = Annotated[float | None, BeforeValidator(_number)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Map = Annotated[dict[str, Any], BeforeValidator(_map)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(maps)]


class Answer(BaseModel):
    """Base of what the service sends."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class Exported(Answer):
    """A file of a task's result; `url` is None unless the task exports."""

    filename: Text = None
    size: Number = None
    url: Text = None


class Task(Answer):
    """A task of a job."""

    id: str
    name: Text = None
    operation: Text = None
    status: Text = None
    message: Text = None
    code: Text = None
    percent: Number = None
    result: Map = Field(default_factory=dict)

    def files(self) -> Iterator[Exported]:
        yield from map(Exported.model_validate, maps(self.result.get("files")))


class Job(Answer):
    """A job. `raw_tasks` are the tasks as they came, `tasks` as far as they can be understood."""

    id: str
    tag: Text = None
    status: Text = None
    created_at: Moment = None
    started_at: Moment = None
    ended_at: Moment = None
    raw_tasks: Maps = Field(default_factory=list, alias="tasks")
    links: Map = Field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def tasks(self) -> list[Task]:
        return [Task.model_validate(raw) for raw in self.raw_tasks if raw.get("id") is not None]

    def task(self, name: str) -> Task | None:
        """Return the task of that name; their order in answers means nothing."""
        return next((task for task in self.tasks if task.name == name), None)
