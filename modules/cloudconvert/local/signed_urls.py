"""Jobs that come inside a link: who opens it has the job run, and gets its file.

A link is `BASE?job=…[&cache_key=…]&s=…`, where `job` is the job's JSON in base64 and `s` signs all
that stands before it. Results of one `cache_key` are used again as long as the job is kept.
Source: CloudConvert API v2, signed URLs; the official SDKs for Python and Node, which pad and
replace characters differently, so each variant is taken.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.reading import root_of, while_connected
from modules.cloudconvert.local.records import JobRecord, Status
from modules.cloudconvert.local.refusal import Refusal, invalid
from modules.cloudconvert.local.validation import check_job


def decoded_job(text: str) -> dict[str, Any]:
    """Return the job of a link. Raises Refusal 422."""
    plain = text.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
        job = orjson.loads(data)
    except (binascii.Error, ValueError) as error:
        raise invalid({"job": ["The job must be a JSON object in base64."]}) from error
    if not isinstance(job, dict):
        raise invalid({"job": ["The job must be a JSON object in base64."]})
    return job


def is_signed(address: str, given: str, secret: str) -> bool:
    """Tell whether an address was signed as it stands, or as it was before it was encoded."""
    variants = {address, unquote(address)}
    signed = (hmac.new(secret.encode(), one.encode(), "sha256").hexdigest() for one in variants)
    return any(hmac.compare_digest(one.encode(), given.encode()) for one in signed)


class SignedUrls:
    """The endpoint; it needs no key."""

    def __init__(self, parts: Parts, secret: str) -> None:
        self._parts, self._secret = parts, secret

    async def open(self, request: Request) -> Response:
        """Run the job and redirect to its file. Raises Refusal 403 for a forged link."""
        query = self._checked(request)
        cache_key = query.get("cache_key")
        url = await self._cached(request, cache_key)
        if url is None:
            url = await self._made(request, decoded_job(query.get("job", "")), cache_key)
        return RedirectResponse(url, 302)

    def _checked(self, request: Request) -> Mapping[str, str]:
        root = self._parts.settings.base_url or root_of(request)
        signed, _, given = request.url.query.rpartition("&s=")
        if not is_signed(f"{root}{request.url.path}?{signed}", given, self._secret):
            raise Refusal(403, "FORBIDDEN", "The signature does not match the link.")
        return {name: values[0] for name, values in parse_qs(signed).items()}

    async def _cached(self, request: Request, cache_key: str | None) -> str | None:
        job = self._parts.store.cached_job(cache_key) if cache_key else None
        return None if job is None else await self._result(request, job)

    async def _made(self, request: Request, body: dict[str, Any], cache_key: str | None) -> str:
        self._parts.account.count_creation()
        shop = await asyncio.shield(self._parts.shop)
        new = check_job(body, shop.inventory, blocking=True)
        job = await self._parts.jobs.create_job(new, cache_key=cache_key)
        url = await self._result(request, job)
        if url is None:
            raise self._failure(job.id)
        return url

    async def _result(self, request: Request, job: JobRecord) -> str | None:
        await while_connected(request, self._parts.jobs.wait_for_job(job.id))
        return self._parts.answers(request).first_export(self._parts.store.tasks_of(job.id))

    def _failure(self, job_id: str) -> Refusal:
        """Return why there is no file: what failed by itself, not what failed with it. Assumed."""
        failed = [
            f"{task.message} (Code: {task.code})"
            for task in self._parts.store.tasks_of(job_id)
            if task.status is Status.ERROR and task.code != "INPUT_TASK_FAILED"
        ]
        texts = failed or ["The job has no finished export/url task with a file."]
        return invalid({"job": texts})
