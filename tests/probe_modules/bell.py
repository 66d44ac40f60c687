"""An instant trigger without a service."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from engine.module import (
    Bundle,
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
)


class RingFields(Fields):
    name: str = "bell"
    """What people call the hook."""


class Ring(Module[RingFields, Bundle], Hooked[RingFields]):
    """Start for each request with a `word`; the bundles are the event, or what its `each` holds."""

    id = "bell.ring"
    kind = Kind.TRIGGER
    effect = Effect.READ

    async def execute(self, fields: RingFields, ctx: Context) -> AsyncIterator[Bundle]:
        for bundle in ctx.event.get("each", [ctx.event]):
            yield bundle

    async def register(self, fields: RingFields, url: str, http: Http) -> Registration:
        raise NotImplementedError

    async def unregister(self, url: str, data: Mapping[str, Any], http: Http) -> None:
        raise NotImplementedError

    def accept(
        self, fields: RingFields, request: HookRequest, registration: Registration
    ) -> HookEvent | Refusal | None:
        payload = json.loads(request.body)
        if request.headers.get("x-bell") != "ours":
            return Refusal(401, "not ours")
        if payload.get("word") is None:
            return None
        return HookEvent(str(payload["word"]), payload)
