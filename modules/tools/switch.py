"""Tools, "Switch". Source: Fusion help, Tools."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from engine.module import Bundle, Context, Fields, Module
from modules.tools.text import Text


class Case(Fields):
    pattern: Text
    """The text that the input must be, letter by letter, for this case to apply."""
    output: Any = None
    """What `output` is then."""


class SwitchFields(Fields):
    input: Text = ""
    """What is looked up among the cases, as text."""
    cases: list[Case] = Field(min_length=1)
    """The cases; the first whose pattern is the input applies."""
    else_: Any = Field(default=None, alias="else")
    """What `output` is when no case applies. Left out, or empty: there is no such item then."""


class Switch(Module[SwitchFields, Bundle]):
    """Emit one bundle whose `output` is that of the case that the input matches.

    Patterns are plain texts: a regular expression has no bound on the time it takes, and may come
    from a bundle. Assumed: case counts, as in a comparison of texts.
    """

    id = "tools.switch"

    def execute(self, fields: SwitchFields, ctx: Context) -> Iterable[Bundle]:
        for case in fields.cases:
            if case.pattern == fields.input:
                return ({"output": case.output},)
        return ({} if fields.else_ is None else {"output": fields.else_},)
