"""Tells of values that do not fit a module, with the mapping that gave each and its place. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from engine.errors import BundleValidationError, Place
from engine.mapping.coercion import describe, escaped
from engine.plan.coercing import Fault
from engine.plan.plan import Leaf
from engine.plan.read import KeyPath

MESSAGE_LIMIT: Final = 500
_NAME, _EXPRESSION = 120, 80
"""Characters of a name and of an expression that a message quotes."""


class Complaint(NamedTuple):
    """What is wrong with the value at `path`, in words that follow the field's name.

    Words that do not begin with a verb begin with a colon.
    """

    path: KeyPath
    words: str
    more: str = ""
    """What comes behind the expression that gave the value."""


def complaint(fault: Fault) -> Complaint:
    """Say what was expected and what came."""
    more = f": {fault.why}" if fault.why else ""
    return Complaint(fault.path, f"should be {fault.wanted}, got {describe(fault.value)}", more)


def rejected(
    complaints: Iterable[Complaint], leaves: Sequence[Leaf], node: Place | None = None
) -> BundleValidationError:
    """Return one error for all complaints; it points at the first mapping to blame, else `node`."""
    texts: list[str] = []
    places: list[Place] = []
    for path, words, more in complaints:
        leaf = _leaf(path, leaves)
        gave = leaf is not None and len(leaf.path) <= len(path) + 1
        origin = (
            f" from `{escaped(leaf.mapped.text.strip(), _EXPRESSION)}`" if leaf and gave else ""
        )
        name = escaped(".".join(map(str, path)), _NAME)
        subject = f"field `{name}`" if path else "the fields"
        space = "" if words.startswith(":") else " "
        texts.append(f"{subject}{space}{words}{origin}{more}")
        if leaf is not None:
            places.append(leaf.place_at(0, len(leaf.mapped.text)))
    place = places[0] if places else node
    return BundleValidationError("; ".join(texts)[:MESSAGE_LIMIT], place=place)


def _leaf(path: KeyPath, leaves: Sequence[Leaf]) -> Leaf | None:
    """Return the text that gave the value at a path or the whole of it, else the first inside."""
    inside = None
    for leaf in leaves:
        mapped = leaf.path[1:]
        if mapped == path[: len(mapped)]:
            return leaf
        if inside is None and mapped[: len(path)] == path:
            inside = leaf
    return inside
