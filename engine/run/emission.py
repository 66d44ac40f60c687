"""Bundles that a node emits, counted and numbered. Used by `travel`. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.model.execution import NodeCount
from engine.plan.plan import Node
from engine.run.aggregate import order_items
from engine.run.cursor import TriggerCursor
from engine.run.surroundings import DROPPED, PATH, STOP, End, Stream


def numbered(outputs: list[Bundle]) -> list[Bundle]:
    """Return the bundles of one operation, each with its position and how many there are."""
    count = len(outputs)
    return [{**bundle, **order_items(index, count)} for index, bundle in enumerate(outputs, 1)]


@dataclass(slots=True)
class Emission:
    """One operation of a node that emits as it goes.

    `is_counted`: the operation and its bundles have been counted, and their order is in them.
    `total` is None while nobody knows how many bundles there will be.
    """

    count: NodeCount
    total: int | None
    is_counted: bool
    stream: Stream
    """What is still to come."""
    plain: Iterator[Any] | None = None
    """The same, if it need not be awaited."""
    position: int = 0
    told_at: float = 0.0
    """When the watcher was last told how far it is, on the monotonic clock."""
    failed: bool = False
    is_over: bool = False
    first: list[Bundle] = field(default_factory=list)
    """The first few bundles that were emitted, for history."""
    _stopped: bool = False

    @property
    def has_emitted(self) -> bool:
        return self.position > 0

    @property
    def is_operation(self) -> bool:
        """It makes an operation that has not been counted yet."""
        return not self.failed and not self.is_counted

    def __post_init__(self) -> None:
        self.go_on(self.stream)

    def go_on(self, stream: Stream) -> None:
        """Emit what is in a stream from now on."""
        self.stream = stream
        self.plain = stream if isinstance(stream, Iterator) else None

    def numbered(self, bundle: Bundle) -> Bundle:
        """Count a bundle, and say in it where it stands.

        One without items stays so, and a substitute is what its author has written.
        """
        self.position = position = self.position + 1
        if self.is_counted:
            return bundle
        self.count.bundles += 1
        if self.failed or not bundle:
            return bundle
        if self.total is not None:
            return {**bundle, **order_items(position, self.total)}
        own = dict(bundle)
        own["__IMTINDEX__"] = own["bundle_index"] = position
        return own

    def over(self, cursor: TriggerCursor | None) -> None:
        """End after the last bundle, which a trigger's cursor then leaves behind."""
        if cursor is not None:
            cursor.settle()
        self.end(None)

    def end(self, end: End | None) -> None:
        self.is_over = True
        self._stopped = end is STOP

    def ended(self) -> End | None:
        """Count the operation if it did not fail, and say whether it ended early."""
        if self.is_operation:
            self.count.operations += 1
        if self._stopped:
            return STOP
        return DROPPED if self.failed and not self.has_emitted else None


def without_path(bundle: Bundle, node: Node, scope: Scope, position: int) -> Scope:
    """Return a scope of its own for a bundle that a node emits."""
    own = scope.copy()
    own[node.id] = bundle
    return own


def with_path(bundle: Bundle, node: Node, scope: Scope, position: int) -> Scope:
    """Return such a scope, in which the bundle knows where it comes from."""
    own = scope.copy()
    own[node.id] = bundle
    own[PATH] = f"{scope[PATH]}.{position}"
    return own
