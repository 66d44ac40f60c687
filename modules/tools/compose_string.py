"""Tools, "Compose a string". Source: Fusion help, Tools."""

from collections.abc import Iterable

from engine.module import Context, Fields, Module


class ComposeFields(Fields):
    value: str = ""
    """What to make one text of. A number, a boolean, a date and an array become their text; what
    comes out empty is the empty text."""


class Composed(Fields):
    text: str
    """The text."""


class ComposeString(Module[ComposeFields, Composed]):
    """Make one text of what is mapped, for later modules to map in one piece."""

    id = "tools.compose_string"

    def execute(self, fields: ComposeFields, ctx: Context) -> Iterable[Composed]:
        return (Composed(text=fields.value),)
