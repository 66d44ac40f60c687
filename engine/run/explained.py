"""What went wrong at a node, as one `ModuleError` with a place in the scenario file. Pure."""

from collections.abc import Iterator

from pydantic import ValidationError

from engine.errors import MappingError, ModuleError, moved
from engine.mapping.compile import Scope
from engine.plan.plan import Leaf, Node
from engine.run.misfit import misfit


def explained(error: Exception, node: Node, scope: Scope) -> ModuleError:
    """Return what went wrong at a node as a ModuleError with a place.

    A module's own bug becomes a RuntimeError of this operation, with the cause chained.
    """
    match error:
        case MappingError():
            leaf = _failing_leaf(node, scope)
            place = leaf.place_at(error.offset, error.length) if leaf else node.place
            return moved(error, place)
        case ModuleError():
            return moved(error, node.place)
        case ValidationError():
            return misfit(error, node, scope)
        case _:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            wrapped = ModuleError(f"`{node.module_id}` broke on this bundle: {text}"[:500])
            wrapped.__cause__ = error
            return moved(wrapped, node.place)


def _leaves(node: Node) -> Iterator[Leaf]:
    if node.filter is not None:
        yield from node.filter.leaves
    yield from node.fields.leaves
    for route in node.routes:
        if route.filter is not None:
            yield from route.filter.leaves


def _failing_leaf(node: Node, scope: Scope) -> Leaf | None:
    for leaf in _leaves(node):
        try:
            leaf.mapped.evaluate(scope)
        except MappingError:
            return leaf
    return None
