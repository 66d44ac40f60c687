"""How an operation on values says no, below everything else of the mapping language."""

from typing import Any


class Refused(Exception):  # noqa: N818 - a signal between our own functions, never seen outside
    """An operation cannot take a value (`wanted`, `value`), or cannot work at all (`reason`).

    `advice` is what to do about it, if there is something.

    Whoever called the operation knows the names of the items and makes a `MappingError` of it.
    """

    def __init__(
        self, wanted: str = "", value: Any = None, *, reason: str = "", advice: str = ""
    ) -> None:
        super().__init__(reason or wanted)
        self.wanted = wanted
        self.value = value
        self.reason = reason
        self.advice = advice
