"""How wide text is on a terminal, and how to keep it harmless there (security T11, Y6).

Called by everything of `engine.cli` that lays text out; knows no colours and no streams.
"""

from unicodedata import category, east_asian_width

ELLIPSIS = "…"
TAB_STOP = 4
"""Cells from one tab stop to the next in excerpts."""

_JOINERS = frozenset("\u200c\u200d")
"""Format characters that scripts and emoji need; they move nothing."""

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """Return one line of text without a character that acts on a terminal.

    Control and format characters (also those that turn the direction of writing), line separators
    and lone surrogates become `\\n`, `\\x1b`, `\\u202e`. What is already escaped stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(visible(char) for char in text)


def visible(char: str) -> str:
    """Return one character, written out if it is not to reach a terminal."""
    if char.isprintable() or char in _JOINERS:
        return char
    if category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    if char in _SHORT:
        return _SHORT[char]
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def cells(text: str) -> int:
    """Return how many cells of a terminal escaped text takes."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, width: int) -> str:
    """Return escaped text in at most `width` cells, an ellipsis in place of what is missing."""
    if cells(text) <= width:
        return text
    return head(text, width - 1) + ELLIPSIS if width > 0 else ""


def head(text: str, width: int) -> str:
    """Return the longest beginning that takes at most `width` cells."""
    taken = 0
    for index, char in enumerate(text):
        taken += _cells_of(char)
        if taken > width:
            return text[:index]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill with spaces up to `width` cells; `right` puts them in front."""
    space = " " * (width - cells(text))
    return space + text if right else text + space


def wrap(text: str, width: int | None) -> list[str]:
    """Break escaped text at spaces into lines of at most `width` cells; None: no breaks.

    A word that is longer than a line stays whole, so that addresses and paths can be copied.
    """
    if width is None or cells(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if line and cells(line) + 1 + cells(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def expand(text: str) -> list[str]:
    """Return what each character of a line shows as: itself, its escape, or a tab's spaces."""
    shown: list[str] = []
    at = 0
    for char in text:
        piece = " " * (TAB_STOP - at % TAB_STOP) if char == "\t" else visible(char)
        shown.append(piece)
        at += cells(piece)
    return shown


def _cells_of(char: str) -> int:
    if char.isascii():
        return 1
    if category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if east_asian_width(char) in "WF" else 1
