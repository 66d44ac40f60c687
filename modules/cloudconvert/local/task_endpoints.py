"""`/v2/tasks` and `POST /v2/{operation}`: one method per endpoint."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.reading import included, is_blocking, page_of, while_connected
from modules.cloudconvert.local.records import TaskRecord
from modules.cloudconvert.local.replies import data_reply, json_reply
from modules.cloudconvert.local.validation import check_lone_task


class TaskEndpoints:
    """Source: CloudConvert API v2, tasks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._jobs = parts.jobs

    async def create(self, request: Request) -> Response:
        body = await self._parts.body(request)
        shop = await asyncio.shield(self._parts.shop)
        new = check_lone_task(request.path_params["operation"], body, shop.inventory)
        task = await self._jobs.create_task(new)
        if is_blocking(request) and not new.operation.awaits_upload:
            task = await while_connected(request, self._jobs.wait_for_task(task.id))
        return data_reply(self._parts.answers(request).task(task), 201)

    async def show(self, request: Request) -> Response:
        if is_blocking(request):
            return await self.wait(request)
        return self._answer(request, self._jobs.task(request.path_params["id"]))

    async def wait(self, request: Request) -> Response:
        waiting = self._jobs.wait_for_task(request.path_params["id"])
        return self._answer(request, await while_connected(request, waiting))

    def _answer(self, request: Request, task: TaskRecord, status: int = 200) -> Response:
        return data_reply(self._shown(request, task, single=True), status)

    def _shown(self, request: Request, task: TaskRecord, *, single: bool) -> dict[str, Any]:
        answers, store = self._parts.answers(request), self._parts.store
        shown, include = answers.task(task), included(request)
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

    async def list(self, request: Request) -> Response:
        page = page_of(request)
        query = request.query_params
        filters = {
            name: query.get(f"filter[{name}]") or None for name in ("status", "job_id", "operation")
        }
        tasks = self._parts.store.list_tasks(filters, limit=page.size + 1, offset=page.offset)
        shown = [self._shown(request, task, single=False) for task in tasks]
        return json_reply(self._parts.answers(request).page("/tasks", dict(query), shown, page))

    async def cancel(self, request: Request) -> Response:
        return self._answer(request, await self._jobs.cancel(request.path_params["id"]))

    async def retry(self, request: Request) -> Response:
        return self._answer(request, await self._jobs.retry(request.path_params["id"]), 201)

    async def delete(self, request: Request) -> Response:
        await self._jobs.delete_task(request.path_params["id"])
        return Response(status_code=204)
