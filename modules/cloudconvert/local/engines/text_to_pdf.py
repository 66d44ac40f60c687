"""Plain text to PDF by reportlab: A4, fixed width, long lines wrapped.

Each character is set in the first font that has it: Courier, then the fonts found here, then
Adobe's Asian fonts, which every reader brings itself.
"""

import codecs
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from modules.cloudconvert.local.engines.fonts import font_of
from modules.cloudconvert.local.engines.talk import Failure, Progress

SIZE = 10
LEADING = 12
MARGIN = 57
"""Points; 2 cm."""
TAB = 8
LONGEST_LINE = 100_000
"""Characters of one line that are looked at."""


def run(job: dict[str, Any], progress: Progress) -> list[str]:
    """Convert one file; the job is the one of `converters.worked`."""
    source, target = Path(job["source"]["path"]), Path(job["folder"]) / "out.0"
    canvas = Canvas(str(target), pagesize=A4, pageCompression=1)
    canvas.setTitle(job["source"]["filename"])
    pages = _Pages(canvas, job["limits"]["pages"])
    total, done = source.stat().st_size, 0
    with source.open(encoding=_encoding(source), errors="replace", newline=None) as file:
        while line := file.readline(LONGEST_LINE):
            done += len(line)
            _set_line(pages, line)
            progress(done, total)
    pages.end()
    canvas.save()
    return [target.name]


def _encoding(path: Path) -> str:
    """Return UTF-16 or UTF-8 if the file is that, else the usual Western one."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


class _Pages:
    """Where the next line goes."""

    def __init__(self, canvas: Canvas, limit: int) -> None:
        self._canvas, self._limit = canvas, limit
        self._count, self._y = 1, A4[1] - MARGIN - SIZE

    def line(self, text: str) -> None:
        if self._y < MARGIN:
            self.turn()
        self._canvas.drawText(self._text(text))
        self._y -= LEADING

    def _text(self, text: str) -> Any:
        drawn = self._canvas.beginText(MARGIN, self._y)
        for font, run in _runs(text):
            drawn.setFont(font, SIZE)
            drawn.textOut(run)
        return drawn

    def turn(self) -> None:
        self._count += 1
        if self._count > self._limit:
            raise Failure("FILE_TOO_LARGE", f"The text fills more than {self._limit} pages")
        self._canvas.showPage()
        self._y = A4[1] - MARGIN - SIZE

    def end(self) -> None:
        self._canvas.showPage()


def _set_line(pages: _Pages, line: str) -> None:
    for number, part in enumerate(line.rstrip("\n").split("\f")):
        if number:
            pages.turn()
        for row in _wrapped(_visible(part.expandtabs(TAB))):
            pages.line(row)


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() or c == " " else " " for c in text)


def _wrapped(text: str) -> Iterator[str]:
    """Cut a line to the page's width, at spaces where there are any."""
    room = A4[0] - 2 * MARGIN
    start, end, space, width = 0, 0, 0, 0.0
    while end < len(text):
        width += _width(text[end])
        if width > room and end > start:
            cut = space if space > start else end
            yield text[start:cut].rstrip()
            start = end = space = cut
            width = 0.0
            continue
        end += 1
        if text[end - 1] == " ":
            space = end
    yield text[start:]


@cache
def _width(char: str) -> float:
    return float(stringWidth(char, _font_of(char), SIZE))


def _runs(text: str) -> Iterator[tuple[str, str]]:
    for font, chars in groupby(text, _font_of):
        yield font, "".join(chars)


@cache
def _font_of(char: str) -> str:
    return font_of(char, "Courier")
