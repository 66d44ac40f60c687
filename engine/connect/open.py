"""Opens the connections of one run: each service once, the connectors' own servers included."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from engine.connect.credentials import secrets_of
from engine.connect.servers import Servers
from engine.errors import (
    InvalidAccessTokenError,
    ModuleError,
    SetupError,
    UnusableConnectionError,
)
from engine.model.secrets import Secrets
from engine.module import Connection, ConnectionFields, Connector, Embedded, Http
from engine.plan.plan import EMBEDDED, Plan
from engine.run.ports import Clock

if TYPE_CHECKING:
    from engine.connect.client import HttpClient


class Connections:
    """The connections of one run; an async context manager that closes them all."""

    def __init__(
        self,
        plan: Plan,
        connector_of: Callable[[str], Connector],
        servers: Servers,
        *,
        clock: Clock,
        note: Callable[[str], None],
        secrets: Secrets,
    ) -> None:
        """Take what is needed to open connections; nothing is opened yet.

        `servers` has the connectors' own. `note` hears single lines for people. `secrets` learns
        each credential.
        """
        self._scenario_id = plan.id
        self._nodes = plan.nodes
        self._entries = plan.connections
        self._scenario_folder = plan.path.parent
        self._connector_of = connector_of
        self._servers = servers
        self._clock = clock
        self._note = note
        self._secrets = secrets
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._clients: dict[tuple[str, str | None], HttpClient] = {}
        self._tested: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._stack.__aexit__(*exc_info)

    async def open(self, connector: str, connection: str | None) -> Http:
        """Give the client of a connection; the first time it is opened, and stays so for the run.

        `connection` None means the connector's own server. Raises SetupError: E301 unknown or of
        another connector, E302 credential, E305 server.
        """
        async with self._opening:
            return await self._client(self._connector_of(connector), connection)

    async def test(self, node_id: str) -> None:
        """Test a node's connection, each once per run; a connector's own server needs no test.

        Raises UnusableConnectionError, and SetupError as `open` does.
        """
        node = self._nodes[node_id]
        connection, entry = node.connection, self._entries.get(node.connection or "")
        if connection is None or connection in self._tested:
            return
        http = await self.open(node.connector, connection)
        self._tested.add(connection)
        if not isinstance(entry, ConnectionFields):
            return
        try:
            await entry.test(http)
        except InvalidAccessTokenError as error:
            text = f"the credential of connection `{connection}` is refused: {error.message}"
            raise UnusableConnectionError("AccountValidationError", text) from error
        except ModuleError as error:
            text = f"connection `{connection}` cannot be used: {error.message}"
            raise UnusableConnectionError(error.type_name, text) from error

    async def ask(self, connector: str, connection: str | None) -> str:
        """Open a connection and test it, a connector's own server too; return its address.

        `connection` None means the connector's own server. Raises SetupError as `open` does, and
        ModuleError as the test does.
        """
        http = await self.open(connector, connection)
        found = self._connector_of(connector)
        entry = self._entry(found, connection)
        if entry == EMBEDDED and found.connection is not None:
            entry = found.connection.model_construct()
        await entry.test(http)
        return http.base_url

    async def _client(self, connector: Connector, name: str | None) -> Http:
        entry = self._entry(connector, name)
        key = (connector.name, None if entry == EMBEDDED else name)
        if key not in self._clients:
            if entry == EMBEDDED:
                target = (await self._server(connector, told=name is None)).connection
            else:
                values = secrets_of(entry, str(name), self._scenario_folder)
                for value in values.values():
                    self._secrets.know(value)
                target = entry.connect(values)
            self._secrets.know(target.credential)
            self._clients[key] = await self._stack.enter_async_context(self._new_client(target))
        return self._clients[key]

    def _new_client(self, target: Connection) -> "HttpClient":
        from engine.connect.client import HttpClient  # noqa: PLC0415 - httpx takes 0.1 s to import

        return HttpClient(target, clock=self._clock)

    def _entry(self, connector: Connector, name: str | None) -> Any:
        """Return the plan's entry, or the mark of the connector's own server."""
        if connector.connection is None:
            raise SetupError(f"connector `{connector.name}` has no connections", code="E301")
        if name is None:
            return EMBEDDED
        if name not in self._entries:
            known = ", ".join(f"`{one}`" for one in self._entries) or "none"
            raise SetupError(
                f"connection `{name}` does not exist", code="E301", notes=(f"defined: {known}",)
            )
        entry = self._entries[name]
        if entry == EMBEDDED or isinstance(entry, connector.connection):
            return entry
        raise SetupError(f"connection `{name}` is not one of {connector.title}", code="E301")

    async def _server(self, connector: Connector, *, told: bool) -> Embedded:
        if told and self._servers.is_news(connector, self._scenario_id):
            self._note(
                f"no connection for {connector.title}: using the embedded server on this machine"
            )
        return await self._servers.of(connector)
