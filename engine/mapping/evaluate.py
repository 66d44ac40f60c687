"""Evaluates texts against values by name, outside of any scenario: for people and for programs.

The limits are those of a run. A program sends lines of JSON, `{"expr": "{{ … }}", "bundle": {…},
"timezone": "UTC"}`, where the keys of `bundle` are the names in the expression, and gets for each
`{"value": …}` or `{"error": {"type", "message", "line", "column"}}`; line and column count from 1
in the expression and are null where it is not to blame.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from engine.errors import ExpressionError, MappingError, Place
from engine.mapping.coercion import describe, escaped
from engine.mapping.compile import Mapped, compile_text
from engine.mapping.exchange import from_json, read_json, write_json
from engine.mapping.faults import MESSAGE_LIMIT
from engine.mapping.functions.date_formats import zone_named
from engine.mapping.refusal import Refused
from engine.mapping.world import Scope, World

LINE_LIMIT = 16 * 1024 * 1024
"""Bytes of one line of a program."""


def evaluate(text: str, scope: Scope) -> Any:
    """Return the value of a field's text; one that is exactly one expression keeps its type.

    Raises ExpressionError (E202 for a name that the scope lacks) and MappingError.
    """
    mapped = compile_text(text)
    if isinstance(mapped, str):
        return mapped
    _check_names(mapped, scope)
    return mapped.evaluate(scope)


def answer(line: bytes, world: Callable[[str], World]) -> str:
    """Return the answer to a program's line, as a line; `world` is given the time zone's name."""
    expression = ""
    try:
        expression, names, timezone = _request(line)
        value = evaluate(expression, {**names, "": world(timezone)})
        return f'{{"value": {value_text(value)}}}'
    except ExpressionError as error:
        return _error(_kind(error), error, place(expression, error))
    except MappingError as error:
        return _error(error.type_name, error, place(expression, error))
    except Refused as error:
        return _error("UsageError", error, None)


def _kind(error: ExpressionError) -> str:
    """Return the type of an error; constants that no function takes fail here as in a run."""
    return MappingError.type_name if error.problem_code == "E215" else "ExpressionError"


def value_text(value: Any) -> str:
    """Return a value as one line of JSON. Raises MappingError for one that is too large."""
    try:
        return write_json(value)
    except Refused as error:
        raise MappingError(error.reason) from None


def bundle_of_json(data: bytes) -> dict[str, Any]:
    """Return names and values from a JSON object. Raises Refused."""
    return _names(read_json(data))


def place(text: str, error: ExpressionError | MappingError) -> Place:
    """Return where in an expression's text an error is, with its line; `file` says `expression`."""
    before = text[: error.offset]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    lines = text.split("\n")
    return Place("expression", line, column, error.length, ((line, lines[line - 1]),))


def _request(line: bytes) -> tuple[str, dict[str, Any], str]:
    """Return expression, names and time zone of a program's line. Raises Refused."""
    if len(line) > LINE_LIMIT:
        raise Refused(reason=f"the line is longer than {LINE_LIMIT:,} bytes")
    content = read_json(line)
    if not isinstance(content, dict):
        raise Refused(reason=f"a line should be an object, not {describe(content)}")
    if "expr" not in content:
        raise Refused(reason='a line should have the expression as "expr"')
    expression, timezone = content["expr"], content.get("timezone", "UTC")
    if not isinstance(expression, str):
        raise Refused(reason=f'"expr" should be a text, not {describe(expression)}')
    if not isinstance(timezone, str) or zone_named(timezone) is None:
        raise Refused(reason=f"there is no time zone {describe(timezone)[:80]}")
    return expression, _names(content.get("bundle", {})), timezone


def _names(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise Refused(reason=f"the bundle should be an object, not {describe(content)}")
    return {name: from_json(value) for name, value in content.items()}


def _check_names(mapped: Mapped, scope: Scope) -> None:
    known = [name for name in scope if name]
    for reference in mapped.references:
        if reference.root in scope:
            continue
        close = get_close_matches(reference.root, known, 1, 0.6)
        guess = f"; did you mean `{escaped(close[0])}`?" if close else ""
        raise ExpressionError(
            "E202",
            f"nothing is called `{escaped(reference.root)}`{guess} {_there_is(known)}".rstrip(),
            offset=reference.offset,
            length=reference.length,
        )


def _there_is(names: list[str]) -> str:
    if not names:
        return "(no names are given)"
    more = ", …" if len(names) > 10 else ""
    return f"(there is: {', '.join(escaped(name) for name in names[:10])}{more})"


def _error(kind: str, error: Exception, where: Place | None) -> str:
    content: Mapping[str, Any] = {
        "type": kind,
        "message": str(error)[:MESSAGE_LIMIT],
        "line": where and where.line,
        "column": where and where.column,
    }
    return write_json({"error": content})
