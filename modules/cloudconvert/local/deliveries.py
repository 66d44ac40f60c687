"""Tells webhooks what happened: in order for each receiver, several receivers at a time.

What is to be told is in the store, so the next server goes on with it. The body is made when it is
sent: it shows the job as it is then, with links that lead to this server. What was deleted before
that is not told any more. Assumed.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from engine.errors import DataError, ModuleError
from engine.module import Fetch
from modules.cloudconvert.local.answers import Answers
from modules.cloudconvert.local.records import DeliveryRecord
from modules.cloudconvert.local.scheduler import Scheduler
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.store import Store
from modules.cloudconvert.local.webhooks import (
    SIGNATURE_HEADER,
    Verdict,
    encoded,
    signature,
    verdict_of,
)

LOG = logging.getLogger(__name__)

AT_ONCE = 16
"""Receivers that are spoken to at the same time."""
STORE_RETRY_SECONDS = 5
LONGEST_SLEEP_SECONDS = 3600

Receiver: TypeAlias = tuple[int | None, str]
"""A webhook and its URL; without a webhook it is a job's own."""


@dataclass(frozen=True, slots=True)
class Teller:
    """What a delivery is made of. `account_secret` signs for those without a webhook."""

    fetch: Fetch
    answers: Callable[[], Answers]
    account_secret: str


class Deliveries:
    """The deliveries under way; `run` does the work until it is cancelled."""

    def __init__(
        self, store: Store, scheduler: Scheduler, settings: Settings, teller: Teller
    ) -> None:
        self._store, self._scheduler, self._teller = store, scheduler, teller
        self._waits = settings.webhook_retries
        self._running: dict[Receiver, asyncio.Task[None]] = {}

    def at_work(self) -> bool:
        """Tell whether something is being delivered, or could be now."""
        return bool(self._running or self._due(self._scheduler.now_ms()))

    async def run(self) -> None:
        """Deliver for ever. At the end what is under way is given up; it is delivered again."""
        try:
            while True:
                seconds = self._begin()
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._store.told.wait()
        finally:
            running = list(self._running.values())
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _begin(self) -> float:
        """Start what is due and return how long there is nothing more to do."""
        now = self._scheduler.now_ms()
        try:
            for delivery in self._due(now):
                receiver = (delivery.webhook_id, delivery.url)
                if receiver not in self._running and len(self._running) < AT_ONCE:
                    work = asyncio.create_task(self._deliver(receiver, delivery))
                    self._running[receiver] = work
            later = self._store.next_delivery_at(now)
        except sqlite3.Error:
            LOG.exception("webhooks cannot be looked up; trying again")
            return STORE_RETRY_SECONDS
        if later is None:
            return LONGEST_SLEEP_SECONDS
        return min((later - now) / 1000, LONGEST_SLEEP_SECONDS)

    def _due(self, now: int) -> list[DeliveryRecord]:
        longest = max(self._waits, default=timedelta())
        return self._store.due_deliveries(now, now + _ms(longest))

    async def _deliver(self, receiver: Receiver, delivery: DeliveryRecord) -> None:
        try:
            self._note(delivery, await self._attempt(delivery))
        except sqlite3.Error:
            LOG.exception("delivery %d cannot be noted; it is made again", delivery.id)
            await asyncio.sleep(STORE_RETRY_SECONDS)
        finally:
            del self._running[receiver]
            self._store.told.give()
            self._scheduler.changed.give()

    async def _attempt(self, delivery: DeliveryRecord) -> Verdict:
        payload = self._payload(delivery)
        if payload is None:
            return Verdict.DELIVERED
        body = encoded(payload)
        signed = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(body, self._secret(delivery)),
        }
        try:
            status = await self._teller.fetch.post(delivery.url, body, headers=signed)
        except DataError as error:
            LOG.warning("%s cannot be told to a webhook: %s", delivery.event, error)
            return Verdict.GIVE_UP
        except ModuleError as error:
            LOG.info("%s was not told to a webhook: %s", delivery.event, error)
            return verdict_of(None)
        except Exception:
            # A fault of ours must neither stop the others nor be tried without end.
            LOG.exception("delivery %d broke", delivery.id)
            return Verdict.RETRY
        return verdict_of(status)

    def _payload(self, delivery: DeliveryRecord) -> Mapping[str, Any] | None:
        """Return what is told; None if what it is about was deleted."""
        answers, store = self._teller.answers(), self._store
        if delivery.task_id is None:
            job = store.job(delivery.job_id or "")
            shown = None if job is None else answers.job(job, store.tasks_of(job.id))
            return shown and {"event": delivery.event, "job": shown}
        task = store.task(delivery.task_id)
        if task is None:
            return None
        if delivery.event.startswith("job."):
            return {"event": delivery.event, "job": answers.lone(task)}
        return {"event": delivery.event, "task": answers.task(task)}

    def _secret(self, delivery: DeliveryRecord) -> str:
        webhook = self._store.webhook(delivery.webhook_id or 0)
        return self._teller.account_secret if webhook is None else webhook.signing_secret

    def _note(self, delivery: DeliveryRecord, verdict: Verdict) -> None:
        now = self._scheduler.now_ms()
        if verdict is Verdict.RETRY and delivery.attempts < len(self._waits):
            wait = self._waits[delivery.attempts]
            self._store.postpone(delivery, now + _ms(wait))
            return
        failing = verdict in (Verdict.RETRY, Verdict.GIVE_UP)
        gone = verdict is Verdict.GONE
        self._store.end_delivery(delivery, now, failing=failing, disabled=gone)


def _ms(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
