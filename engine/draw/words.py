"""What a picture says about a node, and how much of it there is room for."""

from typing import Final
from unicodedata import category, combining, east_asian_width

from engine.plan.plan import Node

ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"

_WIDTHS: Final = {
    0.30: "ijlI'|",
    0.34: " .,:;",
    0.42: 'frt"-/\\![]()`',
    0.86: "mwMW%@=<>+~\N{HORIZONTAL ELLIPSIS}",
    0.98: "mMW@%",
    0.70: "ABCDEFGHJKLNOPQRSTUVXYZ&",
}
_WIDTH_OF: Final = {char: width for width, chars in _WIDTHS.items() for char in chars}
_USUAL: Final = 0.63
_WIDE: Final = 1.05
_BOLD: Final = 1.08
"""How much wider a bold font is."""


def title_of(node: Node) -> str:
    """Return what a person calls a node: its label, its id, else what its module does."""
    if node.label:
        return node.label
    return node.id if node.id.isidentifier() else module_words(node.module_id)


def module_words(module_id: str) -> str:
    """Return a module's own name in words: `save file`."""
    return module_id.rpartition(".")[2].replace("_", " ")


def readable(text: str) -> str:
    """Return text in one line, a replacement character for what no picture can show."""
    spaced = " ".join(text.split())
    if spaced.isprintable():
        return spaced
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if category(char)[0] == "C" else char for char in spaced
    )


def expression_words(text: str) -> str:
    """Return what a filter says without the braces of a whole expression."""
    inside = text.strip().removeprefix("{{").removesuffix("}}").strip()
    return inside if inside and "{{" not in inside else text


def width_of(text: str, size: float) -> float:
    """Return about how wide text is in a sans serif font of `size`; in the unit of `size`.

    Fonts differ; the widths are those of DejaVu Sans, the widest of the usual ones.
    """
    return size * sum(map(_char_width, text))


def cut(text: str, size: float, room: float) -> str:
    """Return text that fits into `room`, an ellipsis in place of what is missing."""
    if width_of(text, size) <= room:
        return text
    kept = ""
    left = room - width_of(ELLIPSIS, size)
    for char in text:
        left -= size * _char_width(char)
        if left < 0:
            break
        kept += char
    return kept.rstrip() + ELLIPSIS


def _char_width(char: str) -> float:
    if char in _WIDTH_OF:
        return _WIDTH_OF[char]
    if char.isascii():
        return _USUAL
    if combining(char):
        return 0.0
    return _WIDE if east_asian_width(char) in "WF" else _USUAL + 0.1
