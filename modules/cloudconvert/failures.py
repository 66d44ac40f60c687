"""CloudConvert's refusals and failed jobs as Fusion's error types.

Source: Fusion's CloudConvert page, troubleshooting; CloudConvert API v2, errors.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from engine.errors import (
    DataError,
    InvalidAccessTokenError,
    ModuleError,
    ModuleTimeoutError,
    OutcomeUnknownError,
    RateLimitError,
)
from engine.module import Reply
from modules.cloudconvert.answers import Job, Task

REFUSALS: Final = (402, 403)
"""Statuses that mean more than one thing here."""

CREDITS_TEXT: Final = "You have exceeded the maximum conversion time."
WAITED_TEXT: Final = "Maximum number of repeats exceeded."
SIZE_TEXT: Final = "The output file size exceeds the limit allowed for your scenario."

TOO_MANY_JOBS: Final = "PARALLEL_JOB_LIMIT_EXCEEDED"
"""Code of a refusal that is a rate limit: it passes when one of the account's jobs ends."""

LONGEST_MESSAGE: Final = 1_000
"""Characters of one task's message that go into an error."""

_CREDITS = frozenset({"CREDITS_EXCEEDED", "INSUFFICIENT_CREDITS"})


def refusal(method: str, path: str, reply: Reply) -> ModuleError:
    """Return the error for an answer with a status of `REFUSALS` to a request."""
    body = reply.body if isinstance(reply.body, Mapping) else {}
    code = str(body.get("code") or "")
    said = readable(str(body.get("message") or f"HTTP {reply.status}"))
    detail = {"status": reply.status, "code": code}
    if reply.status == 403 and "scope" in said.lower():
        text = f"CloudConvert refuses: {said} The API key needs `{scope_of(method, path)}`"
        return InvalidAccessTokenError(text, detail=detail)
    if reply.status == 403:
        return DataError(f"CloudConvert refuses: {said}", detail=detail)
    if code == TOO_MANY_JOBS:
        seconds = reply.headers.get("retry-after", "")
        wait = timedelta(seconds=int(seconds)) if seconds[:9].isdecimal() else None
        return RateLimitError(f"CloudConvert: {said}", retry_after=wait, detail=detail)
    return _out_of_credits(said, detail)


def scope_of(method: str, path: str) -> str:
    """Return the scope that a key needs for a request. Source: API v2, scopes; for webhooks and
    `users` by their names, Assumed."""
    words = path.partition("?")[0].split("/")
    about = next((word for word in ("webhooks", "users") if word in words), "tasks")
    return f"{about.removesuffix('s')}.{'read' if method == 'GET' else 'write'}"


def failure_of(job: Job) -> ModuleError:
    """Return the error for a job that ended in error: what its failed tasks say, root causes only.

    The detail lists them, with the job's id and tag.
    """
    failed = [task for task in job.each_task() if task.status == "error"]
    roots = [task for task in failed if task.code != "INPUT_TASK_FAILED"] or failed
    said = "; ".join(map(_said, roots)) or "the job failed without saying why"
    return _typed_failure(roots, said, {"job_id": job.id, "tag": job.tag})


def failure_of_task(task: Task) -> ModuleError:
    """Return the error for a task that ended in error; the detail has its id."""
    return _typed_failure([task], _said(task), {"task_id": task.id})


def _typed_failure(roots: Sequence[Task], said: str, about: Mapping[str, Any]) -> ModuleError:
    tasks = [
        {"name": task.name, "operation": task.operation, "code": task.code, "message": task.message}
        for task in roots
    ]
    detail = {**about, "tasks": tasks}
    codes = {task.code for task in roots}
    if codes & _CREDITS:
        return _out_of_credits(said, detail)
    if codes == {"TIMEOUT"}:
        return ModuleTimeoutError(said, detail=detail)
    return DataError(said, detail=detail)


def _said(task: Task) -> str:
    message = readable(task.message or f"task {task.name or task.operation} failed")
    return f"{message} (Code: {task.code})" if task.code else message


def _out_of_credits(said: str, detail: dict[str, Any]) -> ModuleError:
    return ModuleError(f"{CREDITS_TEXT} {said}", detail=detail, storable=True)


def waited_too_long(late: Job | Task) -> ModuleError:
    """Return the error for a job or task that has not ended in time; it goes on."""
    word = type(late).__name__.lower()
    tag = {"tag": late.tag} if isinstance(late, Job) else {}
    return ModuleError(
        WAITED_TEXT,
        detail={f"{word}_id": late.id, **tag, "status": late.status},
        notes=(f"{word} {late.id} goes on; `wait_limit` sets how long to wait for it",),
        storable=True,
    )


def outcome_unknown(tag: str, cause: ModuleError) -> ModuleError:
    """Return the error for a job that may or may not have been created under an author's tag."""
    return OutcomeUnknownError(
        f"whether CloudConvert took the job is not known: {cause.message}",
        detail={**cause.detail, "tag": tag},
        notes=(f"look for a new job with the tag {tag!r} before this is repeated",),
    )


def readable(text: str) -> str:
    """Return a text of the service with control characters escaped, cut to a bearable length."""
    shown = "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text)
    return shown if len(shown) <= LONGEST_MESSAGE else shown[: LONGEST_MESSAGE - 1] + "…"
