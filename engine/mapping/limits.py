"""How much one expression may hold, build and do.

Sizes are checked before something is built. What an operation makes is bounded by itself
(`check_text`, `check_list`, `INTEGER_BITS`); a `Meter` adds up where many operations can follow one
another. The operator of a machine may set `Limits` of its own; they hold in the context in which
`put_in_force` was called and in what is started from it, as the limits of `decimal` do.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, fields
from typing import Any, cast

from engine.errors import MappingError
from engine.mapping.refusal import Refused

NESTING_LIMIT = 40
"""Brackets within brackets."""
DEPTH_LIMIT = 150
"""Levels of the tree that an expression parses to."""
INTEGER_BITS = 4_096
FREE_DEPTH = 30
"""So many levels always fit on the stack: no guard."""
FREE_LOOKS = 12
"""So many comparisons without a loop take little time, however large the values: no meter."""
LIFT = 10
"""No limit can be set to more than so many times its default."""
WIDEST = 4
"""Bytes that a character takes at most."""
SLOT = 8
"""Bytes that an array takes for an element."""
LETTERS = 32
"""So many characters are looked at in one step."""
FREE_OPERATIONS = 4
"""So many operations on the largest values there are take less than a second: no meter."""
RAISE = "who runs this machine may set other limits, under `expressions` in `.fusion/config.yaml`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an operator may lower, or lift up to ten times. Raises ValueError beyond that."""

    source: int = 64 * 1024
    """Characters of a text that holds expressions."""
    tokens: int = 2_000
    """Names, numbers, texts and signs in one text."""
    text: int = 1_000_000
    """Characters of a text, or bytes of a buffer, that an expression builds."""
    array: int = 100_000
    """Elements of an array, or items of a collection, that an expression works on."""
    built: int = 16_000_000
    """Bytes that one evaluation may build, an array's element counted as eight."""
    work: int = 200_000
    """Steps that one evaluation may take: a call, an iteration, an element looked at."""

    def __post_init__(self) -> None:
        for each in fields(self):
            most = LIFT * cast(int, each.default)
            if not 1 <= getattr(self, each.name) <= most:
                raise ValueError(f"`{each.name}` is a whole number from 1 to {most:,}")

    @property
    def free_operations(self) -> int:
        """So many operations without a loop stay below all limits by their own: no meter."""
        return min(FREE_OPERATIONS, self.built // max(WIDEST * self.text, SLOT * self.array))


DEFAULTS = Limits()
_IN_FORCE = ContextVar("limits", default=DEFAULTS)


def in_force() -> Limits:
    """Return the limits that hold here."""
    return _IN_FORCE.get()


def put_in_force(limits: Limits) -> None:
    """Let these limits hold for what is compiled and evaluated from here on."""
    _IN_FORCE.set(limits)


def check_text(size: int) -> None:
    """Raise Refused if a text or buffer of this size may not be built."""
    limit = _IN_FORCE.get().text
    if size > limit:
        raise Refused(reason=f"the text would be longer than {limit:,} characters", advice=RAISE)


def check_list(size: int) -> None:
    """Raise Refused if an array of this size may not be worked on."""
    limit = _IN_FORCE.get().array
    if size > limit:
        raise Refused(reason=f"the array would have more than {limit:,} elements", advice=RAISE)


class Meter:
    """Adds up what one evaluation builds and does; `reset` starts the next one.

    One meter belongs to one compiled text. Evaluation never waits, so it needs no lock within a
    thread; two threads that evaluate the same text share its allowance.
    """

    __slots__ = ("_limits", "built", "searching", "work")

    def __init__(self) -> None:
        self._limits = in_force()
        self.reset()

    def reset(self) -> None:
        """Start anew; `searching` is seconds that regular expressions took of the processor."""
        self.built = 0
        self.work = 0
        self.searching = 0.0

    def step(self, count: int = 1) -> None:
        """Count work. Raises MappingError beyond the limit."""
        self.work += count
        if self.work > self._limits.work:
            raise MappingError(
                f"the expression takes more than {self._limits.work:,} steps",
                notes=("split the work over several modules, or loop over fewer elements", RAISE),
            )

    def look(self, value: Any) -> None:
        """Count a value that an operation looks at. Raises MappingError beyond the limit."""
        kind = type(value)
        if kind is str or kind is bytes:
            self.step(len(value) // LETTERS)
        elif kind is list or kind is dict:
            self.step(len(value))

    def build(self, value: Any) -> None:
        """Count a value that was built. Raises MappingError beyond the limit."""
        self.work += 1
        if self.work > self._limits.work:
            self.step()
        kind = type(value)
        if kind is str or kind is bytes:
            self.built += value.__sizeof__()
        elif kind is list or kind is dict:
            self.built += SLOT * len(value)
        else:
            return
        if self.built > self._limits.built:
            raise MappingError(
                f"the expression builds more than {self._limits.built / 10**6:g} MB", notes=(RAISE,)
            )

    def counting(self, operate: Callable[..., Any]) -> Callable[..., Any]:
        """Return an operation that counts what it looks at and what it builds."""
        look, build = self.look, self.build

        def counted(*values: Any) -> Any:
            for value in values:
                if type(value) is not str or len(value) >= LETTERS:
                    look(value)
            result = operate(*values)
            build(result)
            return result

        return counted
