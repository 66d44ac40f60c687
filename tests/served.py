"""`fusion serve` inside a test: its scenarios, its hooks without a network, and what it tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from engine.app import Operator
from engine.app.serving import Served, ServeRequest, serving
from engine.model.execution import Execution, Incomplete, Status
from engine.plan.plan import Plan
from engine.store.sqlite import SqliteStore
from engine.web.hooks import HookLimits, hook_app

PROBES = Path(__file__).parent / "probe_modules"
ORIGIN = "http://127.0.0.1:8585"
PATIENCE_SECONDS = 60


@dataclass
class Heard:
    """A log that remembers, and wakes who waits for something."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """Kind, scenario and text."""
    runs: list[tuple[str, Status, str]] = field(default_factory=list)
    """Scenario, status and event."""
    facts: list[dict[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def line(self, kind: str, text: str, *, scenario: str = "", **facts: Any) -> None:
        self.lines.append((kind, scenario, text))
        self.facts.append({"kind": kind, "scenario": scenario, **facts})
        self.news.set()

    def ran(
        self,
        plan: Plan,
        execution: Execution,
        event_id: str,
        stored: Sequence[Incomplete],
        saved: Sequence[Path],
    ) -> None:
        self.runs.append((plan.id, execution.status, event_id))
        self.news.set()

    def texts(self, kind: str) -> list[str]:
        return [text for one, _, text in self.lines if one == kind]

    async def until(self, kind: str, times: int = 1) -> str:
        """Wait until something was told so often, and return how it was told last."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.texts(kind)) < times:
                await self._news()
        return self.texts(kind)[-1]

    async def until_ran(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.runs) < times:
                await self._news()

    async def _news(self) -> None:
        self.news.clear()
        await self.news.wait()


@dataclass
class Hosted:
    """A `serve` at work."""

    served: Served
    store: SqliteStore
    heard: Heard
    http: httpx.AsyncClient
    task: "asyncio.Task[None]"

    def url(self, scenario: str) -> str:
        """Return the hook of a scenario whose trigger has no service."""
        [url] = [
            one["url"]
            for one in self.heard.facts
            if one["kind"] == "hook" and one["scenario"] == scenario
        ]
        return str(url)

    async def ring(self, scenario: str, **event: Any) -> int:
        """Send an event and return the status of the answer."""
        reply = await self.http.post(self.url(scenario), json=event, headers={"x-bell": "ours"})
        return reply.status_code


@asynccontextmanager
async def at_work(
    folder: Path, *names: str, limits: HookLimits | None = None, **more: Any
) -> AsyncIterator[Hosted]:
    """Serve scenarios of a folder while the block runs; `more` is for the request."""
    heard = Heard()
    operator = Operator(store=folder / ".fusion", modules=(PROBES,))
    request = ServeRequest(tuple(folder / name for name in names), ORIGIN, **more)
    async with serving(request, operator, heard) as served:
        app = hook_app(served.hooks, asyncio.get_running_loop().time, limits)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            task = asyncio.create_task(served.work())
            ready = asyncio.create_task(heard.until("ready"))
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                ready.cancel()
                task.result()
            try:
                yield Hosted(served, served.store, heard, http, task)
            finally:
                task.cancel()
                await task
