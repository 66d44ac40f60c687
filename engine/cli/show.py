"""Turns problems into the one error shape, for people and for programs.

error[E201] undefined item in mapping             scenarios/videos.yaml:13:23
   12 |       input_file: upload
   13 |       file: "{{ video.fiel }}"
      |                       ^^^^ `video` has no item `fiel`; did you mean `file`?
   video has: file, name, path, size
   next: fusion modules files.watch_folder
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.output import Line, Output, Span, Tone
from engine.cli.text import ELLIPSIS, cells, cut, escape, expand, wrap
from engine.errors import Place, Problem

if TYPE_CHECKING:
    from engine.model.execution import Failure

PLACE_AT = 50
"""Cell at which the place begins, if the headline leaves room."""

INDENT = "   "
NUMBER_WIDTH = 5
_CODES = {"connection": "E304", "initialization": "E503", "commit": "E504"}
"""Codes of failures outside of operations, by phase."""

EXCERPT_WIDTH = 100
"""Cells of an excerpt line where nothing says how wide the reader's screen is."""


def show(output: Output, problems: Iterable[Problem]) -> None:
    """Tell each problem on stderr, with an empty line between two."""
    for index, problem in enumerate(problems):
        if index:
            output.tell()
        for line in problem_lines(problem, output.err_width):
            output.tell(line)


def problem_lines(problem: Problem, width: int | None = None) -> Iterator[Line]:
    """Yield the lines of one problem; `width` None: nothing is wrapped."""
    yield _headline(problem)
    message, *more = problem.message.split("\n")
    room = None if width is None else width - len(INDENT)
    if problem.place is None or not problem.place.excerpt:
        yield from _indented(escape(message), room)
    else:
        yield from _excerpt(problem.place, escape(message), width)
    for line in more:
        yield f"{INDENT}| {line}"
    for note in problem.notes:
        yield from _indented(escape(note), room)
    if problem.next:
        yield f"{INDENT}next: {problem.next}"


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem for programs; `place` is null when no file is to blame."""
    place = problem.place
    return {
        "code": problem.code,
        "title": problem.title,
        "message": problem.message,
        "place": place
        and {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "length": place.length,
        },
        "notes": list(problem.notes),
        "next": problem.next or None,
    }


def failure_problem(failure: "Failure", source: str = "", next_command: str = "") -> Problem:
    """Return a failure as it was kept, as a problem; `source` is the scenario's text, if known."""
    place = place_of(failure.where, source)
    notes = [] if place or not failure.where else [f"at {failure.where}"]
    notes += filter(None, (failure.bundle, *failure.notes))
    text = f"{failure.type}: {failure.message}"
    return Problem(_code_of(failure), text, place, tuple(notes), next_command)


def _code_of(failure: "Failure") -> str:
    if failure.phase.value in _CODES:
        return _CODES[failure.phase.value]
    return "E501" if failure.where else "E502"  # without a node, the run itself could not go on


def place_of(where: str, source: str) -> Place | None:
    """Read `file:line:column` back, with an excerpt of the text; None if it is not of that form."""
    parts = where.rsplit(":", 2)
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        return None
    line, column = int(parts[1]), int(parts[2])
    texts = source.splitlines()
    numbers = range(max(1, line - 1), line + 1) if 1 <= line <= len(texts) else ()
    excerpt = tuple((number, texts[number - 1]) for number in numbers)
    return Place(parts[0], line, column, _word_length(excerpt, column), excerpt)


def near(path: str | Path) -> str:
    """Return a path as it reads from the current folder, if it lies below it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _word_length(excerpt: Sequence[tuple[int, str]], column: int) -> int:
    """Return how many characters the word at a column has; at least 1."""
    rest = excerpt[-1][1][column - 1 :] if excerpt and column >= 1 else ""
    length = 0
    while length < len(rest) and (rest[length].isalnum() or rest[length] in "_."):
        length += 1
    return max(1, length)


def _headline(problem: Problem) -> Line:
    kind = "warning" if problem.code.startswith("W") else "error"
    code, title = f"{kind}[{problem.code}]", problem.title
    if problem.place is None:
        return (Span(code, Tone.BAD), Span(f" {title}", Tone.STRONG))
    place = problem.place
    gap = " " * max(2, PLACE_AT - len(code) - 1 - cells(title))
    where = f"{near(place.file)}:{place.line}:{place.column}"
    return (Span(code, Tone.BAD), Span(f" {title}", Tone.STRONG), Span(gap), Span(where))


def _indented(text: str, room: int | None) -> Iterator[Line]:
    for line in wrap(text, room):
        yield INDENT + line


def _excerpt(place: Place, message: str, width: int | None) -> Iterator[Line]:
    """Yield the lines of the file, then the caret with the message beside or below it."""
    room = max(20, (width or EXCERPT_WIDTH) - NUMBER_WIDTH - len(" | "))
    *before, (number, text) = place.excerpt
    for earlier, context in before:
        yield _numbered(str(earlier), cut("".join(expand(context)), room))
    shown, start, length = _window(text, place, room)
    yield _numbered(str(number), shown)
    caret = " " * start + "^" * length
    taken = NUMBER_WIDTH + len(" | ") + len(caret) + 1 + cells(message)
    if width is None or taken <= width:
        yield _caret_line(caret, f" {message}")
    else:
        yield _caret_line(caret, "")
        yield from _indented(message, width - len(INDENT))


def _numbered(number: str, text: str) -> Line:
    gutter = f"{number:>{NUMBER_WIDTH}} |"
    return (Span(f"{gutter} " if text else gutter, Tone.FAINT), Span(text))


def _caret_line(caret: str, message: str) -> Line:
    return (
        Span(f"{'':>{NUMBER_WIDTH}} | ", Tone.FAINT),
        Span(caret, Tone.BAD),
        Span(message, Tone.STRONG),
    )


def _window(text: str, place: Place, room: int) -> tuple[str, int, int]:
    """Return the part of a line around the caret, and where the caret starts in it and its length.

    Both in cells. A line that fits is returned whole; what is left out shows as an ellipsis.
    """
    pieces = expand(text)
    first = min(max(place.column - 1, 0), len(pieces))
    last = min(first + max(place.length, 1), len(pieces))
    edges = [0]
    for piece in pieces:
        edges.append(edges[-1] + cells(piece))
    begin = 0
    if edges[-1] > room and edges[last] > room - 1:
        begin = next(at for at, edge in enumerate(edges) if edge >= edges[first] - room // 3)
    space = room - (begin > 0)
    end = len(pieces)
    if edges[-1] - edges[begin] > space:
        end = max(at for at, edge in enumerate(edges) if edge - edges[begin] <= space - 1)
    shown = (
        (ELLIPSIS if begin else "")
        + "".join(pieces[begin:end])
        + (ELLIPSIS if end < len(pieces) else "")
    )
    start = edges[first] - edges[begin] + (begin > 0)
    return shown, start, max(1, edges[min(last, end)] - edges[first])
