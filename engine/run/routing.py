"""Which routes of a router a bundle takes. Pure."""

from engine.mapping.compile import Scope
from engine.plan.plan import Node, Route


def in_order(routes: tuple[Route, ...]) -> list[Route]:
    """Return routes as they are tried: as written, the fallback last."""
    return sorted(routes, key=lambda route: route.fallback)


def route_wants(router: Node, route: Route, scope: Scope) -> bool:
    """Ask the filters of router and route. Raises MappingError or DataError."""
    return all(entry.passes(scope) for entry in (router.filter, route.filter) if entry is not None)
