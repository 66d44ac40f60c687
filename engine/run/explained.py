"""What went wrong at a node, as one `ModuleError` with a place in the scenario file. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import ValidationError

from engine.errors import MappingError, ModuleError, moved
from engine.mapping.coercion import escaped
from engine.mapping.compile import Scope
from engine.model.bundle import ORDER_ITEMS
from engine.plan.plan import Leaf, Node
from engine.run.misfit import misfit

MOST_NAMES: Final = 20
"""Items that a note lists."""


def explained(error: Exception, node: Node, scope: Scope) -> ModuleError:
    """Return what went wrong at a node as a ModuleError with a place.

    A module's own bug becomes a RuntimeError of this operation, with the cause chained.
    """
    match error:
        case MappingError():
            leaf = _failing_leaf(node, scope)
            if leaf is None:
                return moved(error, node.place)
            error.notes = (*error.notes, *_existing(leaf, error, scope))
            return moved(error, leaf.place_at(error.offset, error.length))
        case ModuleError():
            return moved(error, node.place)
        case ValidationError():
            return misfit(error, node, scope)
        case _:
            return moved(broken(error, node), node.place)


def broken(error: Exception, node: Node) -> ModuleError:
    """Return a module's own bug as an error of this operation, with the cause chained."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    wrapped = ModuleError(f"`{node.module_id}` broke on this bundle: {text}"[:500])
    wrapped.__cause__ = error
    return wrapped


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


def _existing(leaf: Leaf, error: MappingError, scope: Scope) -> Iterator[str]:
    """Name the items beside one that an expression reads where it fails, and that is not there."""
    end = error.offset + error.length
    for reference in leaf.mapped.references:
        if not error.offset <= reference.offset < max(end, error.offset + 1):
            continue
        value, path = scope.get(reference.root), reference.root
        for item in reference.items:
            if not isinstance(value, Mapping) or item in value:
                value = value.get(item) if isinstance(value, Mapping) else None
                path = f"{path}.{item}"
                continue
            names = [name for name in value if name not in ORDER_ITEMS]
            listed = ", ".join(map(escaped, names[:MOST_NAMES]))
            more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
            yield f"{path} has: {listed or 'no items'}{more}"
            break


def bundle_words(node: Node, scope: Scope) -> str:
    """Say which bundle a node is working on: its place among its source's, and the trigger's.

    Nothing is said of a bundle that is the only one.
    """
    several = (name for name in node.mappable if "bundle_index" in (scope.get(name) or ()))
    counted = [name for name in several if scope[name].get("bundle_count") != 1]
    if not counted:
        return ""
    words = _position(counted[-1], scope)
    return words if len(counted) == 1 else f"{words}, from {_position(counted[0], scope)}"


def _position(name: str, scope: Scope) -> str:
    bundle = scope[name]
    total = f" of {bundle['bundle_count']}" if "bundle_count" in bundle else ""
    return f"bundle {bundle['bundle_index']}{total} of {name}"
