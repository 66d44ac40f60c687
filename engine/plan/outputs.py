"""What items a bundle has, as far as that is known before the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from engine.model.bundle import FILE_ITEMS, ORDER_ITEMS, File
from engine.plan.flow import GROUP_ITEM, RAW_NAMES
from engine.plan.inspection import Draft
from engine.plan.plan import NodeKind
from engine.plan.survey import yields_several

_PRIMITIVES: dict[object, str] = {
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    datetime: "a date",
    bytes: "data",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value. `items` None: a collection of unknown items, or unknown altogether.

    `hidden` items may be mapped but are not listed to people. `element` is what an array holds.
    """

    kind: str = ""
    """With its article; empty for a collection, or unknown."""
    items: Mapping[str, Any] | None = None
    hidden: tuple[str, ...] = ()
    is_array: bool = False
    element: Any = None

    def has(self, item: str) -> bool:
        return self.items is None or item in self.items or item in self.hidden

    def annotation(self, item: str) -> Any:
        return (self.items or {}).get(item, Any)


UNKNOWN = Shape()


def shape_of(annotation: Any) -> Shape:
    """Return what a type annotation says about a value; a union of several kinds says nothing."""
    annotation = _bare(annotation)
    if annotation in _PRIMITIVES:
        return Shape(_PRIMITIVES[annotation], {})
    if annotation is File:
        return Shape("", dict.fromkeys(FILE_ITEMS, Any))
    if get_origin(annotation) in (list, tuple):
        element = (get_args(annotation) or (Any,))[0]
        return Shape("an array", {}, is_array=True, element=element)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _shape_of_model(annotation)
    return UNKNOWN


def shape_of_bundle(draft: Draft) -> Shape:
    """Return what is known of the bundles that a node emits."""
    output = draft.output
    known = UNKNOWN if output is None else _shape_of_model(output)
    if known.items is None:
        return UNKNOWN
    names = dict(known.items)
    if draft.kind is NodeKind.AGGREGATOR and yields_several(draft):
        names[GROUP_ITEM] = Any
    raw = tuple(RAW_NAMES[name] for name in names if name in RAW_NAMES)
    return Shape("", names, (*ORDER_ITEMS, *(raw if draft.flow_module is not None else ())))


def _shape_of_model(model: type[BaseModel]) -> Shape:
    if model.model_config.get("extra") == "allow":
        return UNKNOWN
    fields = model.model_fields.items()
    return Shape("", {field.alias or name: field.annotation for name, field in fields})


def _bare(annotation: Any) -> Any:
    """Strip `Annotated` and `| None`; any other union comes back as it is."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            members = [arg for arg in get_args(annotation) if arg is not NoneType]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation
