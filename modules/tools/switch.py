"""Tools, "Switch". Source: Fusion help, Tools."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from engine.errors import DataError
from engine.module import (
    Bundle,
    Context,
    Fields,
    Module,
    PatternError,
    compile_pattern,
    first_found,
)


class Case(Fields):
    pattern: str
    """What the input must be for this case to apply, letter by letter; with `regex`, the regular
    expression, as in JavaScript, that must match in it. Upper and lower case differ."""
    output: Any = None
    """What `output` is then."""


def _expression(text: str) -> str:
    try:
        compile_pattern(text)
    except PatternError as error:
        raise ValueError(f"cannot be used: {error}") from error
    return text


class _RegexCase(Case):
    pattern: Annotated[str, AfterValidator(_expression)]


def _usable(case: Case, info: ValidationInfo) -> Case:
    """Check a regular expression here, where a mistake is told of its case."""
    return _RegexCase.model_validate(dict(case)) if info.data.get("regex") else case


class SwitchFields(Fields):
    input: str = ""
    """What is looked up among the cases, as text."""
    regex: bool = False
    """The patterns are regular expressions. One matches anywhere in the input, unless it begins
    with `^` and ends with `$`. Lookaround and backreferences are refused: no pattern takes long."""
    cases: list[Annotated[Case, AfterValidator(_usable)]] = Field(min_length=1)
    """The cases; the first that the input matches applies."""
    else_: Any = Field(default=None, alias="else")
    """What `output` is when no case applies. Left out, or empty: there is no such item then."""


class Switch(Module[SwitchFields, Bundle]):
    """Emit one bundle whose `output` is that of the case that the input matches.

    Assumed: case counts, as in a comparison of texts, and a regular expression need not match the
    whole input, as in a filter's `text:pattern`. To ignore case, map `lower(…)` of the input.
    """

    id = "tools.switch"

    def execute(self, fields: SwitchFields, ctx: Context) -> Iterable[Bundle]:
        index = _matching(fields)
        if index is not None:
            return ({"output": fields.cases[index].output},)
        return ({} if fields.else_ is None else {"output": fields.else_},)


def _matching(fields: SwitchFields) -> int | None:
    if not fields.regex:
        return next(
            (i for i, each in enumerate(fields.cases) if each.pattern == fields.input), None
        )
    try:
        return first_found((compile_pattern(each.pattern) for each in fields.cases), fields.input)
    except PatternError as error:
        raise DataError(f"field `input`: {error}") from error
