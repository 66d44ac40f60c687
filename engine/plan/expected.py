"""What the fields of a module expect, and what becomes of a value on its way into one.

The type of a field says what is expected; what is made of a value of another kind is said by
`engine.mapping.coercion`, after Fusion's table. A field is left to pydantic alone if its type says
nothing (`Any`), is no kind of value (`Path`), or has a validator that wants the value as it comes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from enum import Enum
from functools import cached_property, lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo

from engine.mapping.coercion import ERASE
from engine.module import FileValue
from engine.plan.coercing import (
    ANY_COLLECTION,
    FILE,
    NUMBER,
    WHOLE,
    Coerce,
    Expected,
    each_element,
    each_item,
    either,
    gathered,
    scalars,
)

_FILE_READER = get_args(FileValue)[1]
_READS_ITSELF = (BeforeValidator, PlainValidator, WrapValidator)
_EARLY: Final = frozenset({"before", "plain", "wrap"})
_ARRAYS = frozenset({list, tuple, set, frozenset, Sequence})
_COLLECTIONS = frozenset({dict, Mapping})


class Slot(NamedTuple):
    """A field of a model. `coerce` None: the field is left to pydantic.

    `keeps_null` says that null is a misfit where it stands, and not a field that is missing.
    """

    coerce: Coerce | None
    nullable: bool
    keeps_null: bool


@lru_cache(maxsize=512)  # a scenario has many nodes of few modules
def slots_of(model: type[BaseModel], zone: tzinfo, *, written: bool = False) -> Mapping[str, Slot]:
    """Return the fields of a module by the names that authors write.

    `zone` is the scenario's: dates without an offset are in it. `written` is for constants.
    """
    return _Items(_Reader(zone, written=written), model).slots


def coerced(slots: Mapping[str, Slot], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as their module expects them; what came out empty is left out.

    `ERASE` in a field that may be null makes it null. Raises Misfit with all that do not fit.
    """
    return gathered(_supplied(slots, fields))


def unknown_field(model: type[BaseModel], path: Sequence[str | int]) -> int | None:
    """Return how many parts of a path lead to a field that its model refuses; None: to none.

    Where a validator looks at values first, only the module knows what it takes.
    """
    here: Any = model
    for at, part in enumerate(path):
        if isinstance(part, int):
            here = _bare(get_args(here)[0]) if get_origin(here) is list and get_args(here) else None
        elif not _refuses_others(here):
            return None
        else:
            fields = _types_of_fields(here)
            if part not in fields:
                return at + 1
            here = fields[part]
    return None


@lru_cache(maxsize=512)
def _types_of_fields(model: type[BaseModel]) -> Mapping[str | int, Any]:
    """Return the types of a model's fields by the names that authors write, as `_bare` has them."""
    return {
        _name(info) or name: _bare(_read_by_pydantic(model, name, info))
        for name, info in model.model_fields.items()
    }


def _refuses_others(annotation: Any) -> bool:
    if not isinstance(annotation, type) or not issubclass(annotation, BaseModel):
        return False
    early = _has_early(annotation.__pydantic_decorators__.model_validators)
    return annotation.model_config.get("extra") == "forbid" and not early


def _read_by_pydantic(model: type[BaseModel], name: str, info: FieldInfo) -> Any:
    """Return the type of a field, None if a validator of its own looks at values first."""
    decorators = model.__pydantic_decorators__.field_validators
    early = _has_early(decorators, name) or _reads_itself(info.metadata)
    return None if early else info.annotation


def _bare(annotation: Any) -> Any:
    """Return the one type that a type admits beside null; None if there are several."""
    if get_origin(annotation) is Annotated:
        return None if _reads_itself(get_args(annotation)[1:]) else _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [each for each in get_args(annotation) if each is not NoneType]
        return _bare(members[0]) if len(members) == 1 else None
    return annotation


def _supplied(
    slots: Mapping[str, Slot], fields: Mapping[str, Any]
) -> Iterator[tuple[str, Coerce | None, Any]]:
    for name, value in fields.items():
        slot = slots.get(name)
        if slot is None:
            yield name, None, value
        elif value is not None or slot.keeps_null:
            yield name, None if value is ERASE and slot.nullable else slot.coerce, value


class _Reader:
    """Says what a type expects; None: nothing that could be coerced."""

    def __init__(self, zone: tzinfo, *, written: bool) -> None:
        self.written = written
        self._scalars = scalars(zone, written=written)

    def expected(self, annotation: Any) -> Expected | None:
        while hasattr(annotation, "__value__"):  # an alias by the statement `type`
            annotation = annotation.__value__
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self.annotated(*arguments)
        if origin in (Union, UnionType):
            return self._union([each for each in arguments if each is not NoneType])
        if origin is Literal:
            return self._choice(arguments)
        if (origin or annotation) in _ARRAYS:
            return self._array(arguments)
        if (origin or annotation) in _COLLECTIONS:
            return self._collection(arguments)
        return self._plain(annotation)

    def annotated(self, kind: Any, *metadata: Any) -> Expected | None:
        """Say what a type with validators expects; those that come first want what comes."""
        if _FILE_READER in metadata:
            return FILE
        return None if _reads_itself(metadata) else self.expected(kind)

    def _plain(self, annotation: Any) -> Expected | None:
        if annotation in self._scalars:
            return self._scalars[annotation]
        if not isinstance(annotation, type):
            return None
        if issubclass(annotation, Enum):
            return self._choice([member.value for member in annotation])
        if not issubclass(annotation, BaseModel) or _has_early(
            annotation.__pydantic_decorators__.model_validators
        ):
            return None
        return Expected("a collection", (Mapping,), _Items(self, annotation).coerce)

    def _choice(self, values: Sequence[Any]) -> Expected | None:
        """Return what a choice among fixed values expects: that of which all of them are."""
        kinds = {type(value) for value in values if value is not None}
        return self._scalars.get(kinds.pop()) if len(kinds) == 1 else None

    def _array(self, arguments: Sequence[Any]) -> Expected | None:
        if len(arguments) > 1 and arguments[1:] != (...,):
            return None
        element = self.expected(arguments[0]) if arguments else None
        coerce = each_element(element.coerce if element else None)
        return Expected("an array", (list, tuple), coerce)

    def _collection(self, arguments: Sequence[Any]) -> Expected:
        value = self.expected(arguments[1]) if len(arguments) == 2 else None
        if value is None:
            return ANY_COLLECTION
        return Expected("a collection", (Mapping,), each_item(value.coerce))

    def _union(self, members: Sequence[Any]) -> Expected | None:
        kinds = [self.expected(member) for member in members]
        found = [kind for kind in kinds if kind is not None]
        if len(found) < len(kinds) or not found:
            return None
        if NUMBER in found:
            found = [kind for kind in found if kind is not WHOLE]
        return found[0] if len(found) == 1 else either(found)


def _reads_itself(metadata: Sequence[Any]) -> bool:
    """Tell whether a type has a validator of its own for values that are not of the type yet."""
    return any(isinstance(each, _READS_ITSELF) for each in metadata)


def _has_early(validators: Mapping[str, Any], field: str | None = None) -> bool:
    """Tell whether a model's methods look at a value, or that of one field, before pydantic."""
    infos = [each.info for each in validators.values()]
    return any(
        info.mode in _EARLY and (field is None or field in info.fields or "*" in info.fields)
        for info in infos
    )


class _Items:
    """The fields of a model, looked up when first needed: a model may hold others of its kind."""

    def __init__(self, reader: _Reader, model: type[BaseModel]) -> None:
        self._reader = reader
        self._model = model

    @cached_property
    def slots(self) -> Mapping[str, Slot]:
        if _has_early(self._model.__pydantic_decorators__.model_validators):
            return {}
        return {
            _name(info) or name: self._slot(name, info)
            for name, info in self._model.model_fields.items()
        }

    def _slot(self, name: str, info: FieldInfo) -> Slot:
        decorators = self._model.__pydantic_decorators__.field_validators
        expected = None
        if not _has_early(decorators, name):
            expected = self._reader.annotated(info.annotation, *info.metadata)
        nullable = _admits_null(info.annotation)
        keeps_null = self._reader.written and info.is_required()
        return Slot(expected.coerce if expected else None, nullable, keeps_null)

    def coerce(self, value: Any) -> Any:
        if ANY_COLLECTION.coerce(value) is None:
            return None
        return coerced(self.slots, value)


def _name(info: FieldInfo) -> str | None:
    """Return the name that authors write, None if it is the attribute's."""
    alias = info.validation_alias or info.alias
    return alias if isinstance(alias, str) else None


def _admits_null(annotation: Any) -> bool:
    if annotation is Any or annotation is None or annotation is NoneType:
        return True
    if get_origin(annotation) is Annotated:
        return _admits_null(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return any(_admits_null(member) for member in get_args(annotation))
    return get_origin(annotation) is Literal and None in get_args(annotation)
