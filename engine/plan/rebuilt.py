"""A plan made anew with other modules and filters in the same places. Pure.

`engine.testing` puts modules that stand in, and filters that count, where a scenario has its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from engine.plan.plan import Filter, Flow, Handler, Node, Plan, Route

ChangeNode: TypeAlias = Callable[[Node], Node]
"""Returns a node as it is to be; it may change its module and its filter."""

ChangeRoute: TypeAlias = Callable[[Node, int, Route], Route]
"""Returns a router's route as it is to be; it may change its filter. The number is its place."""

ChangeHandler: TypeAlias = Callable[[Flow], Filter | None]
"""Returns the filter of the first node of an error route as it is to be."""


def rebuilt(
    plan: Plan, node_of: ChangeNode, route_of: ChangeRoute, entry_of: ChangeHandler
) -> Plan:
    """Return a plan of the same shape. Error routes that several nodes share stay shared."""
    builder = _Builder(node_of, route_of, entry_of)
    flow = builder.flow(plan.flow)
    nodes = {name: builder.node(node) for name, node in plan.nodes.items()}
    places = plan.positions.items()
    positions = {name: (builder.flow(own), index) for name, (own, index) in places}
    return replace(plan, flow=flow, nodes=nodes, positions=positions)


@dataclass(slots=True)
class _Builder:
    """Makes each node and each flow once, whoever asks for it."""

    node_of: ChangeNode
    route_of: ChangeRoute
    entry_of: ChangeHandler
    _nodes: dict[int, Node] = field(default_factory=dict)
    _flows: dict[int, Flow] = field(default_factory=dict)
    _entries: dict[int, Filter | None] = field(default_factory=dict)

    def flow(self, flow: Flow) -> Flow:
        if id(flow) not in self._flows:
            self._flows[id(flow)] = tuple(map(self.node, flow))
        return self._flows[id(flow)]

    def node(self, node: Node) -> Node:
        if id(node) not in self._nodes:
            handlers = tuple(map(self._handler, node.handlers))
            routes = tuple(self._route(node, *numbered) for numbered in enumerate(node.routes))
            changed = self.node_of(node)
            if id(node) in self._entries:
                changed = replace(changed, filter=self._entries[id(node)])
            self._nodes[id(node)] = replace(changed, handlers=handlers, routes=routes)
        return self._nodes[id(node)]

    def _route(self, router: Node, number: int, route: Route) -> Route:
        return replace(self.route_of(router, number, route), flow=self.flow(route.flow))

    def _handler(self, handler: Handler) -> Handler:
        if handler.flow and id(handler.flow) not in self._flows:
            self._entries[id(handler.flow[0])] = self.entry_of(handler.flow)
        return replace(handler, flow=self.flow(handler.flow))
