"""The embedded server behind the client, for tests of modules: the whole way, over loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from clocks import StandingClock
from contexts import World, outputs

from engine.connect.client import HttpClient
from engine.connect.fetch import guarded_fetch
from engine.module import Bundle, Context, Fetch, Module, nothing_mentioned
from modules.cloudconvert import connector

RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
"""A task that needs nothing from elsewhere."""

EXPORTED = {"in": RAW, "out": {"operation": "export/url", "input": "in"}}


class WaitingClock(StandingClock):
    """Really sleeps too: for scenarios that wait for the server."""

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        await asyncio.sleep(wait.total_seconds())


class Waiting(World):
    """Really sleeps, because the server works meanwhile."""

    async def sleep(self, wait: timedelta) -> None:
        await super().sleep(wait)
        await asyncio.sleep(wait.total_seconds())


@asynccontextmanager
async def server(folder: Path, fetch: Fetch | None = None) -> AsyncIterator[Waiting]:
    assert connector.embedded is not None
    async with (
        connector.embedded(
            folder / "server", fetch or guarded_fetch(), nothing_mentioned
        ) as embedded,
        HttpClient(embedded.connection, clock=StandingClock()) as http,
    ):
        yield Waiting(folder, http=http)


async def only(module: type[Module[Any, Any]], world: Context, **fields: Any) -> Bundle:
    """Run a module for one bundle, and return the only bundle that it yields."""
    [bundle] = await outputs(module, fields, world)
    return bundle


async def created(world: Context, tasks: Any, tag: str | None = None) -> Any:
    """Create a job and return it."""
    reply = await world.http.request("POST", "/jobs", json={"tasks": tasks, "tag": tag})
    return reply.body["data"]


async def ended(world: Context, tasks: Any, tag: str | None = None) -> Any:
    """Create a job and return it once it has ended."""
    job = await created(world, tasks, tag)
    while job["status"] == "processing":
        await world.sleep(timedelta(milliseconds=10))
        job = (await world.http.request("GET", f"/jobs/{job['id']}")).body["data"]
    return job
