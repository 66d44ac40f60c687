"""Which routes of a router are tried, and in what order. Pure."""

from engine.plan.plan import Node, Route


def open_routes(router: Node) -> list[Route]:
    """Return the routes that are tried: as written, the fallback last, disabled ones left out."""
    routes = [route for route in router.routes if not route.disabled]
    return sorted(routes, key=lambda route: route.fallback)
