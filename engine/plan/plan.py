"""A checked scenario, ready to run: what `engine.plan.check` builds and `engine.run` executes.

Everything that can be settled before the first bundle is settled here: modules are found, mappings
are compiled to functions, constants are validated, handlers and aggregations are looked up.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

from engine.errors import Place, Problem
from engine.mapping.compile import Mapped, Scope
from engine.model.directive import Directive
from engine.model.scenario import Settings
from engine.module import Hooked, Kind, Module

EMBEDDED: Final = "embedded"
"""In `Plan.connections`: the entry names the connector's own server (`embedded: true`)."""


class NodeKind(Enum):
    """How the driver treats a node."""

    MODULE = "module"
    ROUTER = "router"
    ITERATOR = "iterator"
    AGGREGATOR = "aggregator"
    DIRECTIVE = "directive"
    RETRY = "retry"
    THROW = "throw"


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One text with expressions in it, and where it stands.

    `path` is the way to it inside the node (`("with", "options", "width")`, `("filter",)`);
    `place_at(offset, length)` turns characters of the text into a place in the file.
    """

    path: tuple[str | int, ...]
    mapped: Mapped
    place_at: Callable[[int, int], Place]


@dataclass(frozen=True, slots=True, eq=False)
class FieldMapping:
    """A node's fields: `constants` by field name, and `evaluate`, which adds the mapped ones.

    A mapped field that comes out as nothing (missing or null) is left out of the result, so that
    the module's default applies. `evaluate` raises MappingError without a place; `leaves` are tried
    one by one to find it. `place_of` says where a field's value stands, if it was given.
    """

    constants: Mapping[str, Any]
    evaluate: Callable[[Scope], dict[str, Any]]
    leaves: tuple[Leaf, ...] = ()
    place_of: Callable[[str], Place | None] = lambda _name: None

    @property
    def is_constant(self) -> bool:
        return not self.leaves

    @property
    def names(self) -> frozenset[str]:
        """The fields that the author gave, constant or mapped."""
        return frozenset(self.constants) | {str(leaf.path[1]) for leaf in self.leaves}


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """A compiled filter. `passes` raises MappingError or DataError; `name` is for people."""

    passes: Callable[[Scope], bool]
    leaves: tuple[Leaf, ...]
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """An error route. `router`: id of the router it hangs on; None: a module, the scenario."""

    flow: "Flow"
    router: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    name: str
    filter: Filter | None
    fallback: bool
    disabled: bool
    flow: "Flow"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A module placed in the scenario.

    `path` is where it stands (`flow.1.on_error.0`). `mappable` lists the ids of the nodes whose
    bundles it may map, trigger first. `closes` lists the aggregators whose source it is, in
    document order. `handlers` are tried from the first on: the node's own, its routers', the
    scenario's.
    """

    id: str
    module_id: str
    kind: NodeKind
    place: Place
    path: str
    label: str = ""
    module: Module[Any, Any] | None = None
    connector: str = ""
    """Name of the connector; `flow` for the engine's own."""
    connection: str | None = None
    """Name of a connection of the plan; None: the connector's own server, or none needed."""
    filter: Filter | None = None
    fields: FieldMapping = FieldMapping({}, lambda _scope: {})
    handlers: tuple[Handler, ...] = ()
    mappable: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    directive: Directive | None = None
    source: str | None = None
    closes: tuple[str, ...] = ()
    disabled: bool = False
    on_error_route: bool = False
    """The node stands on an error route."""
    concurrency: int = 1
    """How many of its operations may overlap."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.id

    @property
    def acid(self) -> bool:
        """It can take back what it did."""
        return self.module is not None and self.module.is_acid(self.fields.constants)


Flow: TypeAlias = tuple[Node, ...]


def nodes_from(flow: Flow, index: int) -> Iterator[Node]:
    """Yield the nodes from a place in a flow on, those on routes included, in document order."""
    for node in flow[index:]:
        yield node
        for route in node.routes:
            yield from nodes_from(route.flow, 0)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """A checked scenario.

    `positions` gives each node's flow and its index there. `ahead` gives for a node that emits
    several bundles the nodes that may run for a bundle whose turn has not come, each with its
    `concurrency`: all on the way to those whose operations overlap. `connections` holds the entries
    that the scenario or the connections file define, validated; `source` is the scenario's text.
    """

    id: str
    name: str
    path: Path
    source: str
    settings: Settings
    flow: Flow
    nodes: Mapping[str, Node]
    positions: Mapping[str, tuple[Flow, int]]
    ahead: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    connections: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trigger(self) -> Node:
        """The first node, of whatever kind."""
        return self.flow[0]

    @property
    def has_trigger(self) -> bool:
        """The first node asks for something new."""
        return self.trigger.module is not None and self.trigger.module.kind is Kind.TRIGGER

    @property
    def is_instant(self) -> bool:
        """The first node waits for events that are sent to a hook of ours."""
        return isinstance(self.trigger.module, Hooked)
