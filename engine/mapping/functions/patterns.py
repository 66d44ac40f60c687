"""Regular expressions in the mapping language: patterns as authors write them, and replacing.

What a pattern is, and what it may take, says `engine.model.patterns`. Source: Fusion help, "String
functions", replace.
"""

import re
import time
from functools import lru_cache
from typing import Any

from engine.mapping.coercion import to_bytes, to_text
from engine.mapping.limits import Meter, check_text
from engine.mapping.refusal import Refused
from engine.model import patterns

WRITTEN = re.compile(r"/(.+)/([dgimsuvy]*)", re.DOTALL)
REPLACEMENT = re.compile(r"\$(?:\$|&|\d{1,2})")
EMOJI = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf" \
        "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5" \
        "\U0001f200-\U0001faff"  # fmt: skip
EMOJIS = re.compile(
    rf"[{EMOJI}](?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d[{EMOJI}])*"
    r"|[\U0001f1e6-\U0001f1ff]{1,2}|[0-9#*]\ufe0f?\u20e3"
)
"""Assumed: pictures with all that belongs to them, flags and keycaps; one sequence is one emoji."""


class Pattern:
    """A regular expression that refuses as all operations of the mapping language do."""

    __slots__ = ("_pattern",)

    def __init__(self, pattern: patterns.Pattern) -> None:
        self._pattern = pattern

    def found_in(self, text: str) -> bool:
        """Tell whether the text has a match. Raises Refused if it is too long for the pattern."""
        try:
            return self._pattern.found_in(text)
        except patterns.PatternError as error:
            raise Refused(reason=str(error)) from None

    def replaced(self, text: str, new: str, meter: Meter) -> str:
        """Return the text with matches replaced. Raises Refused; what it takes is on the meter."""
        try:
            data = self._pattern.affordable(text)
        except patterns.PatternError as error:
            raise Refused(reason=str(error)) from None
        pieces = _template(new, self._pattern.groups)
        parts: list[bytes] = []
        size = at = start = 0
        started = time.thread_time()
        while start <= len(data) and (match := self._pattern.search(data, start)) is not None:
            first, last = match.span()
            fresh = b"".join(
                (match.group(piece) or b"") if isinstance(piece, int) else piece for piece in pieces
            )
            size += first - at + len(fresh)
            check_text(size)
            parts += (data[at:first], fresh)
            at = last
            start = last if last > first else _next_letter(data, last)
            if not self._pattern.every:
                break
            if meter.searching + time.thread_time() - started > patterns.SEARCH_SECONDS:
                raise Refused(reason="the regular expression takes too long on this text")
        meter.searching += time.thread_time() - started
        check_text(size + len(data) - at)
        return b"".join((*parts, data[at:])).decode()


def _next_letter(data: bytes, at: int) -> int:
    at += 1
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at += 1
    return at


@lru_cache(maxsize=256)
def _template(new: str, groups: int) -> tuple[bytes | int, ...]:
    """Cut a replacement into texts and numbers of groups, as JavaScript reads `$`."""
    pieces: list[bytes | int] = []
    at = 0
    for match in REPLACEMENT.finditer(new):
        mark = match.group()[1:]
        rest = ""
        if mark.isdecimal():
            if int(mark) > groups and len(mark) == 2:
                mark, rest = mark[0], mark[1]
            if not 0 < int(mark) <= groups:
                continue
        pieces.append(to_bytes(new[at : match.start()]))
        pieces.append(b"$" if mark == "$" else 0 if mark == "&" else int(mark))
        pieces.append(to_bytes(rest))
        at = match.end()
    return (*pieces, to_bytes(new[at:]))


def written_pattern(text: str, more_flags: str = "") -> Pattern | None:
    """Return the pattern of a text like `/re/flags`, None for any other. Raises Refused."""
    short = len(text) < 2 * patterns.PATTERN_LIMIT
    found = WRITTEN.fullmatch(text) if text[:1] == "/" and short else None
    if found is None:
        return None
    flags = found[2] + "".join(flag for flag in more_flags if flag not in found[2])
    return compile_pattern(found[1], flags)


def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Compile a regular expression as JavaScript writes it. Raises Refused."""
    try:
        return Pattern(patterns.compile_pattern(text, flags))
    except patterns.PatternError as error:
        raise Refused(reason=str(error)) from None


def replace_pattern(meter: Meter, value: Any, pattern: Any, new: Any) -> str:
    """Replace every match of a regular expression, given plain or as `/re/flags`."""
    text = to_text(value)
    check_text(len(text))
    written = to_text(pattern)
    found = written_pattern(written, "g") or compile_pattern(written, "g")
    return found.replaced(text, to_text(new), meter)


def replace_emoji(value: Any, new: Any = None) -> str:
    """Replace every emoji. Assumed: by nothing, if nothing is said."""
    text, fresh = to_text(value), to_text(new)
    check_text(len(text))
    count = sum(1 for _ in EMOJIS.finditer(text)) if fresh else 0
    check_text(len(text) + count * len(fresh))
    return EMOJIS.sub(lambda _match: fresh, text)
