"""Nodes that wait for nothing, each made one plain function when a run begins. Used by `travel`.

What is known by then is not asked again for each bundle: the kind of a node, its filter, who counts
what it emits.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

from engine.errors import ThrownError
from engine.mapping.compile import Scope
from engine.model.bundle import Bundle
from engine.plan.flow import ThrowFields
from engine.plan.plan import Filter, Node, NodeKind
from engine.run.aggregate import Collected, spread
from engine.run.emission import numbered
from engine.run.emitting import emitting
from engine.run.failing import Failures
from engine.run.operation import Operation
from engine.run.parts import Parts
from engine.run.surroundings import DROPPED, End, Outputs

Step: TypeAlias = Callable[[Scope], Outputs | End]
"""Runs a node for the bundle in a scope: all it emits in a list, or a stream yet to begin."""

Counted: TypeAlias = Callable[[Scope, list[Bundle]], list[Bundle]]
"""Takes what an operation has emitted, and returns it as it goes on."""


def step_of(
    node: Node,
    parts: Parts,
    failures: Failures,
    collected: Mapping[str, Collected],
    seconds: Callable[[], float],
) -> Step | None:
    """Return what a node does with a bundle, its filter not asked; None: it waits, or it routes."""
    evaluate, counted = node.fields.evaluate, counting(node, parts)
    match node.kind:
        case NodeKind.MODULE:
            return _module(parts.operations[node.id], parts, counted, seconds)
        case NodeKind.ITERATOR:
            return lambda scope: counted(scope, spread(node.module_id, evaluate(scope)))
        case NodeKind.AGGREGATOR:
            return _collecting(node, parts.history.arrived, collected)
        case NodeKind.DIRECTIVE:
            return partial(failures.reach, node)
        case NodeKind.THROW:
            return lambda scope: _unless_thrown(ThrowFields.model_validate(evaluate(scope)))
    return None


def asking(entry: Filter, step: Step) -> Step:
    """Return a step that is taken only where a filter lets the bundle through."""
    passes = entry.passes

    def filtered(scope: Scope) -> Outputs | End:
        return step(scope) if passes(scope) else DROPPED

    return filtered


def counting(node: Node, parts: Parts) -> Counted:
    """Return what counts and remembers a node's operations, and numbers the bundles of one."""
    count, keep, name = parts.counts[node.id], parts.history.keep, node.id
    few = parts.history.few
    numbers = node.kind is NodeKind.MODULE

    def counted(scope: Scope, outputs: list[Bundle]) -> list[Bundle]:
        emitted = len(outputs)
        count.operations += 1
        count.bundles += emitted
        number = count.operations + count.failed
        if emitted == 1:
            keep[name]((number, scope, outputs, 1))
            return outputs
        if numbers:
            outputs = numbered(outputs)
        keep[name]((number, scope, outputs[:few], emitted))
        return outputs

    return counted


def _module(
    operation: Operation, parts: Parts, counted: Counted, seconds: Callable[[], float]
) -> Step | None:
    if operation.waits:
        return None
    if operation.streams:
        return emitting(parts.journal, operation, parts.cursor_of(operation.node))
    compute, count = operation.compute, operation.count

    def computed(scope: Scope) -> list[Bundle]:
        started = seconds()
        try:
            outputs = compute(scope)
        finally:
            count.seconds += seconds() - started
        return counted(scope, outputs)

    return computed


def _collecting(
    node: Node, arrived: Callable[[str, Scope], None], collected: Mapping[str, Collected]
) -> Step:
    evaluate, name = node.fields.evaluate, node.id

    def collecting(scope: Scope) -> End:
        collected[name].add(evaluate(scope))
        arrived(name, scope)
        return DROPPED

    return collecting


def _unless_thrown(fields: ThrowFields) -> list[Bundle]:
    if fields.when:
        raise ThrownError(fields.type, fields.message, detail=fields.detail)
    return [{}]
