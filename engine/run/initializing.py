"""The first phase of a run: connections and modules are tested before any bundle moves.

Source: Workfront Fusion's documentation of scenario execution phases.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

from engine.errors import InitializationError, ModuleError
from engine.plan.plan import Flow, Node, Plan
from engine.run.operation import Operation


def nodes_that_may_run(plan: Plan, flow: Flow, index: int) -> list[Node]:
    """Return the nodes that a run from a place in a flow on may reach, in the plan's order.

    Nodes of error routes are among them, disabled ones are not.
    """
    found = {node.id for node in _reachable(flow[index:])}
    return [node for node in plan.nodes.values() if node.id in found]


def _reachable(nodes: Iterable[Node]) -> Iterator[Node]:
    waiting, seen = list(nodes), set()
    while waiting:
        node = waiting.pop()
        if node.disabled or node.id in seen:
            continue
        seen.add(node.id)
        yield node
        for route in node.routes:
            waiting += () if route.disabled else route.flow
        for handler in node.handlers:
            waiting += handler.flow


async def initialize(
    nodes: Iterable[Node],
    operations: Mapping[str, Operation],
    test_connection: Callable[[str], Awaitable[None]],
) -> None:
    """Test the connections of nodes, then the nodes' modules. Raises InitializationError."""
    modules = [(node, operations[node.id]) for node in nodes if node.id in operations]
    for node, _operation in modules:
        await test_connection(node.id)
    for node, operation in modules:
        try:
            await operation.initialize()
        except Exception as error:
            raise _unable(node, error) from error


def _unable(node: Node, error: Exception) -> InitializationError:
    """Say that a module cannot work; what is no ModuleError is its own bug."""
    if not isinstance(error, ModuleError):
        text = f"`{node.module_id}` broke: {type(error).__name__}: {error}"[:500]
        return InitializationError("RuntimeError", f"`{node.title}`: {text}", place=node.place)
    place = error.place or (node.fields.place_of(error.field) if error.field else None)
    text = f"`{node.title}`: {error.message}"
    return InitializationError(error.type_name, text, place=place or node.place, notes=error.notes)
