"""A trigger's cursor and the variables of a run: state that goes back when a cycle does."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.run.ports import CursorChange
from engine.run.rules import TriggerMoves


class TriggerCursor:
    """`engine.module.Cursor`, remembering which bundle each change belongs to."""

    def __init__(self, node_id: str, marks: Mapping[str, Any]) -> None:
        self._node_id = node_id
        self._marks = dict(marks)
        self._settled: dict[str, Any] = {}
        self._pending: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        for changes in (self._pending, self._settled):
            if key in changes:
                return changes[key]
        return self._marks.get(key)

    def keys(self) -> Iterable[str]:
        now = self._marks | self._settled | self._pending
        return [key for key, value in now.items() if value is not None]

    def set(self, key: str, value: Any) -> None:
        self._pending[key] = value

    def settle(self) -> None:
        """The bundle yielded last has been worked off, and what was set before it holds."""
        if self._pending:
            self._settled |= self._pending
            self._pending = {}

    def end_cycle(self, moves: TriggerMoves) -> list[CursorChange]:
        """Return the marks to store, and take them as given from now on."""
        if moves is TriggerMoves.ALL:
            self.settle()
        changes = {} if moves is TriggerMoves.NONE else self._settled
        self._settled, self._pending = {}, {}
        self._marks |= changes
        return [CursorChange(self._node_id, key, value) for key, value in changes.items()]


class RunVariables:
    """`engine.module.Variables`: the last write of a name wins, whatever its lifetime."""

    def __init__(self) -> None:
        self._execution: dict[str, Any] = {}
        self._now: dict[str, Any] = {}
        self._apart: list[RunVariables] = []

    def apart(self) -> "RunVariables":
        """Return variables that share nothing with these but the end of the cycle."""
        self._apart.append(RunVariables())
        return self._apart[-1]

    def get(self, name: str) -> Any:
        return self._now.get(name)

    def set(self, name: str, value: Any, *, lifetime: str) -> None:
        self._now[name] = value
        if lifetime == "execution":
            self._execution[name] = value

    def restore(self, values: Mapping[str, Any]) -> None:
        """Start from the values that an incomplete execution kept."""
        self._execution, self._now = dict(values), dict(values)

    def end_cycle(self) -> None:
        """Forget the variables of the cycle."""
        self._now = dict(self._execution)
        for variables in self._apart:
            variables.end_cycle()

    def snapshot(self) -> dict[str, Any]:
        """Return all values, for an incomplete execution."""
        return dict(self._now)
