"""CloudConvert's jobs and tasks: calls, and answers parsed into models.

Unknown and missing items of an answer never matter, unless nothing can be done without them.
Source: CloudConvert API v2.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.errors import DataError, RateLimitError, ServiceConnectionError
from engine.module import Context, Reply
from modules.cloudconvert.failures import REFUSALS, refusal

ENDED: Final = frozenset({"finished", "error"})

LOOK_UPS: Final = tuple(timedelta(seconds=wait) for wait in (0, 1, 3))
"""Waits before each look for a job whose creation got no usable answer."""


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


def _list(value: Any) -> list[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Text = Annotated[str | None, BeforeValidator(_text)]
Number = Annotated[float | None, BeforeValidator(_number)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Map = Annotated[dict[str, Any], BeforeValidator(_map)]
Maps = Annotated[list[dict[str, Any]], BeforeValidator(_list)]


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
        yield from map(Exported.model_validate, _list(self.result.get("files")))


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


async def call(ctx: Context, method: str, path: str, **more: Any) -> Reply:
    """Send a request; `more` as for `Http.request`. Raises by CloudConvert's own table."""
    reply = await ctx.http.request(method, path, accept=REFUSALS, **more)
    if reply.status in REFUSALS:
        raise refusal(reply)
    return reply


async def create_job(ctx: Context, tasks: Mapping[str, Any], tag: str) -> Job:
    """Create a job, once: if the answer is lost, the job is looked up by its tag.

    Raises what the creation raised if no such job is found; a repeat must then use the same tag.
    """
    try:
        reply = await call(ctx, "POST", "/jobs", json={"tasks": tasks, "tag": tag})
        return _job(reply)
    except RateLimitError:
        raise
    except (ServiceConnectionError, DataError) as error:
        if isinstance(error, DataError) and error.detail.get("answer") != "unreadable":
            raise
        found = await _looked_up(ctx, tag)
        if found is None:
            raise
        return found


async def get_job(ctx: Context, job_id: str) -> Job:
    """Return a job with its tasks. Raises DataError if it does not exist, or no longer."""
    return _job(await call(ctx, "GET", f"/jobs/{job_id}"))


async def delete_job(ctx: Context, job_id: str) -> None:
    """Delete a job with its tasks and files; running work is stopped. Gone already is fine."""
    try:
        await call(ctx, "DELETE", f"/jobs/{job_id}")
    except DataError as error:
        if error.detail.get("status") != 404:
            raise


async def find_job(ctx: Context, tag: str) -> Job | None:
    """Return the job with the tag, None if there is none."""
    reply = await call(ctx, "GET", "/jobs", query={"filter[tag]": tag, "include": "tasks"})
    listed = _list(reply.body.get("data")) if isinstance(reply.body, dict) else []
    ids = [str(entry["id"]) for entry in listed if entry.get("tag") == tag and "id" in entry]
    return await get_job(ctx, ids[0]) if ids else None


async def _looked_up(ctx: Context, tag: str) -> Job | None:
    """Look for a job a few times; None too if the service does not say."""
    for wait in LOOK_UPS:
        await ctx.sleep(wait)
        try:
            found = await find_job(ctx, tag)
        except (ServiceConnectionError, DataError):
            return None
        if found is not None:
            return found
    return None


def _job(reply: Reply) -> Job:
    """Return the job of an answer. Raises DataError if there is none in it."""
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    try:
        return Job.model_validate(data)
    except ValidationError as error:
        detail = {"status": reply.status, "answer": "unreadable"}
        raise DataError("CloudConvert's answer holds no job", detail=detail) from error
