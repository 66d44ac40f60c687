"""The world as one node's module sees it: `engine.module.Context`, made once per node and run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from engine.errors import InvalidConfigurationError, ModuleTimeoutError
from engine.model.execution import Incomplete
from engine.module import Cursor, Files, Http, Variables
from engine.run.ports import Clock, Watcher

LONGEST_KEY: Final = 200
"""Characters of an operation's key; a longer one is shortened, and stays unique."""


@dataclass(slots=True)
class NodeContext:
    """Handed to `Module.execute`; `operation` counts the node's operations in this execution.

    `path` says which bundle the operation is about, and stays the same if the execution is resumed;
    it is empty in a run that is not.
    """

    scenario_id: str
    execution_id: str
    node_id: str
    folder: Path
    results: list[Path]
    files: Files
    variables: Variables
    own_variables: Variables
    clock: Clock
    watcher: Watcher
    connected: Http | None = None
    marks: Cursor | None = None
    told: Mapping[str, Any] | None = None
    """The event that an instant trigger is run for."""
    operation: int = 0
    path: str = ""
    kept_key: str = ""
    """The key of the operation that is replayed, if nobody knows what became of it."""
    roots: Sequence[Path] | None = None
    earlier: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False

    def ahead(self, variables: Variables) -> "NodeContext":
        """Return a context of its own for an operation that overlaps with others."""
        own = self.copied()
        own.variables, own.earlier = variables, {}
        return own

    def copied(self) -> "NodeContext":
        """Return a context that may be changed for one operation; it is quicker than `replace`."""
        return NodeContext(*_ALL(self))

    def tries_again(self, incomplete: Incomplete, mapped: Mapping[str, Any] | None) -> None:
        """The node's first operation is one that failed before; `mapped` are its fields now.

        One that ran out of time may still end well at the service, which knows it by its key. Other
        fields ask for something else, which must not go by that key.
        """
        self.earlier = incomplete.failure.detail
        was_late = incomplete.failure.type == ModuleTimeoutError.type_name
        if was_late and mapped == incomplete.fields:
            self.kept_key = incomplete.operation_key

    @property
    def operation_key(self) -> str:
        if self.kept_key:
            return self.kept_key
        key = f"{self.execution_id}-{self.node_id}-{self.path or self.operation}"
        if len(key) <= LONGEST_KEY:
            return key
        return f"{self.execution_id}-{hashlib.sha256(key.encode()).hexdigest()}"

    @property
    def http(self) -> Http:
        if self.connected is None:
            raise InvalidConfigurationError(f"`{self.node_id}` has no connection to a service")
        return self.connected

    @property
    def cursor(self) -> Cursor:
        if self.marks is None:
            raise InvalidConfigurationError(
                f"`{self.node_id}` is neither a trigger nor ACID: it has no cursor"
            )
        return self.marks

    @property
    def event(self) -> Mapping[str, Any]:
        if self.told is None:
            raise InvalidConfigurationError(f"`{self.node_id}` was given no event")
        return self.told

    def now(self) -> datetime:
        return self.clock.now()

    def saved(self, path: Path) -> None:
        self.results.append(path)
        self.watcher.saved(self.node_id, path)

    async def sleep(self, wait: timedelta) -> None:
        await self.clock.sleep(wait)

    def progress(self, done: float, total: float | None = None, *, text: str = "") -> None:
        self.watcher.node_progress(self.node_id, done, total, text)


_ALL: Final = attrgetter(*(one.name for one in fields(NodeContext)))
"""Takes the values of all fields of a context."""
