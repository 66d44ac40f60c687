"""Where each character of a YAML scalar's value stands in the file.

A mapping error points at a character of a field's *value*; escapes, folding and indentation lie
between that and the file. Called only when a place is needed, so it may be slow. Source: YAML 1.1,
5.7 and chapter 9, as libyaml reads it.
"""

import re
from collections.abc import Callable
from itertools import zip_longest

_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_KEPT_BREAKS = ("\u2028", "\u2029")
_BREAKS = "\r\n\x85\u2028\u2029"
_ORDINARY = re.compile(r"[^'\\ \t\r\n\x85\u2028\u2029]+")
"""Characters that stand for themselves in either kind of quotes."""
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f",
    "r": "\r", "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0",
    "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def origins(text: str, start: int, end: int, style: str, value: str) -> list[int]:
    """Return the index in `text` of each character of `value`, and of the end after the last.

    `start` and `end` bound the scalar in the file as the parser marked it; `style` is YAML's
    indicator, empty for a plain scalar. If the way back cannot be retraced, every character stands
    at `start`.
    """
    trace = _Trace(text)
    _READERS[style](trace, start, end, value)
    if "".join(trace.chars)[: len(value)] != value:
        return [start] * (len(value) + 1)
    after = trace.at[len(value) - 1] + 1 if value else trace.at[0] if trace.at else start
    return [*trace.at[: len(value)], after]


class _Trace:
    """Characters of the value so far, and where each came from."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.chars: list[str] = []
        self.at: list[int] = []

    def put(self, char: str, at: int) -> None:
        self.chars.append(char)
        self.at.append(at)

    def copy(self, start: int, end: int) -> None:
        self.chars.extend(self.text[start:end])
        self.at.extend(range(start, end))

    def fold(self, breaks: list[int]) -> None:
        """Put what line breaks become inside a flow scalar: one is a space, n are n - 1 breaks."""
        if breaks and self.text.startswith(_KEPT_BREAKS, breaks[0]):
            self.put_break(breaks[0])
        elif len(breaks) == 1:
            self.put(" ", breaks[0])
        for at in breaks[1:]:
            self.put_break(at)

    def put_break(self, at: int) -> None:
        """Put a line break, which is read as `\\n` unless it is one of Unicode's separators."""
        self.put(self.text[at] if self.text.startswith(_KEPT_BREAKS, at) else "\n", at)


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return (start, end) of each line between two characters, breaks left out."""
    lines = []
    for found in _BREAK.finditer(text, start, end):
        lines.append((start, found.start()))
        start = found.end()
    return [*lines, (start, end)]


def _plain(trace: _Trace, start: int, end: int, _value: str) -> None:
    breaks: list[int] = []
    for low, high in _lines(trace.text, start, end):
        line = trace.text[low:high]
        left = low + len(line) - len(line.lstrip(" \t"))
        right = low + len(line.rstrip(" \t"))
        if left < right:
            trace.fold(breaks)
            breaks = []
            trace.copy(left, right)
        breaks.append(high)


def _single_quoted(trace: _Trace, start: int, end: int, _value: str) -> None:
    def take(at: int) -> int:
        trace.put(trace.text[at], at)
        return at + (2 if trace.text.startswith("''", at) else 1)

    _quoted(trace, start + 1, end - 1, take)


def _double_quoted(trace: _Trace, start: int, end: int, _value: str) -> None:
    def take(at: int) -> int:
        text = trace.text
        if text[at] != "\\":
            trace.put(text[at], at)
            return at + 1
        sign = text[at + 1]
        if sign in _HEX_DIGITS:
            after = at + 2 + _HEX_DIGITS[sign]
            trace.put(chr(int(text[at + 2 : after], 16)), at)
            return after
        if sign in _BREAKS:
            return _continued(trace, at + 1)
        trace.put(_ESCAPES[sign], at)
        return at + 2

    _quoted(trace, start + 1, end - 1, take)


def _continued(trace: _Trace, at: int) -> int:
    """Skip an escaped line break, the empty lines after it (each is kept as a break), and the
    indentation; return what follows."""
    breaks, at = _white(trace.text, at)
    for kept in breaks[1:]:
        trace.put_break(kept)
    return at


def _white(text: str, at: int) -> tuple[list[int], int]:
    """Return where line breaks lie in the white space from `at` on, and where it ends."""
    breaks = []
    while at < len(text) and text[at] in " \t" + _BREAKS:
        found = _BREAK.match(text, at)
        if found:
            breaks.append(at)
        at = found.end() if found else at + 1
    return breaks, at


def _quoted(trace: _Trace, at: int, end: int, take: Callable[[int], int]) -> None:
    """Follow a quoted scalar: `take` reads one character and returns where the next begins."""
    while at < end:
        breaks, after = _white(trace.text, at)
        if breaks:
            trace.fold(breaks)
        else:
            trace.copy(at, after)
        ordinary = _ORDINARY.match(trace.text, after, end)
        if ordinary is not None:
            at = ordinary.end()
            trace.copy(after, at)
        else:
            at = take(after) if after < end else after


def _literal(trace: _Trace, start: int, end: int, value: str) -> None:
    for low, high, after in _block_lines(trace.text, start, end, value):
        trace.copy(low, high)
        if after > high:
            trace.put_break(high)


def _folded(trace: _Trace, start: int, end: int, value: str) -> None:
    lines = _block_lines(trace.text, start, end, value)
    filled = [line for line in lines if line[0] < line[1]]
    empty = {high for low, high, _after in lines if low == high}
    for high in sorted(at for at in empty if not filled or at < filled[0][0]):
        trace.put_break(high)
    for line, following in zip_longest(filled, filled[1:]):
        trace.copy(line[0], line[1])
        gaps = sorted(at for at in empty if at > line[1] and (not following or at < following[0]))
        indented = trace.text[line[0]] in " \t"
        next_indented = following is None or trace.text[following[0]] in " \t"
        if indented or next_indented or trace.text.startswith(_KEPT_BREAKS, line[1]):
            trace.put_break(line[1])
        elif not gaps:
            trace.put(" ", line[1])
        for at in gaps:
            trace.put_break(at)


def _block_lines(text: str, start: int, end: int, value: str) -> list[tuple[int, int, int]]:
    """Return (start, end, start of next) of each content line of a block scalar, less indentation.

    Value and file together tell the indentation, whether it was detected or given as a digit.
    """
    header = _BREAK.search(text, start)
    if header is None or not value.strip("\n"):
        return []
    lines = _lines(text, header.end(), max(end, header.end()))
    first = next((text[low:high] for low, high in lines if text[low:high].strip(" ")), "")
    kept = value.lstrip("\n")
    indent = _leading_spaces(first) - _leading_spaces(kept)
    starts = [low for low, _high in lines[1:]] + [lines[-1][1]]
    return [
        (min(low + indent, high), high, after)
        for (low, high), after in zip(lines, starts, strict=True)
    ]


def _leading_spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_READERS: dict[str, Callable[[_Trace, int, int, str], None]] = {
    "": _plain,
    "'": _single_quoted,
    '"': _double_quoted,
    "|": _literal,
    ">": _folded,
}
