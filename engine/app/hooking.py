"""Hooks of the scenarios that one `fusion serve` runs: opened, registered, fed, removed.

`engine.web.hooks` hands over what is sent to them; `engine.app.serving` runs what is stored.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from pydantic import ValidationError

from engine.app import clock, world
from engine.errors import (
    EngineError,
    MappingError,
    ModuleError,
    ScenarioError,
    SetupError,
    StoreError,
)
from engine.model.events import Event, Hook
from engine.model.execution import Execution, Incomplete
from engine.module import Hooked, HookEvent, HookRequest, Http, Refusal, Registration
from engine.plan.plan import Node, Plan
from engine.run.explained import explained
from engine.run.operation import scope_of
from engine.run.ports import Store

KEY_BYTES: Final = 32
"""Random bytes in a hook's path; nobody finds one by trying."""

REMOVAL_SECONDS: Final = 5.0
"""How long the removal of a hook may take when `serve` stops."""

WAITING_EVENTS: Final = 100_000
"""Events of one scenario that may wait. Source: Workfront Fusion's documentation of webhooks."""

LONGEST_ID: Final = 500
"""Characters of an event's id."""


class Log(Protocol):
    """Hears what `serve` does, line by line; must not raise."""

    def line(self, kind: str, text: str, *, scenario: str = "", **facts: Any) -> None:
        """Something happened; `text` says it all, `facts` are for programs."""

    def ran(
        self,
        plan: Plan,
        execution: Execution,
        event_id: str,
        stored: Sequence[Incomplete],
        saved: Sequence[Path],
    ) -> None:
        """A run for an event has ended."""


@dataclass(slots=True)
class OpenHook:
    """A hook of a scenario. `http` is None if its trigger's connector has no connections."""

    plan: Plan
    fields: Any
    url: str
    key: str
    http: Http | None
    arrived: Callable[[], None]
    registration: Registration = field(default_factory=Registration)

    @property
    def node(self) -> Node:
        return self.plan.trigger

    @property
    def module(self) -> Hooked[Any]:
        assert isinstance(self.node.module, Hooked)  # noqa: S101 - only instant triggers have one
        return self.node.module


def new_key() -> str:
    """Return the last part of a hook's path."""
    return secrets.token_urlsafe(KEY_BYTES)


def fields_of_trigger(plan: Plan, inputs: Mapping[str, Any]) -> Any:
    """Return the validated fields of an instant trigger. Raises ScenarioError."""
    node, scope = plan.trigger, scope_of(plan, world(plan, ""), inputs, {})
    assert node.module is not None  # noqa: S101 - a trigger is a module
    try:
        return node.module.input.model_validate(node.fields.evaluate(scope))
    except (MappingError, ValidationError) as error:
        raise ScenarioError(*explained(error, node, scope).problems) from error


def hook_url(key: str, http: Http | None, origin: str, public_url: str | None) -> str:
    """Return the address to which events are to be sent.

    `origin` is how this machine reaches the hook: enough for a service on it. Raises SetupError
    (E306) for a service elsewhere if no `public_url` is given.
    """
    if http is None:
        return f"{public_url or origin}/hooks/{key}"
    if _is_here(http.base_url):
        return f"{origin}/hooks/{key}"
    if public_url is None:
        raise SetupError(
            f"{urlsplit(http.base_url).hostname} cannot reach this machine by itself",
            code="E306",
            notes=("give the https address that leads here: --public-url https://…",),
        )
    return f"{public_url}/hooks/{key}"


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Hooks:
    """All open hooks, by key: `engine.web.hooks.Receiver`, but for the answers' form."""

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._open: dict[str, OpenHook] = {}

    def knows(self, key: str) -> bool:
        return bool(key) and key in self._open

    async def receive(self, key: str, request: HookRequest) -> tuple[int, str]:
        """Store what a request tells; return the status of the answer and a word for the sender."""
        hook = self._open[key]
        scenario = hook.plan.id
        try:
            told = hook.module.accept(hook.fields, request, hook.registration)
        except Exception as error:  # other people's code may raise anything
            text = f"a request broke its trigger: {type(error).__name__}: {error}"
            self._log.line("refused", text, scenario=scenario, status=500)
            return 500, "the request cannot be understood"
        if isinstance(told, Refusal):
            text = f"a request is refused ({told.status}): {told.reason}"
            self._log.line("refused", text, scenario=scenario, status=told.status)
            return told.status, told.reason
        if told is None:
            return 200, "Accepted"
        return await self._stored(hook, told)

    async def _stored(self, hook: OpenHook, told: HookEvent) -> tuple[int, str]:
        scenario, event_id = hook.plan.id, told.id[:LONGEST_ID]
        hides = hook.plan.settings.data_is_confidential
        event = Event(scenario, event_id, clock().now(), told.payload, confidential=hides)
        try:
            if await self._store.events.waiting(scenario) >= WAITING_EVENTS:
                text = f"event {event_id} is refused: {WAITING_EVENTS} events wait already"
                self._log.line("not_stored", text, scenario=scenario, event=event_id)
                return 503, "too many events wait"
            is_new = await self._store.events.add(event)
        except StoreError as error:
            text = f"an event cannot be stored: {error.message}"
            self._log.line("not_stored", text, scenario=scenario, event=event_id)
            return 503, "the event cannot be stored now"
        word = "accepted" if is_new else "had come before"
        self._log.line(
            "event", f"event {event_id} {word}", scenario=scenario, event=event_id, new=is_new
        )
        if is_new:
            hook.arrived()
        return 200, "Accepted"

    async def open(self, hook: OpenHook) -> None:
        """Take requests for a hook from now on, and have its service send them.

        The hook is noted before its service hears of it, so that even a lost answer leaves nothing
        behind. Raises SetupError if the service refuses.
        """
        noted = Hook(hook.plan.id, hook.node.id, hook.url)
        self._open[hook.key] = hook
        if hook.http is None:
            text = f"hook of `{hook.node.id}`: {hook.url}"
            self._log.line("hook", text, scenario=hook.plan.id, url=hook.url)
            return
        await self._store.events.set_hook(noted)
        try:
            hook.registration = await hook.module.register(hook.fields, hook.url, hook.http)
        except EngineError as error:
            text = f"the hook of `{hook.plan.id}` cannot be registered: {error.message}"
            raise SetupError(text, code="E306", notes=error.notes) from error
        data = hook.registration.data
        await self._store.events.set_hook(Hook(noted.scenario_id, noted.node_id, hook.url, data))
        self._log.line("hook", f"hook of `{hook.node.id}` is registered", scenario=hook.plan.id)

    async def adopt(self, hook: OpenHook, old: Hook) -> bool:
        """Go on with the hook of a `serve` that died, and say whether that is possible.

        It is where that hook leads here and its service still has it as it is wanted now: what was
        under way to it arrives. Raises StoreError.
        """
        folder, _, key = old.url.rpartition("/")
        if hook.http is None or not key or hook.url.rpartition("/")[0] != folder:
            return False
        try:
            found = await hook.module.adopt(hook.fields, old.url, old.data, hook.http)
        except ModuleError:
            return False  # a key may be allowed to remove and register, yet not to look
        if found is None:
            return False
        hook.url, hook.key, hook.registration = old.url, key, found
        await self._store.events.set_hook(Hook(hook.plan.id, hook.node.id, hook.url, found.data))
        self._open[key] = hook
        text = f"hook of `{hook.node.id}` goes on from an earlier serve"
        self._log.line("hook", text, scenario=hook.plan.id)
        return True

    async def close_all(self) -> None:
        """Have nothing sent any more; what cannot be removed now stays noted."""
        hooks = [hook for hook in self._open.values() if hook.http is not None]
        await asyncio.gather(*(self._closed(hook) for hook in hooks))
        self._open.clear()

    async def _closed(self, hook: OpenHook) -> None:
        assert hook.http is not None  # noqa: S101 - others are registered nowhere
        try:
            async with asyncio.timeout(REMOVAL_SECONDS):
                await self.remove(
                    Hook(hook.plan.id, hook.node.id, hook.url, hook.registration.data),
                    hook.module,
                    hook.http,
                )
        except (EngineError, TimeoutError) as error:
            reason = error.message if isinstance(error, EngineError) else "no answer in time"
            text = f"the hook stays registered until the next `fusion serve`: {reason}"
            self._log.line("hook_left", text, scenario=hook.plan.id)

    async def remove(self, hook: Hook, module: Hooked[Any], http: Http) -> None:
        """Remove a hook from its service and from the store. Raises EngineError."""
        await module.unregister(hook.url, hook.data, http)
        await self._store.events.remove_hook(hook.scenario_id)
