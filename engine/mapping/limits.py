"""How much one expression may hold, build and do.

Sizes are checked before something is built. What an operation makes is bounded by itself
(`TEXT_LIMIT`, `LIST_LIMIT`, `INTEGER_BITS`); a `Meter` adds up where many operations can follow one
another.
"""

from typing import Any

from engine.errors import MappingError
from engine.mapping.refusal import Refused

SOURCE_LIMIT = 64 * 1024
"""Characters of a text that holds expressions."""
TOKEN_LIMIT = 2_000
NESTING_LIMIT = 40
"""Brackets within brackets."""
DEPTH_LIMIT = 150
"""Levels of the tree that an expression parses to."""
TEXT_LIMIT = 1_000_000
"""Characters of a text, or bytes of a buffer, that an expression builds."""
LIST_LIMIT = 100_000
"""Elements of an array, or items of a collection, that an expression builds."""
INTEGER_BITS = 4_096
BUILT_LIMIT = 16_000_000
"""Bytes that one evaluation may build, an array's element counted as eight."""
WORK_LIMIT = 200_000
"""Steps that one evaluation may take: a call, an iteration, an element looked at."""
FREE_DEPTH = 30
"""So many levels always fit on the stack: no guard."""
FREE_OPERATIONS = 12
"""So many operations without a loop stay below `BUILT_LIMIT` by their own limits: no meter."""


def check_text(size: int) -> None:
    """Raise Refused if a text or buffer of this size may not be built."""
    if size > TEXT_LIMIT:
        raise Refused(reason=f"the text would be longer than {TEXT_LIMIT:,} characters")


def check_list(size: int) -> None:
    """Raise Refused if an array of this size may not be built."""
    if size > LIST_LIMIT:
        raise Refused(reason=f"the array would have more than {LIST_LIMIT:,} elements")


class Meter:
    """Adds up what one evaluation builds and does; `reset` starts the next one.

    One meter belongs to one compiled text. Evaluation never waits, so it needs no lock within a
    thread; two threads that evaluate the same text share its allowance.
    """

    __slots__ = ("built", "searching", "work")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew; `searching` is seconds that regular expressions took of the processor."""
        self.built = 0
        self.work = 0
        self.searching = 0.0

    def step(self, count: int = 1) -> None:
        """Count work. Raises MappingError beyond the limit."""
        self.work += count
        if self.work > WORK_LIMIT:
            raise MappingError(
                f"the expression takes more than {WORK_LIMIT:,} steps",
                notes=("split the work over several modules, or loop over fewer elements",),
            )

    def build(self, value: Any) -> None:
        """Count a value that was built. Raises MappingError beyond the limit."""
        self.step()
        if isinstance(value, str | bytes):
            self.built += len(value)
        elif isinstance(value, list | dict):
            self.built += 8 * len(value)
        if self.built > BUILT_LIMIT:
            raise MappingError(f"the expression builds more than {BUILT_LIMIT // 10**6} MB")
