"""Says in a person's words what pydantic found wrong with a value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import ErrorDetails

from engine.model.bundle import File
from engine.plan.hints import did_you_mean, listed

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping of names and values",
    "mapping_type": "a mapping of names and values",
    "model_type": "a mapping of names and values",
    "model_attributes_type": "a mapping of names and values",
    "dataclass_type": "a mapping of names and values",
    "none_required": "empty",
    "bytes_type": "data",
}

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}

_LENGTHS = {
    "too_short": ("at least", "min_length", "entries"),
    "too_long": ("at most", "max_length", "entries"),
    "string_too_short": ("at least", "min_length", "characters"),
    "string_too_long": ("at most", "max_length", "characters"),
}


def describe(error: ErrorDetails) -> str:
    """Return what a value should be and what it is: `should be a whole number, but is a list`."""
    expected = _EXPECTED.get(error["type"])
    return expectation(error) + (_but(error["input"], expected) if expected else "")


def expectation(error: ErrorDetails) -> str:
    """Return what a value should be, as the words after its name: `should be a whole number`."""
    kind = error["type"]
    context = error.get("ctx", {})
    if kind in _EXPECTED:
        return f"should be {_EXPECTED[kind]}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"should be {words} {context[name]}"
    if kind in _LENGTHS:
        words, name, unit = _LENGTHS[kind]
        return f"should have {words} {_counted(context[name], unit)}"
    for prefix, say in _BY_PREFIX.items():
        if kind.startswith(prefix):
            return say(error, context)
    return _own_words(error)


def describe_all(errors: Sequence[ErrorDetails]) -> str:
    """Return one sentence for the errors of a value that may be of several kinds."""
    return _either(describe(error) for error in errors)


def expect_all(errors: Sequence[ErrorDetails]) -> str:
    """Return what a value that may be of several kinds should be, without what it is."""
    return _either(expectation(error) for error in errors)


def _either(words: Iterable[str]) -> str:
    first, *others = dict.fromkeys(words)
    return " or ".join([first, *(text.removeprefix("should be ") for text in others)])


def kind_of(value: object) -> str:
    """Return the kind of a value, with its article, as the language names it."""
    if value is None:
        return "nothing"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return "something else"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    (datetime, "a date"),
    (bytes, "data"),
    (File, "a file"),
    (list, "a list"),
    (Mapping, "a mapping"),
)


def _but(value: object, expected: str) -> str:
    kind = kind_of(value)
    return "" if kind in expected else f", but is {kind}"


def _counted(number: int, unit: str) -> str:
    singular = {"entries": "entry", "characters": "character"}[unit]
    return f"{number} {singular if number == 1 else unit}"


def _choice(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    options = _options(str(context.get("expected", "")))
    value = error["input"]
    hint = did_you_mean(value, options) if isinstance(value, str) else ""
    return (
        f"should be one of {listed(options)}{hint}"
        if len(options) > 1
        else (f"should be {listed(options)}")
    )


def _options(expected: str) -> list[str]:
    """Take pydantic's `'a', 'b' or 'c'` apart."""
    return [part.strip(" '") for part in expected.replace(" or ", ", ").split(", ")]


def _own_words(error: ErrorDetails) -> str:
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should", "should")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _instance(_error: ErrorDetails, context: Mapping[str, Any]) -> str:
    if context.get("class") == "File":
        return "should be a file: map one, such as {{ video.file }}"
    return f"should be {context.get('class', 'something else')}"


def _says(words: str) -> Callable[[ErrorDetails, Mapping[str, Any]], str]:
    return lambda _error, _context: words


_BY_PREFIX: dict[str, Callable[[ErrorDetails, Mapping[str, Any]], str]] = {
    "literal_error": _choice,
    "enum": _choice,
    "is_instance_of": _instance,
    "missing": _says("is missing"),
    "string_pattern_mismatch": lambda _error, context: f"should match {context.get('pattern')}",
    "url": _says("should be a web address such as https://example.com/a.pdf"),
    "datetime": _says("should be a date such as 2026-03-01 or 2026-03-01T12:30:00Z"),
    "date": _says("should be a date such as 2026-03-01"),
    "timezone": _says("should be a date with its time zone"),
    "time_delta": _says("should be a length of time"),
}
