"""What people are told of an error: a stable code with its headline, a place, words.

Imports nothing of the project. `engine.errors` hands these names on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TITLES: Mapping[str, str] = {
    "E101": "scenario file cannot be read",
    "E102": "not valid YAML",
    "E103": "beyond a limit of scenario files",
    "E104": "duplicate key",
    "E105": "ambiguous value",
    "E106": "expression without quotes",
    "E107": "YAML feature that scenarios do not use",
    "E110": "unknown key",
    "E111": "missing key",
    "E112": "value of the wrong kind",
    "E120": "unknown module",
    "E121": "node id taken or reserved",
    "E122": "invalid node id",
    "E123": "module in the wrong place",
    "E124": "break without storage",
    "E125": "operations cannot overlap",
    "E130": "unknown field",
    "E131": "missing required field",
    "E132": "field does not fit",
    "E140": "module file cannot be loaded",
    "E201": "undefined item in mapping",
    "E202": "unknown node in mapping",
    "E203": "node not on the path",
    "E204": "node closed by an aggregator",
    "E210": "syntax error in expression",
    "E211": "not allowed in expressions",
    "E212": "unknown function or filter",
    "E213": "expression beyond a limit",
    "E214": "expression failed",
    "E215": "argument does not fit",
    "E301": "unknown connection",
    "E302": "credential missing",
    "E303": "credential written in clear",
    "E304": "connection cannot be used",
    "E305": "embedded server cannot start",
    "E306": "hook cannot be registered",
    "E307": "address cannot be taken",
    "E401": "scenario input does not fit",
    "E402": "input file cannot be read",
    "E501": "module failed",
    "E502": "run cannot go on",
    "E503": "run cannot begin",
    "E504": "commit or rollback failed",
    "E601": "store cannot be used",
    "E602": "store busy",
    "E603": "not found",
    "E604": "no store here",
    "E605": "scenario id taken by another file",
    "E606": "edit refused",
    "E607": "incomplete executions unresolved",
    "E608": "replay refused",
    "E609": "import refused",
    "E610": "resolved already",
    "E701": "unusable arguments",
    "W101": "never runs",
    "W102": "operations will not overlap",
    "W103": "nobody uses this",
    "W104": "secret written in clear",
    "W105": "never matches",
    "W106": "aggregator swallows",
}
"""Headline of each error code; the code is stable, the wording is not."""


def is_warning(code: str) -> bool:
    """Tell whether a code is of something that runs, but cannot be meant."""
    return code.startswith("W")


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a file that a person wrote.

    `line` and `column` count from 1; `length` is how many characters the caret line underlines.
    `excerpt` holds (line number, text) pairs around the spot, the spot's own line last.
    """

    file: str
    line: int
    column: int
    length: int = 1
    excerpt: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        """Return `file:line:column`, as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, told so that its reader can mend it.

    `message` says what happened and to what, `notes` add what exists or is allowed, and `next` is a
    command worth typing now (empty: none). `place` is None when no file is to blame. `instead` is
    what may stand in place of what is underlined without changing what was meant (empty: nothing).
    """

    code: str
    message: str
    place: Place | None = None
    notes: tuple[str, ...] = ()
    next: str = ""
    instead: str = ""

    @property
    def title(self) -> str:
        return TITLES[self.code]
