"""Marks of triggers and ACID nodes, and variables: state that goes back when a cycle does."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.module import Variables
from engine.run.ports import CursorChange
from engine.run.rules import TriggerMoves


class NodeMarks:
    """`engine.module.Cursor` of an ACID node: what is set goes back until it is committed.

    What an operation sets counts once the operation has succeeded (`keep`).
    """

    def __init__(self, node_id: str, marks: Mapping[str, Any]) -> None:
        self._node_id = node_id
        self._marks = dict(marks)
        self._pending: dict[str, Any] = {}
        self._current: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        for changes in (self._current, self._pending):
            if key in changes:
                return changes[key]
        return self._marks.get(key)

    def keys(self) -> Iterable[str]:
        now = self._marks | self._pending | self._current
        return [key for key, value in now.items() if value is not None]

    def set(self, key: str, value: Any) -> None:
        self._current[key] = value

    def keep(self) -> None:
        """The operation has succeeded."""
        self._pending |= self._current
        self._current = {}

    def drop(self) -> None:
        """The operation has failed: forget what it set."""
        self._current = {}

    def commit(self) -> list[CursorChange]:
        """Return the marks to store, and take them as given from now on."""
        changes, self._pending = self._pending, {}
        self._marks |= changes
        return [CursorChange(self._node_id, key, value) for key, value in changes.items()]

    def rollback(self) -> None:
        """Forget what has been set since the last commit."""
        self._pending, self._current = {}, {}


class TriggerCursor:
    """`engine.module.Cursor`, remembering which bundle each change belongs to.

    A change belongs to the bundle that is yielded next. Bundles may be yielded before their turn:
    `set_aside` after each, and `take_up` when it is on its way.
    """

    def __init__(self, node_id: str, marks: Mapping[str, Any]) -> None:
        self.node_id = node_id
        self._marks = dict(marks)
        self._settled: dict[str, Any] = {}
        self._current: dict[str, Any] = {}
        self._aside: deque[dict[str, Any]] = deque()
        self._written: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        for changes in (self._written, *reversed(self._aside), self._current, self._settled):
            if key in changes:
                return changes[key]
        return self._marks.get(key)

    def keys(self) -> Iterable[str]:
        now = self._marks | self._settled | self._current
        for changes in (*self._aside, self._written):
            now |= changes
        return [key for key, value in now.items() if value is not None]

    @property
    def written(self) -> dict[str, Any]:
        """What was set for the bundle that is yielded next."""
        return dict(self._written)

    def set(self, key: str, value: Any) -> None:
        self._written[key] = value

    def set_all(self, values: Mapping[str, Any]) -> None:
        self._written.update(values)

    def set_aside(self) -> None:
        """What was set last belongs to a bundle whose turn has not come."""
        self._aside.append(self._written)
        self._written = {}

    def take_up(self) -> None:
        """The bundle yielded first of those that wait is on its way."""
        if self._aside:
            self._current = self._aside.popleft()
        elif self._written:
            self._current, self._written = self._written, {}

    def of_bundle(self) -> Mapping[str, Any]:
        """Return what was set for the bundle on its way."""
        return dict(self._current)

    def settle(self) -> None:
        """The bundle on its way has been worked off, and what was set before it holds."""
        if self._current:
            self._settled |= self._current
            self._current = {}

    def end_cycle(self, moves: TriggerMoves) -> list[CursorChange]:
        """Return the marks to store, and take them as given from now on.

        What belongs to bundles whose turn never came is forgotten: they come again.
        """
        if moves is TriggerMoves.ALL:
            self.settle()
        changes = {} if moves is TriggerMoves.NONE else self._settled
        self._settled, self._current, self._written = {}, {}, {}
        self._aside.clear()
        self._marks |= changes
        return [CursorChange(self.node_id, key, value) for key, value in changes.items()]


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

    def set_all(self, values: Mapping[str, Any], *, lifetime: str) -> None:
        self._now.update(values)
        if lifetime == "execution":
            self._execution.update(values)

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


class VariablesAhead:
    """Variables as an operation sees them that runs before its turn: what it sets waits."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._set: dict[str, tuple[Any, str]] = {}

    @property
    def given(self) -> dict[str, list[Any]]:
        """What was set, as values and lifetimes by name."""
        return {name: list(one) for name, one in self._set.items()}

    def get(self, name: str) -> Any:
        return self._set[name][0] if name in self._set else self._variables.get(name)

    def set(self, name: str, value: Any, *, lifetime: str) -> None:
        self._set[name] = (value, lifetime)

    def set_all(self, values: Mapping[str, Any], *, lifetime: str) -> None:
        self._set.update((name, (value, lifetime)) for name, value in values.items())

    def above(self) -> "VariablesAhead":
        """Return variables for the operation after this one, which sees what this one has set."""
        return VariablesAhead(self)

    def apply(self, variables: Variables) -> None:
        """Set what was set, now that the turn has come."""
        for name, (value, lifetime) in self._set.items():
            variables.set(name, value, lifetime=lifetime)


def set_again(given: Mapping[str, Sequence[Any]], variables: Variables) -> None:
    """Set what `VariablesAhead.given` returned."""
    for name, (value, lifetime) in given.items():
        variables.set(name, value, lifetime=lifetime)
