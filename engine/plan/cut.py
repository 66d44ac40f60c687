"""The part of a plan that leads to one of its nodes. Pure."""

from dataclasses import replace

from engine.plan.plan import Filter, Flow, Node, Plan, Route
from engine.plan.rebuilt import rebuilt


def cut_behind(plan: Plan, node_id: str) -> Plan:
    """Return the plan in which nothing runs behind a node, nor on routes that do not lead to it.

    Error routes of what does run stay. Raises ValueError, with words for people, for a node that
    stands on an error route.
    """
    if plan.nodes[node_id].on_error_route:
        raise ValueError("stands on an error route, which only a failure leads to")
    on_way, routes = _way_to(plan, node_id)

    def node_of(node: Node) -> Node:
        runs = node.on_error_route or node.id in on_way
        return node if runs else replace(node, disabled=True)

    def route_of(router: Node, number: int, route: Route) -> Route:
        wanted = routes.get(router.id)
        return route if wanted in (None, number) else replace(route, disabled=True)

    return rebuilt(plan, node_of, route_of, own_entry)


def own_entry(flow: Flow) -> Filter | None:
    """Return the filter of an error route's first node as it is."""
    return flow[0].filter


def _way_to(plan: Plan, node_id: str) -> tuple[set[str], dict[str, int]]:
    """Return the nodes on the way to a node, itself included, and each router's route to it."""
    on_way: set[str] = set()
    routes: dict[str, int] = {}
    above = {
        id(route.flow): (router, number)
        for router in plan.nodes.values()
        for number, route in enumerate(router.routes)
    }
    flow, index = plan.positions[node_id]
    while True:
        on_way.update(node.id for node in flow[: index + 1])
        if id(flow) not in above:
            return on_way, routes
        router, number = above[id(flow)]
        routes[router.id] = number
        flow, index = plan.positions[router.id]
