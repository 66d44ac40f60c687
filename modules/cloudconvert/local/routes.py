"""The HTTP face of the server: paths, keys, bodies; decides nothing about jobs.

`/v2/…` answers at once; `/sync/v2/…`, and any host whose name starts with `sync.`, answers when the
job or task has ended. Source: CloudConvert API v2.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route

from modules.cloudconvert.local.answers import Answers, Page, operation_entry
from modules.cloudconvert.local.formats import canonical
from modules.cloudconvert.local.jobs import Jobs
from modules.cloudconvert.local.operations.operation import Entry
from modules.cloudconvert.local.operations.registry import LISTED
from modules.cloudconvert.local.records import JobRecord, TaskRecord
from modules.cloudconvert.local.refusal import Refusal, invalid
from modules.cloudconvert.local.scheduler import Scheduler, Shop
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.signing import Signer
from modules.cloudconvert.local.storage import Storage
from modules.cloudconvert.local.store import Store
from modules.cloudconvert.local.validation import check_job, check_lone_task

LOG = logging.getLogger(__name__)

PER_PAGE = 100
MOST_PER_PAGE = 1000

_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:]+\](:\d+)?")

_CATCH_ALL = frozenset(("/v2/{operation}", "/sync/v2/{operation}"))

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes speak to."""

    store: Store
    jobs: Jobs
    scheduler: Scheduler
    storage: Storage
    signer: Signer
    settings: Settings
    shop: "asyncio.Future[Shop]"
    now: Callable[[], datetime]


def make_app(parts: Parts) -> Starlette:
    """Return the ASGI application."""
    api = Api(parts)
    table: list[tuple[str, str, Endpoint]] = [
        ("POST", "/jobs", api.create_job),
        ("GET", "/jobs", api.list_jobs),
        ("GET", "/jobs/{id}", api.show_job),
        ("GET", "/jobs/{id}/wait", api.await_job),
        ("DELETE", "/jobs/{id}", api.delete_job),
        ("GET", "/tasks", api.list_tasks),
        ("GET", "/tasks/{id}", api.show_task),
        ("GET", "/tasks/{id}/wait", api.await_task),
        ("DELETE", "/tasks/{id}", api.delete_task),
        ("POST", "/tasks/{id}/cancel", api.cancel_task),
        ("POST", "/tasks/{id}/retry", api.retry_task),
        ("GET", "/users/me", api.show_user),
        ("POST", "/{operation:path}", api.create_task),
    ]
    open_table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/operations", api.list_operations),
        ("GET", "/convert/formats", api.list_operations),
    ]
    routes = [
        Route(prefix + path, _answering(endpoint), methods=[method])
        for prefix in ("/v2", "/sync/v2")
        for method, path, endpoint in (
            *open_table,
            *((method, path, api.keyed(endpoint)) for method, path, endpoint in table),
        )
    ]
    routes += [
        Route("/storage/tasks", _answering(parts.storage.upload), methods=["POST"]),
        Route(
            "/storage/tasks/{task_id}/{position:int}/{filename:path}",
            _answering(parts.storage.download),
            methods=["GET", "HEAD"],
        ),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _http_error})


def _answering(endpoint: Endpoint) -> Endpoint:
    """Turn what an endpoint raises into the service's error envelope."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            return _refused(refusal)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception:
            LOG.exception("%s %s broke", request.method, request.url.path)
            return _refused(Refusal(500, "INTERNAL_ERROR", "The server failed; see its log."))

    return answer


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405 and not _is_known(request):
        status = 404
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(status, "BAD_REQUEST")
    text = {404: "Not found.", 405: "The method is not allowed here."}.get(status, "Bad request.")
    return _refused(Refusal(status, code, text))


def _is_known(request: Request) -> bool:
    """Tell whether a path leads somewhere by another method; any path could name an operation."""
    known = (route for route in request.app.routes if route.path_format not in _CATCH_ALL)
    return any(route.matches(request.scope)[0] is not Match.NONE for route in known)


def _refused(refusal: Refusal) -> Response:
    body: dict[str, Any] = {"message": refusal.message, "code": refusal.code}
    if refusal.errors is not None:
        body["errors"] = refusal.errors
    return _json(body, refusal.status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _data(body: Any, status: int = 200) -> Response:
    return _json({"data": body}, status)


class Api:
    """One method per endpoint."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._jobs = parts.jobs

    def keyed(self, endpoint: Endpoint) -> Endpoint:
        """Let an endpoint answer only those who have the key; this comes before everything."""
        expected = f"Bearer {self._parts.settings.token}".encode()

        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, expected):
                raise Refusal(401, "UNAUTHENTICATED", "Unauthenticated.")
            return await endpoint(request)

        return guarded

    # Jobs

    async def create_job(self, request: Request) -> Response:
        body = await self._body(request)
        shop = await asyncio.shield(self._parts.shop)
        blocking = _is_blocking(request)
        new = check_job(body, shop.inventory, blocking=blocking)
        job = await self._jobs.create_job(new)
        if blocking:
            job = await _while_connected(request, self._jobs.wait_for_job(job.id))
            if new.redirect:
                return self._redirect(request, job)
        return self._job_answer(request, self._jobs.job(job.id), 201)

    async def show_job(self, request: Request) -> Response:
        if _is_blocking(request):
            return await self.await_job(request)
        return self._shown_job(request, self._jobs.job(request.path_params["id"]))

    async def await_job(self, request: Request) -> Response:
        waiting = self._jobs.wait_for_job(request.path_params["id"])
        return self._shown_job(request, await _while_connected(request, waiting))

    def _shown_job(self, request: Request, job: JobRecord) -> Response:
        if request.query_params.get("redirect") in ("true", "1"):
            return self._redirect(request, job)
        return self._job_answer(request, job)

    def _job_answer(self, request: Request, job: JobRecord, status: int = 200) -> Response:
        tasks = self._parts.store.tasks_of(job.id)
        return _data(self._answers(request).job(job, tasks), status)

    def _redirect(self, request: Request, job: JobRecord) -> Response:
        for task in self._parts.store.tasks_of(job.id):
            if task.operation == "export/url" and task.files:
                return RedirectResponse(self._answers(request).file_url(task, 0), 302)
        raise invalid({"redirect": ["The job has no finished export/url task with a file."]})

    async def list_jobs(self, request: Request) -> Response:
        page = _page(request)
        query = request.query_params
        jobs = self._parts.store.list_jobs(
            status=query.get("filter[status]") or None,
            tag=query.get("filter[tag]") or None,
            limit=page.size + 1,
            offset=page.offset,
        )
        answers = self._answers(request)
        shown = [answers.job(job, self._tasks_if_wanted(request, job)) for job in jobs]
        return _json(answers.page("/jobs", dict(query), shown, page))

    def _tasks_if_wanted(self, request: Request, job: JobRecord) -> Sequence[TaskRecord] | None:
        return self._parts.store.tasks_of(job.id) if "tasks" in _include(request) else None

    async def delete_job(self, request: Request) -> Response:
        await self._jobs.delete_job(request.path_params["id"])
        return Response(status_code=204)

    # Tasks

    async def create_task(self, request: Request) -> Response:
        body = await self._body(request)
        shop = await asyncio.shield(self._parts.shop)
        new = check_lone_task(request.path_params["operation"], body, shop.inventory)
        task = await self._jobs.create_task(new)
        if _is_blocking(request) and not new.operation.awaits_upload:
            task = await _while_connected(request, self._jobs.wait_for_task(task.id))
        return _data(self._answers(request).task(task), 201)

    async def show_task(self, request: Request) -> Response:
        if _is_blocking(request):
            return await self.await_task(request)
        return self._task_answer(request, self._jobs.task(request.path_params["id"]))

    async def await_task(self, request: Request) -> Response:
        waiting = self._jobs.wait_for_task(request.path_params["id"])
        return self._task_answer(request, await _while_connected(request, waiting))

    def _task_answer(self, request: Request, task: TaskRecord, status: int = 200) -> Response:
        return _data(self._task_with(request, task, single=True), status)

    def _task_with(self, request: Request, task: TaskRecord, *, single: bool) -> dict[str, Any]:
        answers, store = self._answers(request), self._parts.store
        shown, include = answers.task(task), _include(request)
        if "retries" in include:
            shown["retries"] = [answers.task(one) for one in store.retries_of(task.id)]
        if "depends_on_tasks" in include:
            known = store.tasks_by_id(task.inputs)
            shown["depends_on_tasks"] = [
                answers.task(known[one]) for one in task.inputs if one in known
            ]
        if single and "payload" in include:
            shown["payload"] = {"operation": task.operation, **task.payload}
        if single and "job" in include:
            job = store.job(task.job_id) if task.job_id else None
            shown["job"] = answers.job(job) if job else None
        return shown

    async def list_tasks(self, request: Request) -> Response:
        page = _page(request)
        query = request.query_params
        filters = {
            name: query.get(f"filter[{name}]") or None for name in ("status", "job_id", "operation")
        }
        tasks = self._parts.store.list_tasks(filters, limit=page.size + 1, offset=page.offset)
        shown = [self._task_with(request, task, single=False) for task in tasks]
        return _json(self._answers(request).page("/tasks", dict(query), shown, page))

    async def cancel_task(self, request: Request) -> Response:
        return self._task_answer(request, await self._jobs.cancel(request.path_params["id"]))

    async def retry_task(self, request: Request) -> Response:
        return self._task_answer(request, await self._jobs.retry(request.path_params["id"]), 201)

    async def delete_task(self, request: Request) -> Response:
        await self._jobs.delete_task(request.path_params["id"])
        return Response(status_code=204)

    # Others

    async def show_user(self, request: Request) -> Response:
        return _data(self._answers(request).user())

    async def list_operations(self, request: Request) -> Response:
        shop = await asyncio.shield(self._parts.shop)
        query, include = request.query_params, _include(request)
        names = ("operation", "input_format", "output_format", "engine", "engine_version")
        filters = {name: value for name in names if (value := query.get(f"filter[{name}]"))}
        for name in {"input_format", "output_format"} & filters.keys():
            filters[name] = canonical(filters[name])

        everything = query.get("alternatives") in ("true", "1")

        def matches(entry: Entry) -> bool:
            if entry.alternative and not everything:
                return False
            return all(getattr(entry, name) == value for name, value in filters.items())

        found = (entry for operation in LISTED for entry in operation.entries(shop.inventory))
        return _data([operation_entry(entry, include) for entry in found if matches(entry)])

    def _answers(self, request: Request) -> Answers:
        parts = self._parts
        root = parts.settings.base_url or _root(request)
        return Answers(root, f"{root}/v2", parts.scheduler, parts.signer, parts.now())

    async def _body(self, request: Request) -> dict[str, Any]:
        """Read a JSON object; an empty body counts as one without fields."""
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._parts.settings.limits.request_bytes:
                raise Refusal(413, "REQUEST_TOO_LARGE", "The request is too large.")
        if not body.strip():
            return {}
        try:
            parsed = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            text = f"The body is not valid JSON: {error}"
            raise Refusal(400, "BAD_REQUEST", text) from error
        if isinstance(parsed, dict):
            return parsed
        if parsed == []:
            # What PHP makes of an empty map.
            return {}
        raise Refusal(400, "BAD_REQUEST", "The body must be a JSON object.")


async def _while_connected(request: Request, waiting: Coroutine[Any, Any, T]) -> T:
    """Wait for an end as long as somebody is there to hear of it. Raises ClientDisconnect."""
    result = asyncio.ensure_future(waiting)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((result, gone), return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            raise ClientDisconnect
        return result.result()
    finally:
        result.cancel()
        gone.cancel()
        await asyncio.gather(result, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _is_blocking(request: Request) -> bool:
    host = request.headers.get("host", "")
    return request.url.path.startswith("/sync/") or host.lower().startswith("sync.")


def _root(request: Request) -> str:
    """Return scheme and host as the client wrote them."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Refusal(400, "BAD_REQUEST", "The Host header is not usable.")
    return f"{request.url.scheme}://{host.removeprefix('sync.')}"


def _include(request: Request) -> frozenset[str]:
    return frozenset(request.query_params.get("include", "").split(","))


def _page(request: Request) -> Page:
    number = _positive(request, "page", 1)
    size = _positive(request, "per_page", PER_PAGE)
    return Page(number, min(size, MOST_PER_PAGE))


def _positive(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:18]) <= 10**15):
        raise invalid({name: [f"The {name} must be at least 1."]})
    return int(text)
