"""What of a scenario its tests have taken: nodes, routes, error routes, both ends of filters."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine.mapping.compile import Scope
from engine.model.execution import NodeCount
from engine.plan.plan import Filter, Flow, Node, NodeKind, Plan, Route


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that a bundle can take: what it is, in words, and where it stands."""

    what: str
    line: int


@dataclass(slots=True)
class Coverage:
    """Counts what all tests of one scenario take; make it of the plan as it is written."""

    plan: Plan
    _taken: dict[Spot, int] = field(default_factory=dict)
    _nodes: dict[str, Spot] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.plan.nodes.values():
            if not node.disabled and node.kind in _OPERATING:
                self._nodes[node.id] = self._known(f"node {node.title}", node)
            self._filter_spots(node)
            self._route_spots(node)
            for handler in node.handlers:
                self._known(_handler_words(handler.flow), handler.flow[0])

    @property
    def taken(self) -> int:
        return sum(count > 0 for count in self._taken.values())

    @property
    def total(self) -> int:
        return len(self._taken)

    @property
    def missed(self) -> list[Spot]:
        """What no test took, in the order of the file."""
        spots = (spot for spot, count in self._taken.items() if not count)
        return sorted(spots, key=lambda spot: (spot.line, spot.what))

    def ran(self, counts: Mapping[str, NodeCount]) -> None:
        """Take in what nodes did in one run."""
        for name, count in counts.items():
            if name in self._nodes:
                self._taken[self._nodes[name]] += count.operations + count.failed

    def watched(self, node: Node) -> Node:
        """Return the node with a filter that tells which way bundles went."""
        spots = self._filter_spots(node)
        if node.filter is None or not spots:
            return node
        passed, stopped = map(self._count, spots)
        return replace(node, filter=_counting(node.filter, passed, stopped))

    def route(self, router: Node, number: int, route: Route) -> Route:
        """Return the route with a filter that tells when it is taken."""
        spot = self._known(_route_words(router, number, route), router)
        entry = route.filter or _ALWAYS
        return replace(route, filter=_counting(entry, self._count(spot), _nothing))

    def entry(self, flow: Flow) -> Filter:
        """Return the filter of an error route's first node, which tells when it is taken."""
        spot = self._known(_handler_words(flow), flow[0])
        return _counting(flow[0].filter or _ALWAYS, self._count(spot), _nothing)

    def _known(self, what: str, node: Node) -> Spot:
        spot = Spot(what, node.place.line)
        self._taken.setdefault(spot, 0)
        return spot

    def _filter_spots(self, node: Node) -> tuple[Spot, ...]:
        if node.filter is None or _opens_error_route(node, self.plan.nodes.values()):
            return ()
        title = f"filter of {node.title}"
        passed = self._known(f"{title}: a bundle passes", node)
        return (passed, self._known(f"{title}: a bundle is stopped", node))

    def _route_spots(self, router: Node) -> None:
        for number, route in enumerate(router.routes):
            if not route.disabled:
                self._known(_route_words(router, number, route), router)

    def _count(self, spot: Spot) -> Callable[[], None]:
        def count() -> None:
            self._taken[spot] += 1

        return count


def _opens_error_route(node: Node, nodes: Iterable[Node]) -> bool:
    return any(handler.flow[0] is node for one in nodes for handler in one.handlers)


def _route_words(router: Node, number: int, route: Route) -> str:
    name = route.name or ("the fallback" if route.fallback else f"route {number + 1}")
    return f"{name} of {router.title}"


def _handler_words(flow: Flow) -> str:
    return f"error route to {flow[-1].module_id}"


def _counting(entry: Filter, passed: Callable[[], None], stopped: Callable[[], None]) -> Filter:
    passes = entry.passes

    def counted(scope: Scope) -> bool:
        answer = passes(scope)
        (passed if answer else stopped)()
        return answer

    return replace(entry, passes=counted)


def _nothing() -> None:
    """Nobody wants to know."""


_OPERATING = (NodeKind.MODULE, NodeKind.ITERATOR, NodeKind.AGGREGATOR)
_ALWAYS = Filter(lambda _scope: True, ())
