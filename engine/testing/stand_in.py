"""Modules that stand in for a scenario's own during a test: mocked, failing on purpose, or real.

Each node of a test has one. It writes down when its operations begin, and for which bundle.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.errors import RunError, ThrownError
from engine.module import Bundle, Context, Effect, Fields
from engine.plan.plan import Node
from engine.plan.stand_in import standing_for


@dataclass(frozen=True, slots=True)
class Failing:
    """What an attempt fails with."""

    error_type: str
    message: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """What a node does in a test.

    `answers` are what is emitted, or failed with, for the bundle of a number; under None, for all
    others. `faults` are failures that are thrown in first: bundle, how often, and with what. `real`
    lets the module itself do what no answer does.
    """

    answers: Mapping[int | None, Sequence[Bundle] | Failing]
    faults: Sequence[tuple[int, int, Failing]]
    real: bool


@dataclass(slots=True)
class Log:
    """What stand-ins have seen, in order."""

    order: list[str] = field(default_factory=list)
    """Nodes, once for each operation that began."""
    missing: dict[str, str] = field(default_factory=dict)
    """By node that nothing stood in for, what to do about it."""


NOTHING_CHANGED: Final = "a test changes nothing outside and asks no service by itself"


def standing_in(node: Node, role: Role, log: Log) -> Node:
    """Return the node with a module that plays a role; `log` hears of each operation."""
    assert node.module is not None  # noqa: S101 - only nodes with a module play a role
    player = _Player(node, role, log)
    module = standing_for(node.module, player.execute, alone=bool(role.answers) or not role.real)
    return replace(node, module=module)


class _Player:
    """Plays the role of one node's module."""

    def __init__(self, node: Node, role: Role, log: Log) -> None:
        assert node.module is not None  # noqa: S101 - see `standing_in`
        self._node = node
        self._module = node.module
        self._role = role
        self._log = log
        self._arrived = 0
        self._failing: dict[str, int] = {}
        """Number of each bundle on which the last attempt failed, by its fields."""
        self._left = {bundle: times for bundle, times, _ in role.faults}

    def execute(self, fields: Fields, ctx: Context) -> Any:
        self._log.order.append(self._node.id)
        key = repr(fields)
        number = self._failing.pop(key, None)
        if number is None:
            self._arrived += 1
            number = self._arrived
        try:
            return self._played(number, fields, ctx)
        except ThrownError:
            self._failing[key] = number
            raise

    def _played(self, number: int, fields: Fields, ctx: Context) -> Any:
        for bundle, _times, failing in self._role.faults:
            if bundle == number and self._left[bundle] > 0:
                self._left[bundle] -= 1
                raise _thrown(failing)
        answer = self._role.answers.get(number, self._role.answers.get(None))
        if isinstance(answer, Failing):
            raise _thrown(answer)
        if answer is not None:
            return iter([dict(bundle) for bundle in answer])
        if self._role.real:
            return self._module.execute(fields, ctx)
        raise self._unplayed()

    def _unplayed(self) -> RunError:
        """Return what ends the run: no error route is to make up for it."""
        name = self._node.id
        text = f"nothing stands in for `{name}` ({self._node.module_id}), and {NOTHING_CHANGED}"
        self._log.missing[name] = (
            f"{text}: say what it emits, as in `mock: {{{name}: {{output: {{…}}}}}}`, or let it "
            f"work in the test's own folder with `real: [{name}]`"
        )
        return RunError(text)


def _thrown(failing: Failing) -> ThrownError:
    return ThrownError(failing.error_type, failing.message, detail=failing.detail)


def works_alone(node: Node, talking: Collection[str]) -> bool:
    """Say whether a node's module may be itself in any test: it only computes, or reads files.

    `talking` names the nodes that use a service.
    """
    if node.module is None:
        return True
    return node.module.effect is not Effect.WRITE and node.id not in talking
