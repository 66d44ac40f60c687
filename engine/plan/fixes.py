"""Mends what can be mended without asking: `fusion validate --fix`.

Each fix changes a few characters of the text, so comments and layout stay. One is kept only if the
problem that it is for is gone from where it was.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from engine import lasting
from engine.errors import Problem, ScenarioError
from engine.plan.catalog import Catalog
from engine.plan.check import load_text
from engine.plan.plain_values import CONSTANT_MEANT
from engine.plan.read import read_file
from engine.plan.source import Source
from engine.plan.unquoted import quoted, written

MOST = 500
"""Fixes of one file at most."""
_FIRST_KEY = re.compile(
    r"^settings:[ \t]*(?:#.*)?(?:\r\n|\r|\n)((?:[ \t]*(?:#.*)?(?:\r\n|\r|\n))*)"
    r"([ \t]+)(?=[^\s#])",
    re.MULTILINE,
)
_FLOW_SETTINGS = re.compile(r"^settings:[ \t]*\{[ \t]*(?=(\})?)", re.MULTILINE)
_STORES_NOT = re.compile(r"\bstore_incomplete_executions:([ \t]+)false\b")
_VARIABLE = re.compile(r"\{env: (\w+)\}")
_FLOW = re.compile(r"^(?:flow|inputs|connections|on_error):", re.MULTILINE)


class Edit(NamedTuple):
    """Characters of a text that are replaced, and what this does in words."""

    start: int
    end: int
    text: str
    words: str

    def applied(self, text: str) -> str:
        return text[: self.start] + self.text + text[self.end :]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A text with its fixes, each as (line in the text as it was then, what was done)."""

    text: str
    done: tuple[tuple[int, str], ...]


def fix_file(path: Path, catalog: Catalog, connections_file: Path | None) -> Fixed:
    """Mend a scenario file in place, at once or not at all.

    Raises ScenarioError (E101, E102) if it cannot be read, OSError if it cannot be written.
    """
    source = read_file(path)
    fixed = fixed_text(source.text, path, catalog, connections_file)
    if fixed.done:
        _replace(path.resolve(), fixed.text)
    return fixed


def fixed_text(
    text: str, path: Path, catalog: Catalog, connections_file: Path | None = None
) -> Fixed:
    """Return a scenario's text with all that can be mended mended."""

    def problems(text: str) -> tuple[Problem, ...]:
        try:
            plan = load_text(text, path, catalog, connections_file=connections_file)
        except ScenarioError as error:
            return error.problems
        return plan.warnings

    done: list[tuple[int, str]] = []
    left = problems(text)
    while len(done) < MOST:
        for problem, edit in _edits(text, path, left):
            tried = edit.applied(text)
            after = problems(tried)
            if _is_gone(problem, edit, after):
                done.append((problem.place.line if problem.place else 1, edit.words))
                text, left = tried, after
                break
        else:
            break
    return Fixed(text, tuple(done))


def _is_gone(problem: Problem, edit: Edit, after: tuple[Problem, ...]) -> bool:
    """Tell whether nothing is wrong any more where a problem was."""
    where = problem.place
    if problem.code == "E124":
        return all(each.code != "E124" for each in after)
    return where is not None and not any(
        each.place is not None
        and (each.place.file, each.place.line) == (where.file, where.line)
        and 0 <= each.place.column - where.column <= len(edit.text)
        for each in after
    )


def _edits(text: str, path: Path, problems: tuple[Problem, ...]) -> Iterator[tuple[Problem, Edit]]:
    source = Source(str(path), text)
    unjudged = any(problem.code in _HIDING for problem in problems)
    for problem in problems:
        place = problem.place
        if place is None or place.file != source.file or (unjudged and problem.code == "E105"):
            continue
        at = source.start_of_line(place.line) + place.column - 1
        for edit in _FIXES.get(problem.code, _none)(source, problem, at):
            yield problem, edit


_HIDING = frozenset(("E102", "E103", "E107", "E110", "E111", "E112"))
"""Problems beside which fields may not have been looked at: what one expects is not known then, and
a `yes` that was meant as `true` would become a text."""


def _none(_source: Source, _problem: Problem, _at: int) -> Iterator[Edit]:
    """Yield nothing: what the author meant is not known."""
    yield from ()


def _quoted(source: Source, _problem: Problem, at: int) -> Iterator[Edit]:
    bare = written(source, at)
    yield Edit(at, at + len(bare), quoted(bare), f"quoted {bare}")


def _capitals(source: Source, problem: Problem, at: int) -> Iterator[Edit]:
    """Yield the type that is meant, if its letters are those that stand there."""
    word = source.text[at : at + len(problem.instead)]
    if word and word.lower() == problem.instead.lower():
        words = f"wrote {problem.instead} for {word}"
        yield Edit(at, at + len(word), problem.instead, words)


def _referenced(source: Source, problem: Problem, at: int) -> Iterator[Edit]:
    """Yield the reference to a secret, if it leads to the very secret that stands in the file.

    Else the fix would take the only copy away.
    """
    named = _VARIABLE.fullmatch(problem.instead)
    secret = os.environ.get(named[1], "") if named else ""
    length = problem.place.length if problem.place else 0
    if not secret or source.text[at : at + length] != secret:
        return
    start, end = at, at + len(secret)
    around = source.text[start - 1], source.text[end : end + 1]
    if around[0] == around[1] and around[0] in "\"'":
        start, end = start - 1, end + 1
    yield Edit(start, end, problem.instead, f"wrote {problem.instead} for the secret")


def _plain_values(source: Source, problem: Problem, at: int) -> Iterator[Edit]:
    """Yield ways to write an ambiguous value: as the text that it is, else as what it means.

    `~` is first tried as null, which it is to all readers of YAML that give it a meaning.
    """
    length = problem.place.length if problem.place else 0
    bare = source.text[at : at + length]
    if not bare:
        return
    meant = CONSTANT_MEANT.get(bare.lower())
    edits = [Edit(at, at + length, quoted(bare), f"quoted {bare}")]
    if meant is not None:
        edits.append(Edit(at, at + length, meant, f"wrote {meant} for {bare}"))
    yield from reversed(edits) if bare == "~" else edits


def _storing(source: Source, _problem: Problem, _at: int) -> Iterator[Edit]:
    """Yield the edit that makes a scenario store its incomplete executions."""
    text = source.text
    words = "set store_incomplete_executions"
    off = _STORES_NOT.search(text)
    if off is not None:
        yield Edit(off.start(), off.end(), f"store_incomplete_executions:{off[1]}true", words)
        return
    line_break = "\r\n" if "\r\n" in text else "\n"
    block = _FIRST_KEY.search(text)
    if block is not None:
        new = f"{block[2]}store_incomplete_executions: true{line_break}"
        yield Edit(block.start(2), block.start(2), new, words)
        return
    flow = _FLOW_SETTINGS.search(text)
    if flow is not None:
        comma = "" if flow[1] else ", "
        yield Edit(flow.end(), flow.end(), f"store_incomplete_executions: true{comma}", words)
        return
    first = _FLOW.search(text)
    if first is None or re.search(r"^settings:", text, re.MULTILINE):
        return
    new = f"settings: {{store_incomplete_executions: true}}{line_break}"
    yield Edit(first.start(), first.start(), new, words)


_FIXES: Mapping[str, Callable[[Source, Problem, int], Iterator[Edit]]] = {
    "E105": _plain_values,
    "E106": _quoted,
    "E124": _storing,
    "E303": _referenced,
    "W105": _capitals,
}
"""By the code of the problem: edits to try in turn, each of a problem that stands at a character.

Of no other warning is it known which of its ways out is meant, and each changes what a scenario
does or takes something away: a fallback (W101), a setting (W102), a node (W103, W106), the only
copy of a secret (W104).
"""


def _replace(path: Path, text: str) -> None:
    """Write a file anew beside the old one and put it in its place, with its mode."""
    bom = "\ufeff" if path.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write((bom + text).encode())
            file.flush()
            lasting.flush(file.fileno())
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            lasting.rename(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
