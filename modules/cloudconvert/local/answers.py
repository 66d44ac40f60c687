"""Records as CloudConvert shows them. URLs are built per answer, from how the client came here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode

from pydantic.fields import FieldInfo

from modules.cloudconvert.local.operations.operation import Choice, Entry
from modules.cloudconvert.local.records import JobRecord, Status, TaskRecord, WebhookRecord
from modules.cloudconvert.local.scheduler import Scheduler
from modules.cloudconvert.local.signing import Signer

USER_ID = 1


@dataclass(frozen=True, slots=True)
class Answers:
    """Builds answers for one request. `api` is the base with `/v2`, `root` the one without."""

    root: str
    api: str
    scheduler: Scheduler
    signer: Signer
    now: datetime

    def job(self, job: JobRecord, tasks: Sequence[TaskRecord] | None = None) -> dict[str, Any]:
        """Return a job; without `tasks` as lists show it."""
        shown: dict[str, Any] = {
            "id": job.id,
            "tag": job.tag,
            "status": job.status,
            "created_at": timestamp(job.created_at),
            "started_at": timestamp(job.started_at),
            "ended_at": timestamp(job.ended_at),
        }
        if tasks is not None:
            shown["tasks"] = [self.task(task) for task in tasks]
        return shown | {"links": {"self": f"{self.api}/jobs/{job.id}"}}

    def task(self, task: TaskRecord) -> dict[str, Any]:
        """Return a task without the parts that need `include`."""
        shown: dict[str, Any] = {
            "id": task.id,
            "job_id": task.job_id,
            "operation": task.operation,
            "status": task.status,
            "message": task.message,
            "code": task.code,
            "percent": self.scheduler.percent(task),
            "credits": task.credits,
            "created_at": timestamp(task.created_at),
            "started_at": timestamp(task.started_at),
            "ended_at": timestamp(task.ended_at),
            "retry_of_task_id": task.retry_of,
            "copy_of_task_id": task.retry_of,
            "depends_on_task_ids": list(task.inputs),
            "user_id": USER_ID,
            "priority": self.scheduler.account.priority,
            "host_name": None,
            "storage": None,
            "region": None,
            "engine": task.engine,
            "engine_version": task.engine_version,
            "result": self._result(task),
            "links": {"self": f"{self.api}/tasks/{task.id}"},
        }
        return shown if task.name is None else {"name": task.name, **shown}

    def _result(self, task: TaskRecord) -> dict[str, Any] | None:
        if task.operation == "import/upload" and task.status is Status.WAITING:
            parameters = self.signer.form(task.id, self.now)
            return {"form": {"url": f"{self.root}/storage/tasks", "parameters": parameters}}
        if task.status is not Status.FINISHED:
            return None
        files = [self._file(task, position) for position in range(len(task.files))]
        return {"files": files, **task.facts} if files or not task.facts else dict(task.facts)

    def _file(self, task: TaskRecord, position: int) -> dict[str, Any]:
        file = task.files[position]
        shown: dict[str, Any] = {"filename": file.filename, "size": file.size}
        if file.md5 is not None:
            shown["md5"] = file.md5
        if task.operation == "export/url":
            shown["url"] = self.file_url(task, position)
        return shown

    def first_export(self, tasks: Sequence[TaskRecord]) -> str | None:
        """Return the link to the first exported file of a job; None if it has none."""
        exports = (task for task in tasks if task.operation == "export/url" and task.files)
        return next((self.file_url(task, 0) for task in exports), None)

    def file_url(self, task: TaskRecord, position: int) -> str:
        name = task.files[position].filename
        return self.root + self.signer.link(task.id, position, name, self.now)

    def lone(self, task: TaskRecord) -> dict[str, Any]:
        """Return a lone task as a job of one task: so webhooks for jobs hear of it. Assumed."""
        shown = self.task(task)
        kept = ("id", "status", "created_at", "started_at", "ended_at", "links")
        return {name: shown[name] for name in kept} | {"tag": None, "tasks": [shown]}

    def webhook(self, webhook: WebhookRecord) -> dict[str, Any]:
        return {
            "id": webhook.id,
            "url": webhook.url,
            "events": list(webhook.events),
            "disabled": webhook.disabled,
            "failing": webhook.failing,
            "signing_secret": webhook.signing_secret,
            "created_at": timestamp(webhook.created_at),
            "updated_at": timestamp(webhook.updated_at),
            "links": {"self": f"{self.api}/webhooks/{webhook.id}"},
        }

    def page(
        self, path: str, query: Mapping[str, str], shown: Sequence[Mapping[str, Any]], page: "Page"
    ) -> dict[str, Any]:
        """Return a list's envelope; `shown` may hold one entry more than a page does."""
        here = shown[: page.size]
        address = f"{self.api}{path}"

        def link(number: int) -> str:
            return f"{address}?{urlencode({**query, 'page': number})}"

        more = len(shown) > page.size
        return {
            "data": here,
            "links": {
                "first": link(1),
                "last": None,
                "prev": link(page.number - 1) if page.number > 1 else None,
                "next": link(page.number + 1) if more else None,
            },
            "meta": {
                "current_page": page.number,
                "from": page.offset + 1 if here else None,
                "path": address,
                "per_page": page.size,
                "to": page.offset + len(here) if here else None,
            },
        }

    def user(self) -> dict[str, Any]:
        account = self.scheduler.account
        return {
            "id": USER_ID,
            "username": "local",
            "email": "local@localhost",
            "created_at": timestamp(0),
            "credits": account.credits_left,
            "paying": True,
            "task_priority": account.priority,
            "tasks_per_minute": account.creations_per_minute,
            "links": {"self": f"{self.api}/users/me"},
        }


@dataclass(frozen=True, slots=True)
class Page:
    number: int
    """From 1."""
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def timestamp(moment: int | None) -> str | None:
    """Return ISO 8601 with a numeric offset and whole seconds, as the service writes it."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment // 1000, UTC).isoformat(timespec="seconds")


def operation_entry(entry: Entry, include: frozenset[str]) -> dict[str, Any]:
    """Return one line of `GET /v2/operations`."""
    shown: dict[str, Any] = {
        "operation": entry.operation,
        "input_format": entry.input_format,
        "output_format": entry.output_format,
        "engine": entry.engine,
        "credits": entry.credits,
        "deprecated": False,
        "experimental": False,
        "meta": {"group": entry.group},
        "alternatives": [],
    }
    if "options" in include:
        shown["options"] = options_of(entry)
    if "engine_versions" in include:
        version = {"version": entry.engine_version, "default": True, "latest": True}
        shown["engine_versions"] = [version | {"deprecated": False, "experimental": False}]
    return shown


def options_of(entry: Entry) -> list[dict[str, Any]]:
    """Describe the options of an entry as the service describes its own."""
    if entry.options is None:
        return []
    fields = entry.options.model_fields
    return [_option(name, field, entry.choices.get(name)) for name, field in fields.items()]


def _option(name: str, field: FieldInfo, choice: Choice | None) -> dict[str, Any]:
    values = _values(field.annotation)
    kind = "enum" if values else _TYPES.get(_plain(field.annotation), "string")
    choice = choice or Choice(_default(field))
    return {
        "name": name,
        "type": kind,
        "default": choice.default,
        "possible_values": list(choice.values) or values or None,
    }


def _default(field: FieldInfo) -> Any:
    """Return what an option is when it is left out; null if it is required."""
    return None if field.is_required() else field.get_default(call_default_factory=True)


_TYPES: Mapping[Any, str] = {bool: "boolean", int: "integer", float: "float"}


def _values(annotation: Any) -> list[str]:
    """Return the values of all `Literal`s in a type."""
    if get_origin(annotation) is Literal:
        return [str(one) for one in get_args(annotation)]
    return [value for one in get_args(annotation) for value in _values(one)]


def _plain(annotation: Any) -> Any:
    """Return the type itself, without None, constraints and alternatives."""
    parts = [one for one in get_args(annotation) if one is not type(None)]
    if not parts or get_origin(annotation) is Literal:
        return annotation
    return _plain(parts[0])
