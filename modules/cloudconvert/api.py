"""Calls to CloudConvert: creating, finding and deleting jobs. Source: CloudConvert API v2."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import ValidationError

from engine.errors import DataError, RateLimitError, ServiceConnectionError
from engine.module import Context, Reply
from modules.cloudconvert.answers import Job, maps
from modules.cloudconvert.failures import REFUSALS, refusal

LOOK_UPS: Final = tuple(timedelta(seconds=wait) for wait in (0, 1, 3))
"""Waits before each look for a job whose creation got no usable answer."""


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
    listed = maps(reply.body.get("data")) if isinstance(reply.body, dict) else []
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
