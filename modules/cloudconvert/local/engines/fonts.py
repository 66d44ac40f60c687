"""Fonts for any character: one of PDF's own, one found here, or one that every reader brings."""

from functools import cache
from pathlib import Path

import reportlab
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

FONT_FILES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
    "/usr/share/fonts/dejavu-sans-mono-fonts/DejaVuSansMono.ttf",
    "/usr/share/fonts/TTF/DejaVuSansMono.ttf",
    "/usr/share/fonts/truetype/liberation2/LiberationMono-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMono-Regular.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"),
)
ASIAN = (
    ("HeiseiMin-W3", ((0x3040, 0x30FF), (0xFF66, 0xFF9F))),
    ("HYSMyeongJo-Medium", ((0x1100, 0x11FF), (0xAC00, 0xD7AF))),
    ("STSong-Light", ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))),
)


def font_of(char: str, plain: str) -> str:
    """Return the name of a font that has the character; `plain` if Western ones go."""
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return _other_font(char)
    return plain


def _other_font(char: str) -> str:
    fonts = _found_fonts()
    for font in fonts:
        if ord(char) in font.face.charToGlyph:
            return str(font.fontName)
    for name, ranges in ASIAN:
        if any(first <= ord(char) <= last for first, last in ranges):
            return _asian_font(name)
    return str(fonts[-1].fontName)


@cache
def _found_fonts() -> list[TTFont]:
    found = []
    for path in FONT_FILES:
        try:
            font = TTFont(Path(path).stem.replace(" ", ""), path)
        except (TTFError, OSError):
            # Not on this system; reportlab's own comes last and is always there.
            continue
        registerFont(font)
        found.append(font)
    return found


@cache
def _asian_font(name: str) -> str:
    registerFont(UnicodeCIDFont(name))
    return name
