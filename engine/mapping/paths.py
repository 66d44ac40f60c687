"""Reading items: `video.file.name` becomes a closure over nested look-ups.

The way of a good bundle is plain indexing; whatever that cannot do goes the slow way, which knows
what null, collections, arrays and texts answer. Only keys and indices are looked up, never
attributes of Python objects.
"""

from dataclasses import dataclass

from jinja2 import nodes

from engine.errors import MappingError
from engine.mapping.coercion import describe, escaped
from engine.mapping.faults import FAILURES, Spot
from engine.mapping.operators import item_of
from engine.mapping.world import Evaluate, Reference, Scope

MISSING = (KeyError, TypeError, IndexError)


@dataclass(frozen=True, slots=True)
class Path:
    """A name and constant items after it. `local` names are those that the text itself sets."""

    text: str
    reference: Reference
    local: bool = False

    @property
    def spot(self) -> Spot:
        """The whole path's place; its text is at most a few lines."""
        reference = self.reference
        end = reference.offset + reference.length
        if reference.items:
            end = reference.item_offsets[-1] + len(str(reference.items[-1]))
        return Spot(reference.offset, end - reference.offset, self.text[reference.offset : end])


def path_of(node: nodes.Node, text: str) -> Reference | None:
    """Return the path that a node is, None if it is anything else."""
    items: list[str | int] = []
    offsets: list[int] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        item, offset = _item(node, text)
        if item is None:
            return None
        items.append(item)
        offsets.append(offset)
        node = node.node
    if not isinstance(node, nodes.Name):
        return None
    return Reference(
        node.name, tuple(items[::-1]), node.lineno, len(node.name), tuple(offsets[::-1])
    )


def _item(node: nodes.Getattr | nodes.Getitem, text: str) -> tuple[str | int | None, int]:
    if isinstance(node, nodes.Getattr):
        offset = node.lineno + 1
        while text[offset].isspace():
            offset += 1
        return node.attr, offset
    key = node.arg
    if isinstance(key, nodes.Const):
        if isinstance(key.value, str):
            return key.value, key.lineno + 1
        if isinstance(key.value, int) and not isinstance(key.value, bool):
            return key.value, key.lineno
    return None, 0


def read_path(path: Path) -> Evaluate:
    """Return the closure that reads a path; null for what is missing below a known root.

    It raises MappingError for a root that the scope lacks (a local name is null instead), and for
    an item of a value that has none, such as a number.
    """
    slow = _slow(path)
    root, items = path.reference.root, path.reference.items
    if not items:
        return _read_root(root, slow)
    if len(items) == 1:
        return _read_one(root, items[0], slow)
    if len(items) == 2:
        return _read_two(root, items[0], items[1], slow)
    return _read_many(root, items, slow)


def _read_root(root: str, slow: Evaluate) -> Evaluate:
    def read(scope: Scope) -> object:
        try:
            return scope[root]
        except KeyError:
            return slow(scope)

    return read


def _read_one(root: str, item: str | int, slow: Evaluate) -> Evaluate:
    def read(scope: Scope) -> object:
        try:
            return scope[root][item]
        except MISSING:
            return slow(scope)

    return read


def _read_two(root: str, first: str | int, second: str | int, slow: Evaluate) -> Evaluate:
    def read(scope: Scope) -> object:
        try:
            return scope[root][first][second]
        except MISSING:
            return slow(scope)

    return read


def _read_many(root: str, items: tuple[str | int, ...], slow: Evaluate) -> Evaluate:
    first, second, *rest = items

    def read(scope: Scope) -> object:
        try:
            value = scope[root][first][second]
            for item in rest:
                value = value[item]
        except MISSING:
            return slow(scope)
        return value

    return read


def _slow(path: Path) -> Evaluate:
    reference = path.reference

    def read(scope: Scope) -> object:
        if reference.root not in scope:
            if path.local:
                return None
            raise MappingError(
                f"nothing is called `{escaped(reference.root)}` here",
                offset=reference.offset,
                length=reference.length,
            )
        value = scope[reference.root]
        for index, item in enumerate(reference.items):
            try:
                value = item_of(value, item)
            except FAILURES as error:
                raise _no_item(path, index, value) from error
        return value

    return read


def _no_item(path: Path, index: int, value: object) -> MappingError:
    reference = path.reference
    item, start = str(reference.items[index]), reference.item_offsets[index]
    if index:
        end = reference.item_offsets[index - 1] + len(str(reference.items[index - 1]))
    else:
        end = reference.offset + reference.length
    owner = escaped(path.text[reference.offset : end], 120)
    hint = "pick an element first, as in `[0]`, or take all by `map`"
    return MappingError(
        f"`{owner}` is {describe(value)}, it has no item `{escaped(item)}`",
        offset=start,
        length=max(len(item), 1),
        notes=(hint,) if isinstance(value, list | tuple) else (),
    )
