"""Problems for other programs: one line each, GitHub's annotations, and SARIF 2.1.0.

Source: GitHub's workflow commands; OASIS SARIF 2.1.0.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from engine.cli.output import Line, Span, Tone
from engine.cli.show import near
from engine.cli.text import escape
from engine.errors import TITLES, Problem
from engine.problem import is_warning

SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_GITHUB = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_GITHUB_NAME = {**_GITHUB, ":": "%3A", ",": "%2C"}


def concise(problem: Problem) -> Line:
    """Return a problem as `file:line:column: CODE message`."""
    place = problem.place
    where = f"{near(place.file)}:{place.line}:{place.column}: " if place else ""
    tone = Tone.WARNING if is_warning(problem.code) else Tone.BAD
    message = problem.message.partition("\n")[0]
    return (Span(where, Tone.STRONG), Span(problem.code, tone), Span(f" {escape(message)}"))


def github(problem: Problem) -> str:
    """Return the workflow command that shows a problem beside its line."""
    level = "warning" if is_warning(problem.code) else "error"
    names = {"title": f"{problem.code} {problem.title}"}
    if problem.place is not None:
        place = problem.place
        names = {
            "file": near(place.file),
            "line": str(place.line),
            "col": str(place.column),
            "endColumn": str(place.column + place.length),
            **names,
        }
    told = ",".join(f"{name}={_escaped(value, _GITHUB_NAME)}" for name, value in names.items())
    text = "\n".join((problem.message, *problem.notes))
    return f"::{level} {told}::{_escaped(text, _GITHUB)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(each, each) for each in text)


def sarif(problems: Sequence[Problem], version: str) -> Iterator[str]:
    """Yield the lines of one SARIF log of one run."""
    codes = sorted({problem.code for problem in problems})
    driver = {
        "name": "fusion",
        "version": version,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, codes) for problem in problems],
    }
    log = {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    yield from json.dumps(log, indent=2).split("\n")


def _rule(code: str) -> dict[str, Any]:
    return {
        "id": code,
        "shortDescription": {"text": TITLES[code]},
        "help": {"text": f"fusion explain {code}"},
        "defaultConfiguration": {"level": _level(code)},
    }


def _level(code: str) -> str:
    return "warning" if is_warning(code) else "error"


def _result(problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    text = "\n".join(_sentences(problem))
    return {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": _level(problem.code),
        "message": {"text": text},
        "locations": _locations(problem),
    }


def _sentences(problem: Problem) -> Iterable[str]:
    yield problem.message
    yield from problem.notes


def _locations(problem: Problem) -> list[dict[str, Any]]:
    place = problem.place
    if place is None:
        return []
    region = {
        "startLine": place.line,
        "startColumn": place.column,
        "endColumn": place.column + place.length,
    }
    location = {"artifactLocation": {"uri": _uri(place.file)}, "region": region}
    return [{"physicalLocation": location}]


def _uri(file: str) -> str:
    """Return a file's address, relative if it lies below the current folder."""
    from urllib.parse import quote

    path = Path(near(file))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
