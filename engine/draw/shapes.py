"""The shapes of bubbles and the signs in them, around (0, 0), as SVG path data."""

from typing import Final

from engine.model.directive import Directive
from engine.plan.plan import Node, NodeKind

CIRCLE: Final = "M-30 0a30 30 0 1 0 60 0a30 30 0 1 0 -60 0z"

SHAPES: Final = {
    NodeKind.MODULE: CIRCLE,
    NodeKind.ROUTER: "M-4 -29a5.7 5.7 0 0 1 8 0L29 -4a5.7 5.7 0 0 1 0 8L4 29a5.7 5.7 0 0 1 -8 0"
    "L-29 4a5.7 5.7 0 0 1 0 -8z",
    NodeKind.ITERATOR: "M-28 -14q0 -4 4 -5L22 -30q8 -2 8 6V24q0 8 -8 6L-24 19q-4 -1 -4 -5z",
    NodeKind.AGGREGATOR: "M28 -14q0 -4 -4 -5L-22 -30q-8 -2 -8 6V24q0 8 8 6L24 19q4 -1 4 -5z",
    NodeKind.DIRECTIVE: CIRCLE,
    NodeKind.RETRY: CIRCLE,
    NodeKind.THROW: CIRCLE,
}
"""Outline of each kind; iterators open to the right, aggregators to the left."""

_RETRY: Final = "M11 -3a11.5 11.5 0 1 0 -2 9M12 -12v9h-9"

_SIGNS: Final = {
    NodeKind.ROUTER: "M-15 0h7M-8 0q5 0 7 -7q1.5 -5 6 -5h7M-8 0h20M-8 0q5 0 7 7q1.5 5 6 5h7",
    NodeKind.ITERATOR: "M-14 -5h6v10h-6zM-3 0h4M6 -12h9M6 -4h9M6 4h9M6 12h9",
    NodeKind.AGGREGATOR: "M-15 -12h9M-15 -4h9M-15 4h9M-15 12h9M-1 0h4M8 -5h6v10h-6z",
    NodeKind.RETRY: _RETRY,
    NodeKind.THROW: "M0 -13V3M0 11v.5",
}

_DIRECTIVES: Final = {
    Directive.BREAK: "M-6 -10V10M6 -10V10",
    Directive.COMMIT: "M-11 1L-3 9L12 -8",
    Directive.IGNORE: "M-9 -9L9 9M9 -9L-9 9",
    Directive.RESUME: "M-7 -11L11 0L-7 11z",
    Directive.ROLLBACK: "M-10 -5H4a7.5 7.5 0 0 1 0 15H-4M-4 -11L-10 -5L-4 1",
}

FUNNEL: Final = "M0 -9h11l-4 5v5l-3 -2v-3z"
"""The sign of a filter; it stands on the base line of a text, and is 11 wide."""

BOLT: Final = "M1.5 -6.5L-4 1h3.5L-1.5 6.5L4 -1H.5z"
"""The sign of a trigger."""


def sign_of(node: Node) -> str:
    """Return the sign in a node's bubble; empty: it shows its connector's initials."""
    if node.directive is not None:
        return _DIRECTIVES[node.directive]
    return _SIGNS.get(node.kind, "")
