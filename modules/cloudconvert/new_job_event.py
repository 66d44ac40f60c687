"""CloudConvert, "New Job Event". Source: Fusion's CloudConvert page; API v2, webhooks."""

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from engine.errors import DataError
from engine.module import (
    Context,
    Effect,
    Fields,
    Hooked,
    HookEvent,
    HookRequest,
    Http,
    Kind,
    Module,
    Refusal,
    Registration,
    Reply,
)
from modules.cloudconvert.answers import Answer, Flag, Id, Job, Task, Text, Texts, maps
from modules.cloudconvert.failures import REFUSALS, refusal

SIGNATURE: Final = "cloudconvert-signature"

JobEventName = Literal[
    "job.created", "job.finished", "job.failed", "task.created", "task.finished", "task.failed"
]

NOT_FOUND: Final = 404


class NewJobEventFields(Fields):
    """Fields of "New Job Event"."""

    webhook_name: str = Field(min_length=1, examples=["Results"])
    """What people call the webhook; it is shown where `fusion serve` tells of it."""
    event: JobEventName = "job.finished"
    """What to wait for: `job.created`, `job.finished` or `job.failed`; a task that was made alone
    counts as a job. The embedded server also knows `task.created`, `task.finished` and
    `task.failed`."""


class JobEvent(Fields):
    """What the service tells."""

    event: str
    """Which event it is, such as `job.finished`."""
    job: Job | None = None
    """The job with its tasks; files of finished exports are in `tasks[].result.files` for 24 hours.
    None for an event of a task."""
    task: Task | None = None
    """The task of a task's event; None for an event of a job."""


class _Webhook(Answer):
    id: Id
    url: Text = None
    signing_secret: Text = None
    events: Texts = []
    disabled: Flag = None


class _Told(Answer):
    """A delivery's body."""

    event: str
    job: Job | None = None
    task: Task | None = None


class NewJobEvent(Module[NewJobEventFields, JobEvent], Hooked[NewJobEventFields]):
    """Start when a job is created, finished or failed. Run it by `fusion serve`."""

    id = "cloudconvert.new_job_event"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: NewJobEventFields, ctx: Context) -> AsyncIterator[JobEvent]:
        told = _Told.model_validate(ctx.event)
        yield JobEvent(event=told.event, job=told.job, task=told.task)

    async def register(self, fields: NewJobEventFields, url: str, http: Http) -> Registration:
        asked = {"url": url, "events": [fields.event]}
        webhook = _understood(await _call(http, "POST", "/webhooks", json=asked))
        secrets = (webhook.signing_secret,) if webhook.signing_secret else ()
        return Registration({"id": webhook.id}, secrets)

    async def adopt(
        self, fields: NewJobEventFields, url: str, data: Mapping[str, Any], http: Http
    ) -> Registration | None:
        """The service lists the secret too, so none needs to be stored."""
        for webhook in await _webhooks_at(http, url):
            secret, is_for_this = webhook.signing_secret, webhook.events == [fields.event]
            if secret and is_for_this and not webhook.disabled:
                return Registration({"id": webhook.id}, (secret,))
        return None

    async def unregister(self, url: str, data: Mapping[str, Any], http: Http) -> None:
        known = data.get("id")
        ids = [known] if known is not None else [one.id for one in await _webhooks_at(http, url)]
        for webhook_id in ids:
            try:
                await _call(http, "DELETE", f"/webhooks/{webhook_id}")
            except DataError as error:
                if error.detail.get("status") != NOT_FOUND:
                    raise

    def accept(
        self, fields: NewJobEventFields, request: HookRequest, registration: Registration
    ) -> HookEvent | Refusal | None:
        """The signature is checked over the bytes as they came: slashes may be escaped in them."""
        given = request.headers.get(SIGNATURE, "")
        if not _is_signed(request.body, given, registration.secrets):
            return Refusal(401, "the signature is missing or wrong")
        try:
            payload = json.loads(request.body)
            told = _Told.model_validate(payload)
        except (ValueError, ValidationError, RecursionError):
            return Refusal(422, "the body is no event")
        subject = told.task if told.event.startswith("task.") else told.job
        if subject is None:
            return Refusal(422, "the event names no job or task")
        if told.event != fields.event:
            return None
        return HookEvent(f"{told.event}:{subject.id}"[:200], payload)


def _is_signed(body: bytes, given: str, secrets: tuple[str, ...]) -> bool:
    """Compare with each secret there is, in constant time; without any, nothing is signed."""
    found = False
    for secret in filter(None, secrets):
        made = hmac.new(secret.encode(), body, "sha256").hexdigest()
        found |= hmac.compare_digest(made.encode(), given.encode(errors="replace"))
    return found


async def _webhooks_at(http: Http, url: str) -> list[_Webhook]:
    reply = await _call(http, "GET", "/webhooks", query={"filter[url]": url})
    listed = maps(reply.body.get("data")) if isinstance(reply.body, dict) else []
    return [
        _Webhook.model_validate(one)
        for one in listed
        if one.get("url") == url and isinstance(one.get("id"), int | str)
    ]


async def _call(http: Http, method: str, path: str, **more: Any) -> Reply:
    """Send a request; what it needs is the scope `webhook.read` or `webhook.write`."""
    reply = await http.request(method, path, accept=REFUSALS, **more)
    if reply.status in REFUSALS:
        raise refusal(method, path, reply)
    return reply


def _understood(reply: Reply) -> _Webhook:
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    try:
        return _Webhook.model_validate(data)
    except ValidationError as error:
        detail = {"status": reply.status, "answer": "unreadable"}
        raise DataError("CloudConvert's answer holds no webhook", detail=detail) from error
