"""What the endpoints speak to, and what each of them asks of a request first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request

from modules.cloudconvert.local.account import Account
from modules.cloudconvert.local.answers import Answers
from modules.cloudconvert.local.jobs import Jobs
from modules.cloudconvert.local.reading import json_object, root_of
from modules.cloudconvert.local.scheduler import Scheduler, Shop
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.signing import Signer
from modules.cloudconvert.local.storage import Storage
from modules.cloudconvert.local.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """The server's parts. `shop` comes when the engines are known."""

    store: Store
    jobs: Jobs
    scheduler: Scheduler
    storage: Storage
    signer: Signer
    settings: Settings
    shop: "asyncio.Future[Shop]"
    now: Callable[[], datetime]

    @property
    def account(self) -> Account:
        return self.scheduler.account

    @property
    def account_secret(self) -> str:
        """Signs links that hold a job, and what is told to a job's own `webhook_url`."""
        return self.settings.signing_secret or self.signer.account_secret()

    def now_ms(self) -> int:
        """Return the moment as records hold it."""
        return self.scheduler.now_ms()

    def answers(self, request: Request) -> Answers:
        """Return what builds answers whose URLs lead back the way the client came."""
        return self.answers_at(self.settings.base_url or root_of(request))

    def answers_at(self, root: str) -> Answers:
        """Return the same for a known address, such as `http://127.0.0.1:8484`."""
        return Answers(root, f"{root}/v2", self.scheduler, self.signer, self.now())

    async def body(self, request: Request) -> dict[str, Any]:
        """Read a JSON object. Raises Refusal 400 or 413."""
        return await json_object(request, self.settings.limits.request_bytes)
