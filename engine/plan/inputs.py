"""What a scenario is given from outside: its inputs, and bundles that take the trigger's place."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from engine.errors import Place, Problem, ScenarioError
from engine.mapping.coercion import to_number, utc
from engine.mapping.functions.dates import to_date
from engine.mapping.refusal import Refused
from engine.model.bundle import Bundle
from engine.model.scenario import InputField
from engine.plan.hints import did_you_mean, listed, shown
from engine.plan.inspection import Inspection
from engine.plan.plan import Plan
from engine.plan.words import kind_of

_EXPECTED = {
    "text": "a text",
    "number": "a number such as 5 or 0.25",
    "boolean": "true or false",
    "date": "a date such as 2026-03-01 or 2026-03-01T12:30:00Z",
    "array": "an array in JSON, such as [1, 2]",
    "collection": 'a collection in JSON, such as {"a": 1}',
}


def settle_inputs(plan: Plan, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a scenario's inputs: given texts by type, else defaults, else null.

    A date without an offset is in the scenario's time zone. Raises ScenarioError (E401) with all
    that are unknown, required and missing, or of another type.
    """
    problems: list[Problem] = []
    for name in given.keys() - plan.inputs.keys():
        text = f"the scenario has no input {shown(name)}{did_you_mean(name, plan.inputs)}"
        problems.append(Problem("E401", text, notes=(f"inputs: {listed(plan.inputs)}",)))
    settled: dict[str, Any] = {}
    for name, declared in plan.inputs.items():
        try:
            settled[name] = _value_of(name, declared, given, plan.settings.timezone)
        except ValueError as error:
            about = (declared.description,) if declared.description else ()
            text = f"the input {shown(name)} {error}"
            problems.append(Problem("E401", text, None, about, f"--set {name}=…"))
    if problems:
        raise ScenarioError(*problems)
    return settled


def _value_of(name: str, declared: InputField, given: Mapping[str, str], timezone: str) -> Any:
    if name in given:
        return _parsed(declared.type, given[name], timezone)
    if declared.default is None:
        if declared.required:
            raise ValueError("is required")
        return None
    if declared.type == "date":
        return _parsed(declared.type, declared.default, timezone)
    return declared.default


def _parsed(kind: str, text: str, timezone: str) -> Any:
    try:
        return _PARSERS[kind](text, timezone)
    except ValueError:
        raise ValueError(f"should be {_EXPECTED[kind]}") from None


def _number(text: str, _timezone: str) -> int | float:
    try:
        return to_number(text)
    except Refused:
        raise ValueError(text) from None


def _boolean(text: str, _timezone: str) -> bool:
    words = {"true": True, "false": False}
    if text.strip().lower() not in words:
        raise ValueError(text)
    return words[text.strip().lower()]


def _date(text: str, timezone: str) -> datetime:
    try:
        return utc(to_date(text, UTC if timezone == "UTC" else ZoneInfo(timezone)))
    except Refused:
        raise ValueError(text) from None


def _json(expected: type) -> Callable[[str, str], Any]:
    def parsed(text: str, _timezone: str) -> Any:
        value = orjson.loads(text)
        if not isinstance(value, expected):
            raise ValueError(text)  # noqa: TRY004 - every misfit of an input is told alike
        return value

    return parsed


_PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    "text": lambda text, _timezone: text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "array": _json(list),
    "collection": _json(dict),
}

_DEFAULT_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str,),
    "array": (list,),
    "collection": (dict,),
}


def check_inputs(inspection: Inspection) -> None:
    """Report defaults that are not of their input's type (E112)."""
    for name, declared in inspection.written.inputs.items():
        path = ("inputs", name, "default")
        if declared.default is None or path in inspection.document.doubtful:
            continue
        if not _fits(declared):
            text = f"the default of {shown(name)} should be {_EXPECTED[declared.type]}"
            kind = kind_of(declared.default)
            more = "" if declared.type == "date" else f", but is {kind}"
            place = inspection.document.value_place(path)
            inspection.report("E112", text + more, place)


def _fits(declared: InputField) -> bool:
    value = declared.default
    if isinstance(value, bool) != (declared.type == "boolean"):
        return False
    if not isinstance(value, _DEFAULT_TYPES[declared.type]):
        return False
    if declared.type != "date":
        return True
    try:
        _date(str(value), "UTC")
    except ValueError:
        return False
    return True


def read_bundles(path: Path) -> Iterable[Bundle]:
    """Read bundles from a file: a JSON array of objects, one object, or one object per line.

    Lines are read one by one when the bundles are taken, so that there may be any number of them;
    all have been looked at before. Raises ScenarioError (E402) with the line that is wrong.
    """
    try:
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
            if _is_object(first):
                return _Lines(path)
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError(Problem("E402", f"{path}: {reason}")) from error
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        at = Place(str(path), error.lineno, error.colno)
        raise ScenarioError(Problem("E402", f"this is no JSON: {error.msg}", at)) from error
    bundles = whole if isinstance(whole, list) else [whole]
    for number, bundle in enumerate(bundles, 1):
        if not isinstance(bundle, dict):
            raise _not_bundles(
                f"bundle {number} should be an object", bundle, Place(str(path), 1, 1)
            )
    return bundles


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


class _Lines:
    """The bundles of a file with one per line; each iteration reads it anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        for _ in self:  # what is wrong is told before the first bundle moves
            pass

    def __iter__(self) -> Iterator[Bundle]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield self._bundle(number, line)

    def _bundle(self, number: int, line: bytes) -> Bundle:
        try:
            bundle = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            at = Place(str(self._path), number, error.colno)
            raise ScenarioError(Problem("E402", f"this is no JSON: {error.msg}", at)) from error
        if not isinstance(bundle, dict):
            at = Place(str(self._path), number, 1)
            raise _not_bundles("a bundle should be an object", bundle, at)
        return bundle


def _not_bundles(text: str, value: object, place: Place) -> ScenarioError:
    return ScenarioError(Problem("E402", f"{text}, but is {kind_of(value)}", place))
