"""What runs but cannot be meant, as warnings. Called by `engine.plan.check`."""

from collections.abc import Iterable, Iterator

from engine.errors import Problem
from engine.plan.hints import shown
from engine.plan.plan import Node


def never_runs(nodes: Iterable[Node]) -> Iterator[Problem]:
    """Yield what can never run (W101), in document order.

    What is disabled is left alone: its author knows. A fallback never runs beside a route that
    takes every bundle.
    """
    for router in nodes:
        open_routes = [route for route in router.routes if not route.disabled]
        takes_all = [route for route in open_routes if not (route.filter or route.fallback)]
        if takes_all and any(route.fallback for route in open_routes):
            name = shown(takes_all[0].name) if takes_all[0].name else "another route"
            text = f"the fallback of {shown(router.title)} never runs: {name} takes every bundle"
            yield Problem("W101", text, router.place)
