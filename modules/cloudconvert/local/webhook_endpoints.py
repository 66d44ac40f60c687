"""`/v2/webhooks`: who is told of what. Deliveries are made elsewhere."""

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.reading import page_of
from modules.cloudconvert.local.records import WebhookRecord
from modules.cloudconvert.local.refusal import not_found
from modules.cloudconvert.local.replies import data_reply, json_reply
from modules.cloudconvert.local.webhooks import check_webhook

LARGEST_ID = 2**63 - 1


class WebhookEndpoints:
    """Source: CloudConvert API v2, webhooks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def create(self, request: Request) -> Response:
        url, events = check_webhook(await self._parts.body(request))
        secret, now = secrets.token_urlsafe(24), self._parts.now_ms()
        webhook = self._parts.store.add_webhook(url, events, secret, now)
        return data_reply(self._parts.answers(request).webhook(webhook), 201)

    async def list(self, request: Request) -> Response:
        page = page_of(request)
        query = request.query_params
        url = query.get("filter[url]") or None
        found = self._parts.store.list_webhooks(url, limit=page.size + 1, offset=page.offset)
        answers = self._parts.answers(request)
        shown: list[dict[str, Any]] = [answers.webhook(one) for one in found]
        return json_reply(answers.page("/webhooks", dict(query), shown, page))

    async def show(self, request: Request) -> Response:
        return data_reply(self._parts.answers(request).webhook(self._found(request)))

    async def delete(self, request: Request) -> Response:
        """Forget a webhook and what was still to be delivered to it."""
        self._parts.store.delete_webhook(self._found(request).id)
        return Response(status_code=204)

    def _found(self, request: Request) -> WebhookRecord:
        text = request.path_params["id"]
        is_id = text.isascii() and text.isdecimal() and int(text[:20]) <= LARGEST_ID
        webhook = self._parts.store.webhook(int(text)) if is_id else None
        if webhook is None:
            raise not_found("Webhook not found.")
        return webhook
