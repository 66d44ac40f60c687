"""`fusion explain`: a page per code, with an example and how to mend it."""

from collections.abc import Iterator

import click

from engine.cli.advice import typed
from engine.cli.completing import codes
from engine.cli.explanations import Page, pages
from engine.cli.options import json_option
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.tables import Column, table
from engine.cli.text import wrap
from engine.errors import TITLES, NotFoundError

COLUMNS = (Column("code"), Column("what it says", gives_way=True))


@click.command(epilog="Example: fusion explain E201")
@click.argument("code", required=False, metavar="[CODE]", shell_complete=codes)
@json_option
@click.pass_obj
def command(output: Output, /, *, code: str | None) -> None:
    """Explain an error or a warning by its code.

    CODE is what stands in brackets, as in `error[E201]`; without it, all codes are listed.
    """
    known = pages()
    if code is None:
        _list(output, known)
        return
    page = known.get(code.upper())
    if page is None:
        from engine.plan.hints import did_you_mean, shown

        text = f"there is no code {shown(code)}{did_you_mean(code.upper(), known)}"
        raise NotFoundError(text, next_command=typed("explain"))
    if output.as_json:
        output.document({"code": page.code, "title": TITLES[page.code], "text": page.text})
        return
    for line in _lines(page, output.width):
        output.result(line)


def _list(output: Output, known: dict[str, Page]) -> None:
    if output.as_json:
        output.document({"codes": [{"code": code, "title": TITLES[code]} for code in known]})
        return
    for line in table(COLUMNS, [(code, TITLES[code]) for code in known], output.width):
        output.result(line)


def _lines(page: Page, width: int | None) -> Iterator[Line]:
    """Yield a page: paragraphs wrapped, code indented, with the name of its file above it."""
    yield (Span(page.code, Tone.STRONG), Span(f"  {TITLES[page.code]}"))
    yield ""
    inside, paragraph = False, list[str]()
    for line in [*page.text.splitlines(), ""]:
        if line.startswith("```"):
            inside = not inside
            yield from _fence(line, is_opening=inside)
        elif inside:
            yield f"    {line}" if line else ""
        elif line:
            paragraph.append(line)
        elif paragraph:
            yield from wrap(" ".join(paragraph), width)
            yield ""
            paragraph = []


def _fence(line: str, *, is_opening: bool) -> Iterator[Line]:
    """Yield the name of the file that a block of code stands for, and a line behind the block."""
    name = line.removeprefix("```").partition(" ")[2]
    if name:
        yield (Span(f"    # {name}", Tone.FAINT),)
    elif not is_opening:
        yield ""
