"""What an instant trigger does beside `execute`: a hook of ours, known to its service.

`fusion serve` makes an address for the hook and lets the trigger register it. What is sent there is
accepted or refused by the trigger, stored, and later given to `execute` as `ctx.event`, once per
run. Authors of modules import these names from `engine.module`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from engine.context import Http

HookFields = TypeVar("HookFields")


@dataclass(frozen=True, slots=True)
class Registration:
    """A hook as its service knows it.

    `data` is kept in the store, for the process that removes the hook; no secret is in it. Only the
    process that has registered or adopted the hook knows `secrets`; of several, any may have
    signed.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What was sent to a hook: the body as it came, a JSON document; header names in lower case."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HookEvent:
    """What a request tells. The same `id` again is the same event, sent twice."""

    id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not taken: the status of the answer, and a word for the sender."""

    status: int
    reason: str


class Hooked(ABC, Generic[HookFields]):
    """Second base of an instant trigger, after `Module`; its kind is that of any trigger.

    Where its connector has no connections, nothing is registered or removed.
    """

    @abstractmethod
    async def register(self, fields: HookFields, url: str, http: Http) -> Registration:
        """Have events sent to a URL. Raises ModuleError if the service refuses."""

    async def adopt(
        self, fields: HookFields, url: str, data: Mapping[str, Any], http: Http
    ) -> Registration | None:
        """Find the hook of a process that died, so that what its service has yet to send arrives.

        `data` is that registration's, empty if its answer was lost. None, as here: it cannot be
        gone on with; it is removed, and another one is registered. Raises ModuleError.
        """
        return None

    @abstractmethod
    async def unregister(self, url: str, data: Mapping[str, Any], http: Http) -> None:
        """Have nothing sent to a URL any more; does nothing if nothing is.

        `data` is the registration's, empty if its answer was lost. Raises ModuleError.
        """

    @abstractmethod
    def accept(
        self, fields: HookFields, request: HookRequest, registration: Registration
    ) -> HookEvent | Refusal | None:
        """Say what a request tells; None: nothing for this hook, which the sender need not know.

        Whoever finds the address may have sent it, so it is refused unless it is signed.
        """
