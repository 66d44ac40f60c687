"""Calls to CloudConvert: jobs and tasks made, shown, listed and deleted. Source: API v2."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from engine.errors import (
    DataError,
    ModuleError,
    ModuleTimeoutError,
    RateLimitError,
    ServiceConnectionError,
)
from engine.module import Context, Reply
from modules.cloudconvert.answers import Answer, Job, Task, maps
from modules.cloudconvert.failures import REFUSALS, TOO_MANY_JOBS, outcome_unknown, refusal

LOOK_UPS: Final = tuple(timedelta(seconds=wait) for wait in (0, 1, 3))
"""Waits before each look for what a request without a usable answer may have made."""

DELETIONS: Final = LOOK_UPS
"""Waits before each attempt at a deletion."""

FIRST_PARALLEL_WAIT: Final = timedelta(seconds=2)
LONGEST_PARALLEL_WAIT: Final = timedelta(seconds=90)
"""How long a creation waits in all for other jobs to end, of an account that has too many."""

PER_PAGE: Final = 100
"""Entries of a list that are asked for at once; the service's own default."""

DELETING: Final = "deleting"
"""What the detail of a failed deletion keeps for a replay: what was to be deleted."""

Made = TypeVar("Made")
Understood = TypeVar("Understood", bound=Answer)


async def call(ctx: Context, method: str, path: str, **more: Any) -> Reply:
    """Send a request; `more` as for `Http.request`. Raises by CloudConvert's own table."""
    reply = await ctx.http.request(method, path, accept=REFUSALS, **more)
    if reply.status in REFUSALS:
        raise refusal(method, path, reply)
    return reply


async def get(ctx: Context, path: str, kind: type[Understood], *, include: str = "") -> Understood:
    """Return what lies at a path. Raises DataError if it does not exist, or no longer."""
    query = {"include": include} if include else None
    return understood(await call(ctx, "GET", path, query=query), kind)


def understood(reply: Reply, kind: type[Understood]) -> Understood:
    """Return what an answer holds. Raises DataError if it is not of that kind."""
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        detail = {"status": reply.status, "answer": "unreadable"}
        text = f"CloudConvert's answer holds no {kind.__name__.lower()}"
        raise DataError(text, detail=detail) from error


async def once(
    ctx: Context,
    make: Callable[[], Awaitable[Made]],
    look: Callable[[], Awaitable[Made | None]],
) -> Made:
    """Make something, once: if the answer is lost, what was made is looked up.

    Raises what the making raised if nothing is found, or if the service does not say.
    """
    try:
        return await make()
    except ModuleError as error:
        found = await _looked_up(ctx, look) if is_lost(error) else None
        if found is None:
            raise
        return found


def is_lost(error: ModuleError) -> bool:
    """Tell whether a request may have been carried out although it failed."""
    if isinstance(error, DataError):
        return error.detail.get("answer") == "unreadable"
    if isinstance(error, RateLimitError) or error.detail.get("sent") is False:
        return False
    return isinstance(error, ServiceConnectionError)


async def _looked_up(ctx: Context, look: Callable[[], Awaitable[Made | None]]) -> Made | None:
    """Look a few times; None too if the service does not say."""
    for wait in LOOK_UPS:
        await ctx.sleep(wait)
        try:
            found = await look()
        except (ServiceConnectionError, DataError):
            return None
        if found is not None:
            return found
    return None


# Jobs


async def create_job(ctx: Context, tasks: Mapping[str, Any], tag: str) -> Job:
    """Create a job, once: it is looked up by its tag, so a repeat must use the same tag."""
    return await once(ctx, lambda: _created(ctx, tasks, tag), lambda: find_job(ctx, tag))


async def create_own_job(ctx: Context, tasks: Mapping[str, Any], tag: str) -> Job:
    """Create a job with a tag of the author's, which other jobs may bear too.

    If the answer is lost and a job bears the tag, or the service does not say whether one does, it
    is not known what became of the request: a RuntimeError that nothing repeats by itself.
    """
    told = False

    async def look() -> Job | None:
        nonlocal told
        found = await find_job(ctx, tag)
        told = True
        return found

    try:
        return await _created(ctx, tasks, tag)
    except RateLimitError:
        raise
    except (ServiceConnectionError, DataError) as error:
        if not is_lost(error):
            raise
        if await _looked_up(ctx, look) is None and told:
            raise
        raise outcome_unknown(tag, error) from error


async def _created(ctx: Context, tasks: Mapping[str, Any], tag: str) -> Job:
    """Create a job; while the account has too many at once, wait until one of them ends."""
    waited = timedelta()
    pause = FIRST_PARALLEL_WAIT
    while True:
        try:
            reply = await call(ctx, "POST", "/jobs", json={"tasks": tasks, "tag": tag})
            return understood(reply, Job)
        except RateLimitError as error:
            wait = max(pause, error.retry_after or pause)
            is_full = error.detail.get("code") == TOO_MANY_JOBS
            if not is_full or waited + wait > LONGEST_PARALLEL_WAIT:
                raise
        await ctx.sleep(wait)
        waited += wait
        pause *= 2


async def get_job(ctx: Context, job_id: str) -> Job:
    """Return a job with its tasks. Raises DataError if it does not exist, or no longer."""
    return await get(ctx, f"/jobs/{job_id}", Job)


async def delete_job(ctx: Context, job_id: str) -> None:
    """Delete a job with its tasks and files; running work is stopped. Gone already is fine."""
    await _deleted(ctx, f"/jobs/{job_id}", gone_is_done=True)


async def find_job(ctx: Context, tag: str) -> Job | None:
    """Return the job with the tag, None if there is none."""
    reply = await call(ctx, "GET", "/jobs", query={"filter[tag]": tag, "include": "tasks"})
    listed = maps(reply.body.get("data")) if isinstance(reply.body, dict) else []
    ids = [str(entry["id"]) for entry in listed if entry.get("tag") == tag and "id" in entry]
    return await get_job(ctx, ids[0]) if ids else None


# Tasks


async def get_task(ctx: Context, task_id: str, *, include: str = "") -> Task:
    """Return a task. Raises DataError if it does not exist, or no longer."""
    return await get(ctx, f"/tasks/{task_id}", Task, include=include)


# Lists and deletions


async def listed(ctx: Context, path: str, limit: int, **query: str | None) -> list[dict[str, Any]]:
    """Return the first entries of a list with an id, `limit` at most; a query of None is left out.

    All are fetched before the first is passed on: what a scenario does to one of them, such as
    deleting it, would move the rest from page to page. For the same reason none comes twice.
    """
    wanted = {name: value for name, value in query.items() if value is not None}
    wanted["per_page"] = str(min(limit, PER_PAGE))
    found: dict[str, dict[str, Any]] = {}
    page = 0
    is_last = False
    while not is_last and len(found) < limit:
        page += 1
        reply = await call(ctx, "GET", path, query={**wanted, "page": page})
        known = len(found)
        found |= {str(each["id"]): each for each in entries(reply) if each.get("id") is not None}
        is_last = len(found) == known or _is_last(reply, min(limit, PER_PAGE))
        ctx.progress(min(len(found), limit), limit)
    first = list(found.values())[:limit]
    ctx.progress(len(first), len(first))
    return first


def entries(reply: Reply) -> list[dict[str, Any]]:
    """Return the entries of a list's page. Raises DataError if there is no list."""
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    if not isinstance(data, list):
        detail = {"status": reply.status, "answer": "unreadable"}
        raise DataError("CloudConvert's answer holds no list", detail=detail)
    return maps(data)


def _is_last(reply: Reply, per_page: int) -> bool:
    links = reply.body.get("links")
    if isinstance(links, dict) and "next" in links:
        return links["next"] is None
    return len(reply.body["data"]) < per_page


async def delete(ctx: Context, path: str) -> None:
    """Delete something that is there; an attempt whose answer is lost is repeated.

    Raises DataError if it was gone before the first attempt, that of a replayed failure included.
    """
    unknown = ctx.in_doubt or ctx.earlier.get(DELETING) == path
    for wait in DELETIONS:
        await ctx.sleep(wait)
        try:
            await _deleted(ctx, path, gone_is_done=unknown)
        except ServiceConnectionError as error:
            unknown = unknown or is_lost(error)
            if unknown:
                error.detail[DELETING] = path
            hopeless = isinstance(error, RateLimitError | ModuleTimeoutError)
            if hopeless or wait == DELETIONS[-1]:
                raise
        else:
            return


async def _deleted(ctx: Context, path: str, *, gone_is_done: bool) -> None:
    try:
        await call(ctx, "DELETE", path)
    except DataError as error:
        if not gone_is_done or error.detail.get("status") != 404:
            raise
