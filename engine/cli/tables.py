"""Columns of plain text."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.cli.output import Line, Span, Tone
from engine.cli.text import cells, cut, escape, pad

GAP = 2
NARROWEST = 8
"""Cells that a column keeps, however narrow the terminal is."""


class Column(NamedTuple):
    """A column: its title, whether it holds numbers, and whether it gives way on a narrow terminal.

    Of several columns that give way, the widest does so first.
    """

    title: str
    number: bool = False
    gives_way: bool = False


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> list[Line]:
    """Lay rows out under titles, in at most `width` cells where a column can give way.

    `width` None: everything is shown whole, as suits a file or another program.
    """
    titles = [column.title for column in columns]
    texts = [titles, *([escape(cell) for cell in row] for row in rows)]
    widths = [max(cells(text[index]) for text in texts) for index in range(len(columns))]
    if width is not None:
        _fit(columns, widths, width)
    lines = [_line(columns, text, widths) for text in texts]
    return [(Span(lines[0], Tone.FAINT),), *lines[1:]]


def _fit(columns: Sequence[Column], widths: list[int], width: int) -> None:
    excess = sum(widths) + GAP * (len(widths) - 1) - width
    giving = [index for index, column in enumerate(columns) if column.gives_way]
    for _ in range(excess):
        widest = max(giving, key=lambda index: widths[index], default=None)
        if widest is None or widths[widest] <= NARROWEST:
            return
        widths[widest] -= 1


def _line(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        pad(cut(text, width), width, right=column.number)
        for column, text, width in zip(columns, texts, widths, strict=True)
    ]
    return (" " * GAP).join(parts).rstrip()
