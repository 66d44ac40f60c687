"""Checks what expressions map: that the node is in sight, and that the item can exist."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.mapping.compile import Reference
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Draft, Inspection
from engine.plan.outputs import Shape, shape_of, shape_of_bundle
from engine.plan.plan import Leaf
from engine.plan.sight import Explanation, explain
from engine.plan.survey import Survey

SCENARIO_ITEMS = ("id", "name")
"""Items of `scenario`."""

ERROR_SHAPE = Shape("", {"type": str, "message": str, "detail": Any})


class References:
    """Checks the references of one scenario's expressions, node by node in the order they run.

    `constants` takes each node's constant fields by id: what a module can emit depends on them.
    """

    def __init__(self, inspection: Inspection, survey: Survey) -> None:
        self._inspection = inspection
        self._survey = survey
        self.constants: dict[str, Mapping[str, Any]] = {}

    def check(self, draft: Draft, leaves: Iterable[Leaf]) -> None:
        """Report every reference that cannot be mapped where `draft` stands."""
        for leaf in leaves:
            for reference in leaf.mapped.references:
                self._check(draft, leaf, reference)

    def _check(self, here: Draft, leaf: Leaf, reference: Reference) -> None:
        root, items = reference.root, reference.items
        if root == "inputs":
            declared = dict.fromkeys(self._inspection.written.inputs, Any)
            self._items(leaf, reference, Shape("", declared))
        elif root == "scenario":
            self._items(leaf, reference, Shape("", dict.fromkeys(SCENARIO_ITEMS, str)))
        elif root == "error" and here.sight.on_error_route:
            self._items(leaf, reference, ERROR_SHAPE)
        elif root in here.sight.failing and items[:1] == ("error",):
            self._items(leaf, reference, ERROR_SHAPE, skip=1)
        elif root in here.sight.mappable:
            self._bundle(leaf, reference, self._survey.by_id[root])
        else:
            found = explain(root, here, self._survey)
            self._report(leaf, reference.offset, reference.length, found)

    def _bundle(self, leaf: Leaf, reference: Reference, draft: Draft) -> None:
        """Check the items that a node emits; one that its constant fields exclude is refused."""
        command = f"fusion modules {draft.written.module}"
        if draft.module is not None and reference.items:
            absent = draft.module.absent_items(self.constants.get(draft.id, {}))
            reason = absent.get(str(reference.items[0]))
            if reason is not None:
                item = shown(f"{draft.id}.{reference.items[0]}")
                found = Explanation("E201", f"{item} is never set: {reason}", (), command)
                offset, length = _item_range(reference, 0)
                self._report(leaf, offset, length, found)
                return
        self._items(leaf, reference, shape_of_bundle(draft), command=command)

    def _items(
        self, leaf: Leaf, reference: Reference, shape: Shape, *, skip: int = 0, command: str = ""
    ) -> None:
        """Walk down the items of a reference until one does not exist or nothing is known."""
        for index in range(skip, len(reference.items)):
            item = reference.items[index]
            if shape.is_array and isinstance(item, int):
                shape = shape_of(shape.element)
                continue
            name = str(item)
            if not shape.has(name) and not (shape.kind == "a text" and isinstance(item, int)):
                owner = ".".join(map(str, (reference.root, *reference.items[:index])))
                found = _no_item(owner, name, shape, command)
                offset, length = _item_range(reference, index)
                self._report(leaf, offset, length, found)
                return
            shape = shape_of(shape.annotation(name))

    def _report(self, leaf: Leaf, offset: int, length: int, found: Explanation) -> None:
        self._inspection.report(
            found.code,
            found.message,
            leaf.place_at(offset, length),
            notes=found.notes,
            next_command=found.next_command,
        )


def _no_item(owner: str, name: str, shape: Shape, command: str) -> Explanation:
    if shape.is_array:
        text = f"{shown(owner)} is an array; pick an element with `[0]` before {shown(name)}"
        return Explanation("E201", text, (), command)
    if shape.kind:
        text = f"{shown(owner)} is {shape.kind} and has no items"
        return Explanation("E201", text, (), command)
    names = list(shape.items or ())
    text = f"{shown(owner)} has no item {shown(name)}{did_you_mean(name, names)}"
    notes = [f"{owner} has: {listed(names)}"]
    if owner == "inputs":
        notes.append("declare it under `inputs` at the top of the scenario")
    return Explanation("E201", text, tuple(notes), command)


def _item_range(reference: Reference, index: int) -> tuple[int, int]:
    """Return the offset and the length of an item's name."""
    return reference.item_offsets[index], len(str(reference.items[index]))
