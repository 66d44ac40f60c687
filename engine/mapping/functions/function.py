"""What a function of the mapping language is: a name, a signature, a line of help, a call."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Needs(Enum):
    """What a function is given before its arguments."""

    NOTHING = "nothing"
    WORLD = "world"
    """The `World`: clock, time zone, random numbers."""
    METER = "meter"
    """The `Meter` of the evaluation: it bounds its work by what others have done before."""
    SCOPE = "scope"
    """The scope, and its arguments not evaluated: it calls those that it wants with the scope."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `parameters` is for people and for counting: `text, start, [end], [more…]`.

    A name in brackets may be left out; one that ends in `…` may be repeated. `call` raises
    `Refused`, checks sizes before it builds, and never changes an argument.
    """

    name: str
    parameters: str
    doc: str
    example: str
    call: Callable[..., Any]
    needs: Needs = Needs.NOTHING

    @property
    def least(self) -> int:
        """How many arguments it takes at least."""
        return sum(not name.startswith("[") for name in self._names)

    @property
    def most(self) -> int | None:
        """How many arguments it takes at most; None: any number."""
        return None if "…" in self.parameters else len(self._names)

    @property
    def signature(self) -> str:
        return f"{self.name}({self.parameters})"

    @property
    def _names(self) -> list[str]:
        return self.parameters.split(", ") if self.parameters else []
