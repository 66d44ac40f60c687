"""Regular expressions as in JavaScript, matched in time that grows with the text and no faster.

The engine is RE2, which has neither lookaround nor backreferences. JavaScript's spelling is brought
into RE2's, and what would mean another thing there is refused. Source: ECMA-262, "Patterns".
"""

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol, cast

PATTERN_LIMIT = 1_000
"""Characters of a regular expression."""
COST_LIMIT = 20_000_000
"""Instructions of a pattern times bytes of a text: one search takes under half a second."""
SEARCH_SECONDS = 0.4
"""What searches that belong together may take of the processor. RE2 finds one match in linear time,
but all matches of `a.*b|a` take a scan to the end of the text each, which no size foretells."""

FLAGS = "gimsu"

_KEPT_ESCAPES = frozenset("dDwWbBnrtvfx")
_SPACES = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
"""What `\\s` is in JavaScript, for use inside brackets."""
_PIECE = (
    r"\\u\{(?P<code>[0-9a-fA-F]{1,6})\}|\\u(?P<unit>[0-9a-fA-F]{4})|\\c(?P<control>[a-zA-Z])"
    r"|\\(?P<property>[pP]\{\w{1,40}\})|\\(?P<escape>.)|\(\?(?P<group><?[=!]|:|<[A-Za-z_]\w*>|.?)"
    r"|(?P<nothing>\[\])|(?P<anything>\[\^\])|(?P<other>.)"
)
"""Compiled when the first pattern is: every start of the program would pay for it."""


class PatternError(ValueError):
    """A regular expression that cannot be used, or not on this text; the message says why."""


class Match(Protocol):
    """A match; `span` counts bytes, group 0 is the whole, a group that took no part is None."""

    def span(self) -> tuple[int, int]: ...
    def group(self, number: int) -> bytes | None: ...


class _Compiled(Protocol):
    """What RE2's compiled pattern does with UTF-8; `pos` counts bytes."""

    @property
    def groups(self) -> int: ...
    @property
    def programsize(self) -> int: ...
    def search(self, text: bytes, pos: int = 0) -> Match | None: ...


class Pattern:
    """A regular expression; `every` says that a replacement takes all matches, not the first."""

    __slots__ = ("_compiled", "every")

    def __init__(self, compiled: _Compiled, *, every: bool) -> None:
        self._compiled = compiled
        self.every = every

    @property
    def groups(self) -> int:
        return self._compiled.groups

    def found_in(self, text: str) -> bool:
        """Tell whether the text has a match anywhere. Raises PatternError beyond `COST_LIMIT`."""
        return self._compiled.search(self.affordable(text)) is not None

    def affordable(self, text: str) -> bytes:
        """Return the text for `search`. Raises PatternError beyond `COST_LIMIT`."""
        data = encoded(text)
        if len(data) * self._compiled.programsize > COST_LIMIT:
            raise PatternError("the regular expression is too complex for a text of this length")
        return data

    def search(self, data: bytes, start: int) -> Match | None:
        """Return the first match in an affordable text, from a byte on."""
        return self._compiled.search(data, start)


def encoded(text: str) -> bytes:
    """Return a text in UTF-8. Raises PatternError for half a surrogate pair."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise PatternError("the text has broken characters") from None


def first_found(patterns: Iterable[Pattern], text: str) -> int | None:
    """Return the index of the first pattern with a match in the text, None if none has.

    Raises PatternError when the searches take longer than `SEARCH_SECONDS` together.
    """
    started = time.thread_time()
    for index, pattern in enumerate(patterns):
        if pattern.found_in(text):
            return index
        if time.thread_time() - started > SEARCH_SECONDS:
            raise PatternError("the regular expressions take too long on this text")
    return None


@lru_cache(maxsize=256)
def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Compile a regular expression as JavaScript writes it. Raises PatternError."""
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"a regular expression has at most {PATTERN_LIMIT:,} characters")
    for flag in flags:
        if flag not in FLAGS or flags.count(flag) > 1:
            raise PatternError(f"the flags of a regular expression are {', '.join(FLAGS)}")
    marks = "".join(flag for flag in "ims" if flag in flags)
    return Pattern(_compiled(f"(?{marks})" * bool(marks) + _translated(text)), every="g" in flags)


def _compiled(text: str) -> _Compiled:
    # Imported here: most scenarios have no regular expression, and it is a library of its own.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    try:
        return cast(_Compiled, re2.compile(encoded(text), options))
    except re2.error as error:
        detail = error.args[0] if error.args else b""
        told = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise PatternError(f"this is not a regular expression: {_shown(told)}") from None


def _shown(text: str) -> str:
    """Return a text fit for a line of a message: cut, no control characters."""
    cut = text if len(text) <= 120 else f"{text[:119]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def _translated(text: str) -> str:
    """Return a pattern in RE2's spelling."""
    token = re.compile(_PIECE, re.DOTALL)
    written, inside, at = [], False, 0
    while at < len(text):
        letter = text[at]
        match = token.match(text, at)
        if match is None or (inside and letter != "\\"):
            inside = letter != "]"
            written.append("\\[" if letter == "[" else letter)
            at += 1
            continue
        inside = inside or match.group() == "["
        written.append(_token(match, inside=inside))
        at = match.end()
    return "".join(written)


def _token(match: re.Match[str], *, inside: bool) -> str:
    kind = match.lastgroup or ""
    part = match[kind]
    match kind:
        case "code" | "unit":
            return f"\\x{{{part}}}"
        case "control":
            return f"\\x{{{ord(part) % 32:x}}}"
        case "escape":
            return _escape(part, inside=inside)
        case "group":
            return _group(part)
        case "nothing":
            return r"[^\x{0}-\x{10FFFF}]"
        case "anything":
            return r"[\x{0}-\x{10FFFF}]"
    return match.group()


def _escape(letter: str, *, inside: bool) -> str:
    if letter == "b" and inside:
        return r"\x08"
    if letter in _KEPT_ESCAPES or not letter.isalnum():
        return f"\\{letter}"
    if letter == "0":
        return r"\x00"
    if letter == "s":
        return _SPACES if inside else f"[{_SPACES}]"
    if letter == "S" and not inside:
        return f"[^{_SPACES}]"
    if letter == "S":
        return r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}" \
               r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}" \
               r"\x{ff00}-\x{10ffff}"  # fmt: skip
    if letter.isdecimal() or letter == "k":
        raise PatternError(f"regular expressions here have no backreferences such as `\\{letter}`")
    raise PatternError(f"`\\{_shown(letter)}` means nothing in a regular expression")


def _group(opening: str) -> str:
    if opening == ":" or len(opening) > 2:
        return f"(?{opening}"
    if opening[-1:] in ("=", "!"):
        raise PatternError(f"regular expressions here cannot look around, as by `(?{opening}`")
    raise PatternError(f"`(?{_shown(opening)}` opens no group of a regular expression")
