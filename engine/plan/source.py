"""A file that a person wrote, and places in it. Every place of a load error comes from here."""

import re
from bisect import bisect_right
from functools import cached_property

from engine.errors import Place

_LINE_BREAK = re.compile(r"\r\n|\r|\n")

HIDDEN = "***"
"""What stands in excerpts where a secret was written in clear."""


class Source:
    """The text of a file under the name that people know it by.

    Characters are counted from 0; a byte-order mark at the start is no part of the text.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text.removeprefix("\ufeff")
        self._hidden: list[tuple[int, int]] = []

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]

    def hide(self, start: int, end: int) -> None:
        """Keep these characters out of every excerpt made from now on."""
        self._hidden.append((start, end))

    def place(self, start: int, length: int = 1) -> Place:
        """Return the place of a range; the part on its first line is what is underlined."""
        start = min(start, len(self.text))
        line = bisect_right(self._starts, start) - 1
        column = start - self._starts[line]
        first = max(0, line - 1)
        excerpt = tuple((at + 1, self._line(at)) for at in range(first, line + 1))
        if first < line and not excerpt[0][1].strip():
            excerpt = excerpt[1:]
        width = max(1, min(length, len(excerpt[-1][1]) - column))
        return Place(self.file, line + 1, column + 1, width, excerpt)

    def line_of(self, index: int) -> str:
        """Return the line that holds a character, without its break."""
        return self._line(bisect_right(self._starts, index) - 1)

    def line_start(self, index: int) -> int:
        """Return where the line of a character begins."""
        return self._starts[bisect_right(self._starts, index) - 1]

    def start_of_line(self, number: int) -> int:
        """Return where the line with this number, from 1, begins; past the end: the last line."""
        return self._starts[max(1, min(number, len(self._starts))) - 1]

    def _line(self, number: int) -> str:
        start = self._starts[number]
        last = number + 1 == len(self._starts)
        end = len(self.text) if last else self._starts[number + 1]
        line = self.text[start:end].rstrip("\r\n")
        for hidden_start, hidden_end in sorted(self._hidden, reverse=True):
            low, high = max(hidden_start, start) - start, min(hidden_end, end) - start
            if low < high:
                line = line[:low] + HIDDEN + line[high:]
        return line
