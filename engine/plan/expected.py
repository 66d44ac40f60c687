"""What the fields of a module expect, and what becomes of a value on its way into one.

The type of a field says what is expected; what is made of a value of another kind is said by
`engine.mapping.coercion`, after Fusion's table. A field is left to pydantic alone if its type says
nothing (`Any`), is no kind of value (`Path`), or has a validator that wants the value as it comes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from enum import Enum
from functools import cached_property
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeAlias,
    Union,
    get_args,
    get_origin,
)

from pydantic import AwareDatetime, BaseModel, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo

from engine.mapping.coercion import (
    ERASE,
    describe,
    to_boolean,
    to_bytes,
    to_number,
    to_text,
    to_time,
    to_whole,
    utc,
)
from engine.mapping.functions.dates import to_date
from engine.mapping.refusal import Refused

Coerce: TypeAlias = Callable[[Any], Any]
"""Returns what its place expects; null stays null. Raises Misfit, and nothing else."""
Path: TypeAlias = tuple[str | int, ...]

_READS_ITSELF = (BeforeValidator, PlainValidator, WrapValidator)
_EARLY: Final = frozenset({"before", "plain", "wrap"})
_ARRAYS = frozenset({list, tuple, set, frozenset, Sequence})
_COLLECTIONS = frozenset({dict, Mapping})


class Fault(NamedTuple):
    """A value that cannot become what its place expects; `path` leads to it from the model."""

    path: Path
    wanted: str
    value: Any
    why: str = ""
    """What else there is to say; may be empty."""

    def below(self, part: str | int) -> "Fault":
        return self._replace(path=(part, *self.path))


class Misfit(Exception):  # noqa: N818 - a signal to the mapping of a node's fields
    """Values that do not fit, all that were found."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Expected:
    """What a place expects: values of `own` types, named `wanted` to people."""

    wanted: str
    own: tuple[type, ...]
    coerce: Coerce


class Slot(NamedTuple):
    """A field of a model. `coerce` None: the field is left to pydantic.

    `keeps_null` says that null is a misfit where it stands, and not a field that is missing.
    """

    coerce: Coerce | None
    nullable: bool
    keeps_null: bool


def slots_of(model: type[BaseModel], zone: tzinfo, *, written: bool = False) -> Mapping[str, Slot]:
    """Return the fields of a module by the names that authors write.

    `zone` is the scenario's: dates without an offset are in it. `written` is for constants, where
    a text or number in place of true or false is a slip of the pen, and not data.
    """
    return _Items(_Reader(zone, written=written), model).slots


def coerced(slots: Mapping[str, Slot], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as their module expects them; what came out empty is left out.

    `ERASE` in a field that may be null makes it null. Raises Misfit with all that do not fit.
    """
    found, faults = {}, []
    for name, value in fields.items():
        slot = slots.get(name)
        if (
            slot is None
            or (value is None and slot.keeps_null)
            or (value is ERASE and slot.nullable)
        ):
            found[name] = value
        elif value is not None:
            try:
                found[name] = value if slot.coerce is None else slot.coerce(value)
            except Misfit as misfit:
                faults += [fault.below(name) for fault in misfit.faults]
    if faults:
        raise Misfit(*faults)
    return found


def cleared(value: Any) -> Any:
    """Return a value with null for `ERASE` in collections, and an empty text for it in arrays."""
    if isinstance(value, dict):
        return {name: None if each is ERASE else cleared(each) for name, each in value.items()}
    if isinstance(value, list):
        return ["" if each is ERASE else cleared(each) for each in value]
    return value


def is_text(coerce: Coerce | None) -> bool:
    """Tell whether a text goes through a coercion as it is."""
    return coerce is _text


def is_collection(coerce: Coerce | None) -> bool:
    """Tell whether every collection goes through a coercion as it is."""
    return coerce is _collection


def _tried(wanted: str, convert: Coerce, value: Any) -> Any:
    try:
        return convert(value)
    except Refused as refused:
        raise Misfit(Fault((), wanted, value, _why(refused, value))) from None
    except RecursionError:
        raise Misfit(Fault((), wanted, value, "it is nested too deep")) from None
    except (ArithmeticError, ValueError):
        raise Misfit(Fault((), wanted, value, "it is out of range")) from None


def _why(refused: Refused, value: Any) -> str:
    if refused.value is not None and refused.value is not value:
        return f"it holds {describe(refused.value)}"
    return refused.reason or ("it is not in UTF-8" if refused.wanted == "text in UTF-8" else "")


def _text(value: Any) -> Any:
    if type(value) is str or value is None:
        return value
    text = _tried("a text", to_text, value)
    return text if type(text) is str else str(text)


def _collection(value: Any) -> Any:
    if value is None or isinstance(value, Mapping):
        return value
    raise Misfit(Fault((), "a collection", value))


def _scalar(wanted: str, convert: Coerce, *own: type) -> Expected:
    def coerce(value: Any) -> Any:
        return None if value is None else _tried(wanted, convert, value)

    return Expected(wanted, own, coerce)


def _strict_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("", "true", "false"):
        return bool(value == "true")
    raise Refused("true or false", value)


_TEXT = Expected("a text", (str,), _text)
_NUMBER = _scalar("a number", to_number, int, float)
_WHOLE = _scalar("a whole number", to_whole, int, float)
_ANY_COLLECTION = Expected("a collection", (Mapping,), _collection)

_TIMELESS: Mapping[Any, Expected] = {
    str: _TEXT,
    int: _WHOLE,
    float: _NUMBER,
    bytes: _scalar("text or a buffer", to_bytes, bytes),
    time: _scalar("a time such as 9:05:00", to_time, time),
}


def _moments(zone: tzinfo) -> Mapping[Any, Expected]:
    def moment(value: Any) -> datetime:
        return utc(value if isinstance(value, datetime) else to_date(value, zone))

    wanted = "a date such as 2026-03-01 or 2026-03-01T12:30:00Z"
    exact = _scalar(wanted, moment, datetime)
    day = _scalar(wanted, lambda value: moment(value).astimezone(zone).date(), datetime)
    return {datetime: exact, AwareDatetime: exact, date: day}


class _Reader:
    """Says what a type expects; None: nothing that could be coerced."""

    def __init__(self, zone: tzinfo, *, written: bool) -> None:
        self.written = written
        boolean = _strict_boolean if written else to_boolean
        self._scalars: Mapping[Any, Expected] = {
            **_TIMELESS,
            bool: _scalar("true or false", boolean, bool),
            **_moments(zone),
        }

    def expected(self, annotation: Any) -> Expected | None:
        while hasattr(annotation, "__value__"):  # an alias by the statement `type`
            annotation = annotation.__value__
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            kind, *metadata = arguments
            return None if _reads_itself(metadata) else self.expected(kind)
        if origin in (Union, UnionType):
            return self._union([each for each in arguments if each is not NoneType])
        if origin is Literal:
            return self._choice(arguments)
        if (origin or annotation) in _ARRAYS:
            return self._array(arguments)
        if (origin or annotation) in _COLLECTIONS:
            return self._collection(arguments)
        return self._plain(annotation)

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
        coerce = _each(element.coerce if element else None)
        return Expected("an array", (list, tuple), coerce)

    def _collection(self, arguments: Sequence[Any]) -> Expected:
        value = self.expected(arguments[1]) if len(arguments) == 2 else None
        if value is None:
            return _ANY_COLLECTION
        return Expected("a collection", (Mapping,), _each_item(value.coerce))

    def _union(self, members: Sequence[Any]) -> Expected | None:
        kinds = [self.expected(member) for member in members]
        found = [kind for kind in kinds if kind is not None]
        if len(found) < len(kinds) or not found:
            return None
        if _NUMBER in found:
            found = [kind for kind in found if kind is not _WHOLE]
        return found[0] if len(found) == 1 else _either(found)


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
        decorators = self._model.__pydantic_decorators__
        if _has_early(decorators.model_validators):
            return {}
        return {
            given: self._slot(info, early=_has_early(decorators.field_validators, name))
            for name, info in self._model.model_fields.items()
            for given in _names(name, info)
        }

    def _slot(self, info: FieldInfo, *, early: bool) -> Slot:
        expected = None
        if not early and not _reads_itself(info.metadata):
            expected = self._reader.expected(info.annotation)
        nullable = _admits_null(info.annotation)
        keeps_null = self._reader.written and info.is_required()
        return Slot(expected.coerce if expected else None, nullable, keeps_null)

    def coerce(self, value: Any) -> Any:
        _collection(value)
        return None if value is None else coerced(self.slots, value)


def _names(name: str, info: FieldInfo) -> Iterator[str]:
    alias = info.validation_alias or info.alias
    yield alias if isinstance(alias, str) else name


def _admits_null(annotation: Any) -> bool:
    if annotation is Any or annotation is None or annotation is NoneType:
        return True
    if get_origin(annotation) is Annotated:
        return _admits_null(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return any(_admits_null(member) for member in get_args(annotation))
    return get_origin(annotation) is Literal and None in get_args(annotation)


def _each(element: Coerce | None) -> Coerce:
    """Return the coercion to an array; a single value becomes its only element."""

    def coerce(value: Any) -> Any:
        if value is None:
            return None
        if value is ERASE:
            return []
        values = list(value) if isinstance(value, list | tuple) else [value]
        if element is None:
            return values
        try:
            return [element(each) for each in values]
        except Misfit:
            raise _all_faults(element, enumerate(values)) from None

    return coerce


def _each_item(value_of: Coerce) -> Coerce:
    """Return the coercion to a collection of values of one kind, under any names."""

    def coerce(value: Any) -> Any:
        if _collection(value) is None:
            return None
        try:
            return {name: value_of(each) for name, each in value.items()}
        except Misfit:
            raise _all_faults(value_of, value.items()) from None

    return coerce


def _all_faults(coerce: Coerce, parts: Any) -> Misfit:
    faults: list[Fault] = []
    for part, each in parts:
        try:
            coerce(each)
        except Misfit as misfit:
            faults += [fault.below(part) for fault in misfit.faults]
    return Misfit(*faults)


def _either(kinds: Sequence[Expected]) -> Expected:
    """Return the coercion to one of several kinds.

    A value of one of the kinds stays of it; another becomes the first kind that it can (Assumed:
    a field of Fusion's is of one kind).
    """
    wanted = " or ".join(dict.fromkeys(kind.wanted for kind in kinds))

    def coerce(value: Any) -> Any:
        if value is None:
            return None
        own = [kind for kind in kinds if _is_of(value, kind)]
        faults: list[Fault] = []
        for kind in own or kinds:
            try:
                return kind.coerce(value)
            except Misfit as misfit:
                faults += misfit.faults
        raise Misfit(*(faults if len(own) == 1 else (Fault((), wanted, value),)))

    return Expected(wanted, tuple(each for kind in kinds for each in kind.own), coerce)


def _is_of(value: Any, kind: Expected) -> bool:
    """Tell whether a value is of a kind already; a boolean is no number."""
    return bool in kind.own if isinstance(value, bool) else isinstance(value, kind.own)
