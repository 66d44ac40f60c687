"""Which routes of a router are tried, and in what order. Pure."""

from engine.plan.plan import Route


def in_order(routes: tuple[Route, ...]) -> list[Route]:
    """Return routes as they are tried: as written, the fallback last."""
    return sorted(routes, key=lambda route: route.fallback)
