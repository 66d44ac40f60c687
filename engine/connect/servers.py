"""Connectors' own servers on this machine: started when first asked for, stopped together."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from engine.connect.reasons import unwritten
from engine.errors import SetupError
from engine.module import Connector, Embedded, Fetch, Mentioned, nothing_mentioned


class Servers:
    """One server per connector; an async context manager that stops them all.

    `data_folder` is the store's: each server gets a folder of its name below it, `fetch` and
    `mentioned`. `shared`: other processes may use the servers as long as they run.
    """

    def __init__(
        self,
        data_folder: Path,
        fetch: Fetch,
        mentioned: Mentioned = nothing_mentioned,
        *,
        shared: bool = False,
    ) -> None:
        self._data_folder = data_folder
        self._fetch = fetch
        self._mentioned = mentioned
        self._shared = shared
        self._stack = AsyncExitStack()
        self._starting = asyncio.Lock()
        self._started: dict[str, Embedded] = {}
        self._told: set[tuple[str, str]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._stack.__aexit__(*exc_info)

    @property
    def started(self) -> Mapping[str, Embedded]:
        """The servers that were started, by connector."""
        return self._started

    def is_news(self, connector: Connector, scenario_id: str) -> bool:
        """Say whether to tell people that a scenario uses a connector's server: only once each,
        however many runs use it."""
        told = (connector.name, scenario_id)
        if connector.embedded is None or told in self._told:
            return False
        self._told.add(told)
        return True

    async def wait_idle(self, on_change: Callable[[int], None]) -> None:
        """Return when no started server has a running job; `on_change` hears how many still run."""
        for server in self._started.values():
            await server.wait_idle(on_change)

    async def of(self, connector: Connector) -> Embedded:
        """Return a connector's server. Raises SetupError: E301 there is none, E305 cannot start."""
        async with self._starting:
            if connector.name not in self._started:
                self._started[connector.name] = await self._start(connector)
        return self._started[connector.name]

    async def _start(self, connector: Connector) -> Embedded:
        if connector.embedded is None:
            raise SetupError(
                f"{connector.title} needs a connection",
                code="E301",
                notes=(f"define one under `connections`, named `{connector.name}`",),
            )
        folder = self._data_folder / connector.name
        starting = connector.embedded(folder, self._fetch, self._mentioned)
        try:
            server = await self._stack.enter_async_context(starting)
            if self._shared:
                server.share()
        except OSError as error:
            text = f"the embedded server of {connector.title} cannot start: {unwritten(error)}"
            notes = (f"its data lie in {folder}; `--store DIR` takes another place",)
            raise SetupError(text, code="E305", notes=notes) from error
        return server
