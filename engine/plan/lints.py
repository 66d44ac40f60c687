"""What runs but cannot be meant, as warnings. Called by `engine.plan.check`."""

from collections.abc import Iterable, Iterator, Mapping

from engine.errors import Problem
from engine.module import Effect, Kind
from engine.plan.handlers import never_matches
from engine.plan.hints import listed, shown
from engine.plan.inspection import Inspection
from engine.plan.plan import Leaf, Node, NodeKind, Route
from engine.plan.secrets_written import find_secrets
from engine.plan.survey import Survey


def lints(inspection: Inspection, survey: Survey, nodes: Mapping[str, Node]) -> list[Problem]:
    """Return every warning of a scenario, in document order.

    What is disabled is left alone: its author knows.
    """
    used = _mapped(nodes.values())
    found = [*inspection.warnings, *find_secrets(inspection, survey)]
    for node in nodes.values():
        if not node.disabled:
            found += _never_runs(node)
            found += never_matches(inspection, survey, node, _leaves(node))
            found += _unused(node, used, guarded=bool(survey.by_id[node.id].on_error))
            found += _collects_nothing(node)
    return sorted(found, key=_position)


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def _leaves(node: Node) -> Iterator[Leaf]:
    yield from node.fields.leaves
    filters = [node.filter, *(route.filter for route in node.routes)]
    for each in filters:
        if each is not None:
            yield from each.leaves


def _mapped(nodes: Iterable[Node]) -> frozenset[str]:
    """Return the names that any expression maps."""
    return frozenset(
        reference.root
        for node in nodes
        for leaf in _leaves(node)
        for reference in leaf.mapped.references
    )


def _never_runs(router: Node) -> Iterator[Problem]:
    """Yield a fallback that never runs: one beside a route that takes every bundle (W101)."""
    open_routes = [route for route in router.routes if not route.disabled]
    takes_all = [route for route in open_routes if not route.fallback and _takes_all(route)]
    if takes_all and any(route.fallback for route in open_routes):
        name = shown(takes_all[0].name) if takes_all[0].name else "another route"
        text = f"the fallback of {shown(router.title)} never runs: {name} takes every bundle"
        notes = ("give that route a filter, or drop the fallback",)
        yield Problem("W101", text, router.place, notes)


def _takes_all(route: Route) -> bool:
    """Tell whether a route has no filter, or one that is `true` for good."""
    if route.filter is None:
        return True
    return not route.filter.leaves and route.filter.passes({})


def _unused(node: Node, used: frozenset[str], *, guarded: bool) -> Iterator[Problem]:
    """Yield a node that only computes what nobody maps (W103, W106).

    One with an error route of its own may be there to check its bundles.
    """
    if node.id in used:
        return
    if node.kind is NodeKind.AGGREGATOR:
        text = f"no node maps what {shown(node.title)} collects, and its bundles end here"
        notes = (f"map it further down, as `{{{{ {node.id}.… }}}}`, or remove the aggregator",)
        yield Problem("W106", text, node.place, notes)
    elif _only_computes(node) and not guarded:
        text = f"no node maps what {shown(node.title)} gives, and it does nothing else"
        yield Problem("W103", text, node.place, ("map its items further down, or remove it",))


def _only_computes(node: Node) -> bool:
    module = node.module
    if module is None or module.effect is not Effect.PURE or module.kind is not Kind.ACTION:
        return False
    return module.variables_set(node.fields.constants) == ()


def _collects_nothing(node: Node) -> Iterator[Problem]:
    """Yield an aggregator whose rows hold nothing of the bundles that it collects (W106).

    Of those, only what it collects can be mapped behind it.
    """
    if node.kind is not NodeKind.AGGREGATOR or node.source not in node.mappable:
        return
    closed = node.mappable[node.mappable.index(node.source) :]
    if "function" in node.fields.constants and "value" not in node.fields.names:
        return
    mapped = {
        reference.root
        for leaf in node.fields.leaves
        if leaf.path[1] != "group_by"
        for reference in leaf.mapped.references
    }
    if not mapped & set(closed):
        text = f"{shown(node.title)} takes nothing of the bundles of {listed(closed)}"
        notes = ("behind an aggregator, only what it collects can be mapped",)
        yield Problem("W106", text, node.place, notes)
