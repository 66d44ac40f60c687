"""What every check of a scenario works on, and the nodes while they are being checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Place, Problem, Problems
from engine.model.scenario import NodeWritten, ScenarioWritten
from engine.module import Fields, Module
from engine.plan.catalog import Catalog
from engine.plan.flow import FlowModule
from engine.plan.plan import NodeKind
from engine.plan.read import Document, KeyPath


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """One reading of one scenario: the file, what it says, and the problems found so far."""

    document: Document
    written: ScenarioWritten
    catalog: Catalog
    problems: Problems
    warnings: list[Problem] = field(default_factory=list)
    """What runs, but cannot be meant."""

    def report(
        self,
        code: str,
        message: str,
        place: Place | None,
        *,
        notes: tuple[str, ...] = (),
        next_command: str = "",
    ) -> None:
        self.problems.add(Problem(code, message, place, notes, next_command))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a node sees from where it stands.

    `mappable` are the ids of nodes before it, trigger first; `closed` names for each node that is
    hidden the aggregator that closed it. On an error route `failing` are the nodes whose `error`
    can be mapped, and `mappable[route_start:]` are the nodes of this error route.
    """

    mappable: tuple[str, ...] = ()
    closed: Mapping[str, str] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    on_error_route: bool = False
    route_start: int = 0


_EMITTING = (NodeKind.MODULE, NodeKind.ITERATOR, NodeKind.AGGREGATOR)


@dataclass(slots=True, eq=False)
class Draft:
    """A node on its way to a `Node`. `module` and `flow_module` are both None if it is unknown."""

    id: str
    written: NodeWritten
    keys: KeyPath
    """The way to it in the file."""
    kind: NodeKind = NodeKind.MODULE
    module: type[Module[Any, Any]] | None = None
    flow_module: FlowModule | None = None
    on_error: "list[Draft]" = field(default_factory=list)
    routes: "list[list[Draft]]" = field(default_factory=list)
    sight: Sight = field(default_factory=Sight)
    source: "Draft | None" = None
    closes: list[str] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        return self.module is not None or self.flow_module is not None

    @property
    def has_bundles(self) -> bool:
        """Bundles of this node can be mapped, by those that see it."""
        return self.kind in _EMITTING and not self.written.disabled

    @property
    def input(self) -> type[Fields] | None:
        """The model of its fields, None if it is unknown."""
        if self.flow_module is not None:
            return self.flow_module.fields
        return self.module.input if self.module is not None else None

    @property
    def output(self) -> type[Fields] | None:
        """The model of its bundles, None if their items are not known."""
        if self.flow_module is not None:
            return self.flow_module.output
        return self.module.output if self.module is not None else None

    def key(self, name: str) -> KeyPath:
        return (*self.keys, name)

    def below(self) -> "Iterator[Draft]":
        """Yield the nodes on its routes and error route, and theirs, in document order."""
        waiting = [*self.on_error, *(draft for flow in self.routes for draft in flow)]
        while waiting:
            draft = waiting.pop(0)
            yield draft
            waiting[:0] = [*draft.on_error, *(node for flow in draft.routes for node in flow)]
