"""The most common slip in a scenario: `file: {{ video.file }}` without quotes.

To YAML it is a mapping in a mapping, or a syntax error further on. It gets its own message.
"""

import re

from engine.errors import Problem
from engine.plan.source import Source

_VALUE_START = re.compile(r"(?:^|[:\-,\[{?]\s)\s*(?=\{\{)|(?<=\[)(?=\{\{)")
_COMMENT = re.compile(r"\s+#.*$")


def unquoted_problem(source: Source, index: int) -> Problem:
    """Return the problem of an expression whose `{{` stands at `index`."""
    hint = quoted(written(source, index))
    text = "YAML reads an unquoted `{{` as the start of a mapping"
    return Problem("E106", f"{text}; write {hint}", source.place(index, 2))


def find_unquoted(source: Source, index: int) -> int | None:
    """Return where an unquoted expression starts a value on the line of a character, else None."""
    start = source.line_start(index)
    line = source.line_of(index)
    for found in _VALUE_START.finditer(line):
        before = line[: found.end()]
        if before.count('"') % 2 == 0 and before.count("'") % 2 == 0:
            return start + found.end()
    return None


def written(source: Source, index: int) -> str:
    """Return the value that was meant: to the end of the line, or to its own bracket's end."""
    start = source.line_start(index)
    line = source.line_of(index)
    rest = _COMMENT.sub("", line[index - start :]).rstrip()
    before = line[: index - start]
    if any(bracket in before for bracket in "[{"):
        end = rest.find("}}")
        return rest[: end + 2] if end >= 0 else rest
    return rest


def quoted(text: str) -> str:
    """Return a text in the quotes that change least of it."""
    if '"' not in text:
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
