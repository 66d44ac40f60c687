"""Regular expressions as in JavaScript, matched in time that grows with the text and no faster.

The engine is RE2, which has neither lookaround nor backreferences. JavaScript's spelling is brought
into RE2's, and what would mean another thing there is refused. Source: Fusion help, "String
functions", replace; the syntax: ECMA-262, "Patterns".
"""

import re
import time
from functools import lru_cache
from typing import Any, Protocol, cast

from engine.mapping.coercion import escaped, to_bytes, to_text
from engine.mapping.limits import Meter, check_text
from engine.mapping.refusal import Refused

PATTERN_LIMIT = 1_000
"""Characters of a regular expression."""
COST_LIMIT = 20_000_000
"""Instructions of a pattern times bytes of a text: one search takes under half a second."""
SECONDS = 0.4
"""What the searches of one evaluation may take of the processor. RE2 finds one match in linear
time; all matches of `a.*b|a` take a scan to the end of the text each, which no size foretells."""

WRITTEN = re.compile(r"/(.+)/([dgimsuvy]*)", re.DOTALL)
FLAGS = "gimsu"
KEPT_ESCAPES = frozenset("dDwWbBnrtvfx")
SPACES = r"\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
"""What `\\s` is in JavaScript, for use inside brackets."""
TOKEN = re.compile(
    r"\\u\{(?P<code>[0-9a-fA-F]{1,6})\}|\\u(?P<unit>[0-9a-fA-F]{4})|\\c(?P<control>[a-zA-Z])"
    r"|\\(?P<property>[pP]\{\w{1,40}\})|\\(?P<escape>.)|\(\?(?P<group><?[=!]|:|<[A-Za-z_]\w*>|.?)"
    r"|(?P<nothing>\[\])|(?P<anything>\[\^\])|(?P<other>.)",
    re.DOTALL,
)
REPLACEMENT = re.compile(r"\$(?:\$|&|\d{1,2})")
EMOJI = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf" \
        "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5" \
        "\U0001f200-\U0001faff"  # fmt: skip
EMOJIS = re.compile(
    rf"[{EMOJI}](?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d[{EMOJI}])*"
    r"|[\U0001f1e6-\U0001f1ff]{1,2}|[0-9#*]\ufe0f?\u20e3"
)
"""Assumed: pictures with all that belongs to them, flags and keycaps; one sequence is one emoji."""


class _Match(Protocol):
    def span(self) -> tuple[int, int]: ...
    def group(self, number: int) -> bytes | None: ...


class _Compiled(Protocol):
    """What RE2's compiled pattern does with UTF-8; `pos` counts bytes."""

    @property
    def groups(self) -> int: ...
    @property
    def programsize(self) -> int: ...
    def search(self, text: bytes, pos: int = 0) -> _Match | None: ...


class Pattern:
    """A regular expression; `every` says that a replacement takes all matches, not the first."""

    __slots__ = ("_compiled", "_every")

    def __init__(self, compiled: _Compiled, *, every: bool) -> None:
        self._compiled = compiled
        self._every = every

    def found_in(self, text: str) -> bool:
        """Tell whether the text has a match. Raises Refused beyond `COST_LIMIT`."""
        return self._compiled.search(self._affordable(text)) is not None

    def replaced(self, text: str, new: str, meter: Meter) -> str:
        """Return the text with matches replaced. Raises Refused; what it takes is on the meter."""
        data, pieces = self._affordable(text), _template(new, self._compiled.groups)
        parts: list[bytes] = []
        size = at = start = 0
        started = time.thread_time()
        while start <= len(data) and (match := self._compiled.search(data, start)) is not None:
            first, last = match.span()
            fresh = b"".join(
                (match.group(piece) or b"") if isinstance(piece, int) else piece for piece in pieces
            )
            size += first - at + len(fresh)
            check_text(size)
            parts += (data[at:first], fresh)
            at = last
            start = last if last > first else _next_letter(data, last)
            if not self._every:
                break
            if meter.searching + time.thread_time() - started > SECONDS:
                raise Refused(reason="the regular expression takes too long on this text")
        meter.searching += time.thread_time() - started
        check_text(size + len(data) - at)
        return b"".join((*parts, data[at:])).decode()

    def _affordable(self, text: str) -> bytes:
        data = to_bytes(text)
        if len(data) * self._compiled.programsize > COST_LIMIT:
            raise Refused(reason="the regular expression is too complex for a text of this length")
        return data


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
    found = WRITTEN.fullmatch(text) if text[:1] == "/" and len(text) < 2 * PATTERN_LIMIT else None
    if found is None:
        return None
    flags = found[2] + "".join(flag for flag in more_flags if flag not in found[2])
    return compile_pattern(found[1], flags)


@lru_cache(maxsize=256)
def compile_pattern(text: str, flags: str = "") -> Pattern:
    """Compile a regular expression as JavaScript writes it. Raises Refused."""
    if len(text) > PATTERN_LIMIT:
        raise Refused(reason=f"a regular expression has at most {PATTERN_LIMIT:,} characters")
    for flag in flags:
        if flag not in FLAGS or flags.count(flag) > 1:
            raise Refused(reason=f"the flags of a regular expression are {', '.join(FLAGS)}")
    marks = "".join(flag for flag in "ims" if flag in flags)
    return Pattern(_compiled(f"(?{marks})" * bool(marks) + _translated(text)), every="g" in flags)


def _compiled(text: str) -> _Compiled:
    # Imported here: most scenarios have no regular expression, and it is a library of its own.
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.log_errors = False
    try:
        return cast(_Compiled, re2.compile(to_bytes(text), options))
    except re2.error as error:
        detail = error.args[0] if error.args else b""
        told = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        raise Refused(reason=f"this is not a regular expression: {escaped(told, 120)}") from None


def _translated(text: str) -> str:
    """Return a pattern in RE2's spelling."""
    written, inside, at = [], False, 0
    while at < len(text):
        letter = text[at]
        match = TOKEN.match(text, at)
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
    if letter in KEPT_ESCAPES or not letter.isalnum():
        return f"\\{letter}"
    if letter == "0":
        return r"\x00"
    if letter == "s":
        return SPACES if inside else f"[{SPACES}]"
    if letter == "S" and not inside:
        return f"[^{SPACES}]"
    if letter == "S":
        return r"\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}" \
               r"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}" \
               r"\x{ff00}-\x{10ffff}"  # fmt: skip
    if letter.isdecimal() or letter == "k":
        raise Refused(
            reason=f"regular expressions here have no backreferences such as `\\{letter}`"
        )
    raise Refused(reason=f"`\\{escaped(letter)}` means nothing in a regular expression")


def _group(opening: str) -> str:
    if opening == ":" or len(opening) > 2:
        return f"(?{opening}"
    if opening[-1:] in ("=", "!"):
        raise Refused(reason=f"regular expressions here cannot look around, as by `(?{opening}`")
    raise Refused(reason=f"`(?{escaped(opening)}` opens no group of a regular expression")


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
