"""The server put together: data folder, store, scheduler, routes. The embedded composition root."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette

from engine.errors import EngineError
from engine.module import Fetch, Mentioned
from modules.cloudconvert.local.children import Children
from modules.cloudconvert.local.data import DATABASE, DataFolder
from modules.cloudconvert.local.deliveries import Deliveries, Teller
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.isolation import Isolation
from modules.cloudconvert.local.jobs import Jobs
from modules.cloudconvert.local.parts import Parts
from modules.cloudconvert.local.routes import make_app
from modules.cloudconvert.local.scheduler import Scheduler, Shop
from modules.cloudconvert.local.settings import Settings
from modules.cloudconvert.local.signing import Signer
from modules.cloudconvert.local.storage import Storage
from modules.cloudconvert.local.store import Store

if TYPE_CHECKING:
    from modules.cloudconvert.local.hosting import Outside

LOG = logging.getLogger(__name__)

SWEEP_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work; `app` is what a web server serves."""

    app: Starlette
    scheduler: Scheduler
    jobs: Jobs
    deliveries: Deliveries


@asynccontextmanager
async def running(
    data: DataFolder,
    settings: Settings,
    outside: "Outside",
    now: Callable[[], datetime],
    address: str,
    engines: Awaitable[tuple[Inventory, Isolation]],
) -> AsyncIterator[Running]:
    """Run the server on a data folder that this process holds; closes the folder at the end.

    `address` is how the server is reached from here, as `http://127.0.0.1:8484`; tasks wait for
    `engines`.
    What a dead process left is taken up at once. On exit every engine is killed, and its task
    counts as waiting for the next start.
    """
    try:
        store = Store(data.database)
    except BaseException:
        data.close()
        raise
    _adopt(data, store)
    shop = asyncio.create_task(_shop(engines, outside.fetch))
    scheduler = Scheduler(store, data, settings, shop, now)
    jobs = Jobs(store, data, scheduler)
    signer = Signer(data.secret())
    storage = Storage(jobs, data, signer, now, settings.limits.file_bytes)
    parts = Parts(store, jobs, scheduler, storage, signer, settings, shop, now)
    teller = Teller(
        outside.fetch,
        lambda: parts.answers_at(settings.base_url or address),
        parts.account_secret,
    )
    deliveries = Deliveries(store, scheduler, settings, teller)
    chores: list[asyncio.Task[None]] = []
    try:
        jobs.resume()
        await _sweep(jobs, settings, outside.mentioned)
        sweeping = _sweep_each_hour(jobs, settings, outside.mentioned)
        chores += map(asyncio.create_task, (sweeping, deliveries.run()))
        yield Running(make_app(parts), scheduler, jobs, deliveries)
    finally:
        for chore in chores:
            await _cancelled(chore)
        await scheduler.stop()
        await _close_shop(shop)
        store.close()
        data.close()


async def _shop(engines: Awaitable[tuple[Inventory, Isolation]], fetch: Fetch) -> Shop:
    inventory, isolation = await engines
    return Shop(inventory, Children(isolation), fetch)


async def _close_shop(shop: "asyncio.Task[Shop]") -> None:
    await _cancelled(shop)
    if not shop.cancelled() and shop.exception() is None:
        shop.result().children.close()


async def _cancelled(
    task: "asyncio.Task[object] | asyncio.Task[None] | asyncio.Task[Shop]",
) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _sweep(jobs: Jobs, settings: Settings, mentioned: Mentioned) -> None:
    try:
        await jobs.sweep(settings.retention, mentioned)
    except (sqlite3.Error, EngineError):
        LOG.exception("old jobs cannot be deleted; trying again in an hour")


async def _sweep_each_hour(jobs: Jobs, settings: Settings, mentioned: Mentioned) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        await _sweep(jobs, settings, mentioned)


def _adopt(data: DataFolder, store: Store) -> None:
    """Take over what servers left that used numbered folders and have died since.

    Files come first: if this process dies in between, the next one finds the records still there.
    """
    for other in data.left_behind():
        data.take_files(other)
        store.adopt(other.database)
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            with suppress(FileNotFoundError):
                (other.path / name).unlink()
