"""`/v2/jobs`: one method per endpoint; the rules are in `jobs` and `validation`."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.reading import included, is_blocking, page_of, while_connected
from modules.cloudconvert.local.records import JobRecord, TaskRecord
from modules.cloudconvert.local.refusal import invalid
from modules.cloudconvert.local.replies import data_reply, json_reply
from modules.cloudconvert.local.validation import check_job


class JobEndpoints:
    """Source: CloudConvert API v2, jobs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._jobs = parts.jobs

    async def create(self, request: Request) -> Response:
        body = await self._parts.body(request)
        shop = await asyncio.shield(self._parts.shop)
        blocking = is_blocking(request)
        new = check_job(body, shop.inventory, blocking=blocking)
        job = await self._jobs.create_job(new)
        if blocking:
            job = await while_connected(request, self._jobs.wait_for_job(job.id))
            if new.redirect:
                return self._redirect(request, job)
        return self._answer(request, self._jobs.job(job.id), 201)

    async def show(self, request: Request) -> Response:
        if is_blocking(request):
            return await self.wait(request)
        return self._shown(request, self._jobs.job(request.path_params["id"]))

    async def wait(self, request: Request) -> Response:
        waiting = self._jobs.wait_for_job(request.path_params["id"])
        return self._shown(request, await while_connected(request, waiting))

    def _shown(self, request: Request, job: JobRecord) -> Response:
        if request.query_params.get("redirect") in ("true", "1"):
            return self._redirect(request, job)
        return self._answer(request, job)

    def _answer(self, request: Request, job: JobRecord, status: int = 200) -> Response:
        tasks = self._parts.store.tasks_of(job.id)
        return data_reply(self._parts.answers(request).job(job, tasks), status)

    def _redirect(self, request: Request, job: JobRecord) -> Response:
        url = self._parts.answers(request).first_export(self._parts.store.tasks_of(job.id))
        if url is None:
            raise invalid({"redirect": ["The job has no finished export/url task with a file."]})
        return RedirectResponse(url, 302)

    async def list(self, request: Request) -> Response:
        page = page_of(request)
        query = request.query_params
        jobs = self._parts.store.list_jobs(
            status=query.get("filter[status]") or None,
            tag=query.get("filter[tag]") or None,
            limit=page.size + 1,
            offset=page.offset,
        )
        answers = self._parts.answers(request)
        shown = [answers.job(job, self._tasks_if_wanted(request, job)) for job in jobs]
        return json_reply(answers.page("/jobs", dict(query), shown, page))

    def _tasks_if_wanted(self, request: Request, job: JobRecord) -> Sequence[TaskRecord] | None:
        return self._parts.store.tasks_of(job.id) if "tasks" in included(request) else None

    async def delete(self, request: Request) -> Response:
        await self._jobs.delete_job(request.path_params["id"])
        return Response(status_code=204)
