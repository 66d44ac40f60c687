"""`fusion serve`: scenarios that wait for events, run for each of them, and retries that are due.

Each scenario has a worker of its own (`worker`), so different ones run side by side and each one at
a time. The hooks (`hooking`) store what is sent to them.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.app import Operator, catalog, clock, load_plan, opened, tidy
from engine.app.hooking import Hooks, Log, OpenHook, fields_of_trigger, hook_url, new_key
from engine.app.worker import Stillness, Worker
from engine.connect.fetch import guarded_fetch
from engine.connect.open import Connections
from engine.connect.servers import Servers
from engine.errors import EngineError, Problem, ScenarioError, StoreBusyError
from engine.module import Http
from engine.plan.inputs import settle_inputs
from engine.plan.plan import Plan
from engine.run.durable import uncancelled
from engine.store import place
from engine.store.lock import FileLock
from engine.store.mentions import mentioned
from engine.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """One `fusion serve`. `origin` is how this machine reaches its hooks; `public_url` how others
    do, without a slash at its end, None: they cannot. `inputs` are given to each scenario that
    declares them."""

    scenarios: tuple[Path, ...]
    origin: str
    public_url: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)


class Served:
    """What `serving` gives: `hooks` to feed, and `work`, which goes on until it is cancelled."""

    def __init__(
        self, workers: Sequence[Worker], store: SqliteStore, servers: Servers, request: ServeRequest
    ) -> None:
        self.log = workers[0].log
        self.hooks = Hooks(store, self.log)
        self._workers = workers
        self._instant = [one for one in workers if one.plan.is_instant]
        self.store = store
        self._servers = servers
        self._request = request

    async def work(self) -> None:
        """Open the hooks and run what comes, until this is cancelled; then close them.

        Runs under way are cut short then: what was finished is kept. Raises SetupError if a hook
        cannot be opened.
        """
        async with AsyncExitStack() as stack:
            hooks = [await self._hook(one, await self._client(one, stack)) for one in self._instant]
            try:
                adopted = await self._take_left_behind(hooks)
                for hook in hooks:
                    if hook.plan.id not in adopted:
                        await self.hooks.open(hook)
                self._introduce()
                async with asyncio.TaskGroup() as group:
                    for one in self._workers:
                        group.create_task(one.work())
            except asyncio.CancelledError:
                uncancelled()
                self.log.line("stopping", "stopping: runs are parked, hooks are removed")
            finally:
                await self.hooks.close_all()

    async def _client(self, one: Worker, stack: AsyncExitStack) -> Http | None:
        """Open the connection of a trigger; None if its connector has none."""
        node, connector_of = one.plan.trigger, catalog(one.operator).connector
        if connector_of(node.connector).connection is None:
            return None
        connections = Connections(
            one.plan,
            connector_of,
            self._servers,
            clock=clock(),
            note=lambda text: one.log.line("note", text, scenario=one.plan.id),
            secrets=one.operator.secrets,
        )
        await stack.enter_async_context(connections)
        return await connections.open(node.connector, node.connection)

    async def _hook(self, one: Worker, http: Http | None) -> OpenHook:
        key = new_key()
        url = hook_url(key, http, self._request.origin, self._request.public_url)
        fields = fields_of_trigger(one.plan, one.inputs)
        return OpenHook(one.plan, fields, url, key, http, one.wakes.set)

    async def _take_left_behind(self, hooks: Sequence[OpenHook]) -> set[str]:
        """Go on with the hooks of a `serve` that died, or remove them.

        Returns the ids of the scenarios whose hooks go on.
        """
        served, adopted = {hook.plan.id: hook for hook in hooks}, set[str]()
        for old in await self.store.events.hooks():
            hook = served.get(old.scenario_id)
            if hook is None or hook.http is None:
                text = "its hook is still registered: serve it once more to remove that"
                self.log.line("hook_left", text, scenario=old.scenario_id)
                continue
            try:
                if await self.hooks.adopt(hook, old):
                    adopted.add(old.scenario_id)
                    continue
                await self.hooks.remove(old, hook.module, hook.http)
                text = "the hook of an earlier serve is removed"
                self.log.line("hook_removed", text, scenario=old.scenario_id)
            except EngineError as error:
                text = f"the hook of an earlier serve cannot be removed: {error.message}"
                self.log.line("hook_left", text, scenario=old.scenario_id)
        return adopted

    def _introduce(self) -> None:
        for one in self._workers:
            if not one.plan.is_instant:
                text = "waits for no events, so only what is stored of it is retried"
                self.log.line("retries_only", text, scenario=one.plan.id)
        self.log.line("ready", f"ready on {self._request.origin}", origin=self._request.origin)


@asynccontextmanager
async def serving(request: ServeRequest, operator: Operator, log: Log) -> AsyncIterator[Served]:
    """Load the scenarios, open their store and start what they share.

    Raises ScenarioError with the mistakes of all of them, StoreBusyError if another `serve` uses
    the store.
    """
    plans = _loaded(request.scenarios, operator)
    inputs = _settled(plans, request.inputs)
    folder, _ = place.for_run(operator.store, plans[0].path, Path.cwd())
    fetch = guarded_fetch(
        allow_private_networks=operator.allow_private_networks, hook_origins=(request.origin,)
    )
    async with opened(folder, create=True) as store:
        with _only_one(store):
            for plan in plans:
                await store.register_scenario(plan.id, plan.path)
            async with Servers(folder, fetch, partial(mentioned, store), shared=True) as servers:
                shared, stillness = replace(operator, servers=servers, confined=True), Stillness()
                workers = [
                    Worker(plan, inputs[plan.id], store, shared, log, stillness) for plan in plans
                ]
                yield Served(workers, store, servers, request)
            await tidy(store)


@contextmanager
def _only_one(store: SqliteStore) -> Iterator[None]:
    """Keep a second `serve` of the store out, and nobody else."""
    folder = store.folder / "locks"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = FileLock(folder / "serve.lock")
    if not lock.acquire():
        raise StoreBusyError(
            f"{lock.holder()} serves this store already",
            notes=("serve all scenarios of a store together, or name another one with --store",),
        )
    try:
        yield
    finally:
        lock.release()


def _loaded(paths: Sequence[Path], operator: Operator) -> list[Plan]:
    """Load all scenarios. Raises ScenarioError with the mistakes of all."""
    problems: list[Problem] = []
    found: dict[str, Plan] = {}
    for path in paths:
        try:
            plan = load_plan(path, operator)
        except EngineError as error:
            problems += error.problems
            continue
        if plan.id in found and found[plan.id].path.resolve() != plan.path.resolve():
            problems.append(_twice(found[plan.id], plan))
        found.setdefault(plan.id, plan)
    if problems:
        raise ScenarioError(*problems)
    return list(found.values())


def _settled(plans: Sequence[Plan], given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the inputs of each scenario by its id. Raises ScenarioError with all mistakes."""
    problems: list[Problem] = []
    settled = {}
    known = {name for plan in plans for name in plan.inputs}
    unknown = given.keys() - known
    for plan in plans:
        own = {name: given[name] for name in given if name in plan.inputs or name in unknown}
        try:
            settled[plan.id] = settle_inputs(plan, own)
        except ScenarioError as error:
            problems += (one for one in error.problems if one not in problems)
    if problems:
        raise ScenarioError(*problems)
    return settled


def _twice(one: Plan, other: Plan) -> Problem:
    notes = (f"this one: {other.path}", f"the other: {one.path}", "give one another `id:`")
    return Problem("E605", f"two scenario files have the id `{one.id}`", None, notes)
