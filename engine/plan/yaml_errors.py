"""Turns the YAML reader's own errors into problems that say what to mend."""

from yaml import MarkedYAMLError, YAMLError

from engine.errors import Problem
from engine.plan.source import Source

_WORDS: dict[str, str] = {
    "mapping values are not allowed in this context": (
        "a `:` is not expected here; quote a text that holds `: `, "
        "or align this key with the keys around it"
    ),
    "did not find expected key": (
        "a key is expected here; check this line's indentation, "
        "and that nothing follows a quoted text"
    ),
    "did not find expected '-' indicator": (
        "a list item (`- …`) is expected here; check this line's indentation"
    ),
    "block sequence entries are not allowed in this context": (
        "a list item cannot stand here; begin it on a line of its own"
    ),
    "could not find expected ':'": "this line needs `key: value`",
    "found unknown escape character": (
        "this is no escape of a double-quoted text; write `\\\\` for a backslash, "
        "or use single quotes"
    ),
    "did not find expected hexdecimal number": "hexadecimal digits are expected after this escape",
    "did not find expected comment or line break": (
        "after `|` or `>` the text begins on the next line"
    ),
    "found a tab character where an indentation space is expected": (
        "indent with spaces, not with a tab"
    ),
    "found undefined tag handle": "scenarios use no YAML tags; quote the text",
    "did not find expected <document start>": (
        "the file is at its end here; a scenario is one mapping"
    ),
}

_AT_CONTEXT: dict[str, str] = {
    "found unexpected end of stream": "the quote that opens here is never closed",
    "did not find expected ',' or '}'": "the `{` that opens here is not closed, or lacks a comma",
    "did not find expected ',' or ']'": "the `[` that opens here is not closed, or lacks a comma",
}
"""Errors that are found too late; the place that opened is what the author must look at."""

_ON_ONE_LINE: dict[str, str] = {
    "did not find expected ',' or '}'": (
        "a comma or `}` is expected here; nothing follows a quoted text, and a text that holds "
        "`: ` or a bracket needs quotes"
    ),
    "did not find expected ',' or ']'": (
        "a comma or `]` is expected here; nothing follows a quoted text, and a text that holds "
        "`: ` or a bracket needs quotes"
    ),
}
"""What is said instead where both stand on one line: the bracket is in sight, the slip is here."""

_RESERVED = {
    "\t": "indent with spaces, not with a tab",
    "@": "a text that begins with `@` needs quotes",
    "`": "a text that begins with a backtick needs quotes",
    "%": "a text that begins with `%` needs quotes",
}


def syntax_problem(source: Source, error: YAMLError) -> Problem:
    """Return the problem (E102) behind an error of the reader, with its place."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem("E102", f"this is not YAML: {error}"[:300], source.place(0))
    words = str(error.problem)
    index = error.problem_mark.index
    if words in _AT_CONTEXT and error.context_mark is not None:
        return _bracket_problem(source, words, error.context_mark.index, index)
    index = min(index, len(source.text.rstrip()))
    if words == "found character that cannot start any token":
        sign = source.text[index : index + 1]
        return Problem("E102", _RESERVED.get(sign, _cannot_start(sign)), source.place(index))
    return Problem("E102", _WORDS.get(words, words), source.place(index))


def _bracket_problem(source: Source, words: str, opened: int, noticed: int) -> Problem:
    begin, found = source.place(opened), source.place(noticed)
    if words in _ON_ONE_LINE and begin.line == found.line:
        note = f"the bracket opens at column {begin.column}"
        return Problem("E102", _ON_ONE_LINE[words], found, notes=(note,))
    note = f"noticed at line {found.line}, column {found.column}"
    return Problem("E102", _AT_CONTEXT[words], begin, notes=(note,))


def _cannot_start(sign: str) -> str:
    return f"a text cannot begin with `{sign}`; quote it"
