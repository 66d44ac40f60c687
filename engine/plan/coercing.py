"""Makes of a value what its place expects, or says what does not fit.

What is made of each kind of value is said by `engine.mapping.coercion`, after Fusion's table; here
are the functions that a plan puts before the fields of its modules, and what they raise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import AwareDatetime

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
from engine.model.bundle import File

Coerce: TypeAlias = Callable[[Any], Any]
"""Returns what its place expects; null stays null. Raises Misfit, and nothing else."""
Path: TypeAlias = tuple[str | int, ...]
Key = TypeVar("Key", str, int)


class Fault(NamedTuple):
    """A value that cannot become what its place expects; `path` leads to it from the model.

    `certain`: whatever is in the value.
    """

    path: Path
    wanted: str
    value: Any
    why: str = ""
    """What else there is to say; may be empty."""
    certain: bool = False

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


def gathered(parts: Iterable[tuple[Key, Coerce | None, Any]]) -> dict[Key, Any]:
    """Coerce values and return them by their keys. Raises Misfit with all that do not fit."""
    found: dict[Key, Any] = {}
    faults: list[Fault] = []
    for key, coerce, value in parts:
        try:
            found[key] = value if coerce is None else coerce(value)
        except Misfit as misfit:
            faults += [fault.below(key) for fault in misfit.faults]
    if faults:
        raise Misfit(*faults)
    return found


def cleared(value: Any) -> Any:
    """Return a value with null in place of `ERASE`, wherever in it that is."""
    if value is ERASE:
        return None
    if isinstance(value, dict):
        return {name: cleared(each) for name, each in value.items()}
    if isinstance(value, list):
        return [cleared(each) for each in value]
    return value


def _tried(wanted: str, convert: Coerce, value: Any) -> Any:
    try:
        return convert(value)
    except Refused as refused:
        certain = isinstance(value, Mapping) or (isinstance(value, list) and not _joins(convert))
        raise Misfit(Fault((), wanted, value, _why(refused, value), certain)) from None
    except RecursionError:
        raise Misfit(Fault((), wanted, value, "it is nested too deep")) from None
    except (ArithmeticError, ValueError):
        raise Misfit(Fault((), wanted, value, "it is out of range")) from None


def _joins(convert: Coerce) -> bool:
    """Tell whether an array is made into one value."""
    return convert in (to_text, to_bytes)


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
    raise Misfit(Fault((), "a collection", value, certain=isinstance(value, list)))


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


TEXT = Expected("a text", (str,), _text)
NUMBER = _scalar("a number", to_number, int, float)
WHOLE = _scalar("a whole number", to_whole, int)
ANY_COLLECTION = Expected("a collection", (Mapping,), _collection)


def _data(value: Any) -> Any:
    """Return what a file can be made of: a file, a buffer, or the text of a single value."""
    if isinstance(value, File | bytes):
        return value
    if isinstance(value, str | bool | int | float | datetime):
        return _text(value)
    raise Misfit(Fault((), "a file, a buffer or a text", value))


def _name(value: Any) -> Any:
    if value is None:
        raise Misfit(Fault((), TEXT.wanted, value))
    return _text(value)


def _file(value: Any) -> Any:
    if value is None or isinstance(value, File):
        return value
    if not isinstance(value, Mapping) or set(value) != {"name", "data"}:
        raise Misfit(Fault((), FILE.wanted, value, certain=isinstance(value, list)))
    return gathered([("name", _name, value["name"]), ("data", _data, value["data"])])


FILE = Expected("a file, or a collection of `name` and `data`", (Mapping,), _file)


def scalars(zone: tzinfo, *, written: bool) -> Mapping[Any, Expected]:
    """Return what the types of single values expect.

    A date without an offset is in `zone`. `written` is for constants, where a text or number in
    place of true or false is a slip of the pen, and not data.
    """

    def moment(value: Any) -> datetime:
        return utc(value if isinstance(value, datetime) else to_date(value, zone))

    wanted = "a date such as 2026-03-01 or 2026-03-01T12:30:00Z"
    exact = _scalar(wanted, moment, datetime)
    return {
        str: TEXT,
        int: WHOLE,
        float: NUMBER,
        bool: _scalar("true or false", _strict_boolean if written else to_boolean, bool),
        bytes: _scalar("text or a buffer", to_bytes, bytes),
        datetime: exact,
        AwareDatetime: exact,
        date: _scalar(wanted, lambda value: moment(value).astimezone(zone).date(), datetime),
        time: _scalar("a time such as 9:05:00", to_time, time),
    }


def each_element(element: Coerce | None) -> Coerce:
    """Return the coercion to an array; a single value becomes its only element."""

    def coerce(value: Any) -> Any:
        if value is None:
            return None
        if value is ERASE:
            return []
        values = value if isinstance(value, list | tuple) else [value]
        if element is None:
            return values
        try:
            return [element(each) for each in values]
        except Misfit:
            pairs = ((at, element, each) for at, each in enumerate(values))
            return list(gathered(pairs).values())

    return coerce


def each_item(value_of: Coerce) -> Coerce:
    """Return the coercion to a collection of values of one kind, under any names."""

    def coerce(value: Any) -> Any:
        if _collection(value) is None:
            return None
        return gathered((name, value_of, each) for name, each in value.items())

    return coerce


def either(kinds: Sequence[Expected]) -> Expected:
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
        certain = all(fault.certain for fault in faults)
        raise Misfit(*(faults if len(own) == 1 else (Fault((), wanted, value, certain=certain),)))

    return Expected(wanted, tuple(each for kind in kinds for each in kind.own), coerce)


def _is_of(value: Any, kind: Expected) -> bool:
    """Tell whether a value is of a kind already; a boolean is no number."""
    return bool in kind.own if isinstance(value, bool) else isinstance(value, kind.own)
