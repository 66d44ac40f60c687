"""Options of ImageMagick and GraphicsMagick that are let through, and what their values may be.

Not here is whatever takes a file's name (`-profile`, `-tile`, `-mask`), names a place (`-path`),
runs something (`-process`) or lifts a limit. No value starts with `@` or `|`, and where a colour
or a font is meant nothing else is let through, as a name of any other kind would be opened as a
file. Source: both programs' manuals, command line options.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

Check = Callable[[str], bool]


def _matching(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


_NUMBER = r"[+-]?\d+(?:\.\d+)?%?"
_COLOUR = (
    r"(?:#[0-9A-Fa-f]{3,16}|[A-Za-z]{2,30}\d{0,3}"
    r"|(?:s?rgb|hs[lbv]|cmyk|gr[ae]y)a?\([\d.,% ]{1,60}\))"
)
_WRITING = r"(?![@|])(?:[^\x00-\x08\x0b-\x1f\x7f%\\]|%%|\\n){1,2000}"
"""Text with none of the escapes that tell about the server's own files."""

PLAIN = _matching(r"(?![@|]|[-+][A-Za-z])[\w.,%+\-*^!<>=()# ]{1,200}@?")
"""A word, a number, a geometry, or several; never what could be an option itself."""
SHAPE = _matching(r"\d{1,4}:\d{1,4}|[\d.,%+\-x^!<> ]{1,60}")
COLOUR = _matching(_COLOUR)
COLOURS = _matching(rf"{_COLOUR}?,?{_COLOUR}?")
NUMBERS = _matching(rf"{_NUMBER}(?:[,\s]+{_NUMBER}){{0,200}}")
FONT = _matching(r"[A-Za-z][A-Za-z0-9-]{0,80}")
TEXT = _matching(_WRITING)
KERNEL = _matching(r"[A-Z][A-Za-z]{2,20}(?::[\d.,x+\-@<>%^!* ]{0,60})?")
EXPRESSION = _matching(r"(?![@|])[\w.,+\-*/^%()?:<>=!&|~ ;\[\]{}]{1,1000}")
PATTERN = _matching(r"[\w*!,]{1,100}")
PROPERTY = _matching(r"(?:comment|label|caption|delay|dispose|colorspace|density|units|page)")
FORMAT = _matching(
    r"(?![@|])(?:[^\x00-\x08\x0b-\x1f\x7f%\\@|]|\\[nt]|%[%@#bcefghjklmnpqrstwxyzACDGHPQSTUWXY]"
    r"|%\[[\w:*.-]{1,80}\]){1,1000}"
)
DEFINITION = _matching(
    r"(?:jpeg:(?:extent|size|dct-method|optimize-coding|sampling-factor|arithmetic-coding)"
    r"|png:(?:compression-(?:level|filter|strategy)|color-type|bit-depth|exclude-chunks?)"
    r"|webp:(?:lossless|method|alpha-quality|near-lossless|auto-filter|image-hint|target-size)"
    r"|tiff:(?:alpha|endian|rows-per-strip|tile-geometry)|bmp:format|icon:auto-resize"
    r"|heic:speed|gif:\w+|dds:(?:compression|mipmaps)|psd:\w+|quantum:format"
    r"|distort:(?:viewport|scale)|trim:edges|compose:(?:args|clip-to-self)|filter:\w+"
    r")(?:=[\w.,%+x-]{1,60})?"
)

_DRAWN = "|".join(
    (
        r"(?:point|line|rectangle|roundrectangle|arc|ellipse|circle|polyline|polygon|bezier"
        rf"|rotate|scale|skewX|skewY|translate|affine)\s+{_NUMBER}(?:[,\s]+{_NUMBER}){{0,400}}",
        rf"text\s+{_NUMBER}[,\s]+{_NUMBER}\s+"
        r"(?:'(?![@|])[^'\\%\x00-\x1f]{1,500}'|\"(?![@|])[^\"\\%\x00-\x1f]{1,500}\")",
        rf"(?:fill|stroke)\s+['\"]?{_COLOUR}['\"]?",
        rf"(?:stroke-width|stroke-opacity|fill-opacity|font-size|stroke-antialias)\s+{_NUMBER}",
        rf"color\s+{_NUMBER}[,\s]+{_NUMBER}\s+(?:point|replace|floodfill|filltoborder|reset)",
        r"gravity\s+[A-Za-z]{3,12}",
    )
)
_STATEMENT = re.compile(rf"\s*(?:{_DRAWN})\s*;?\s*")
MOST_DRAWN = 20_000


def drawing(value: str) -> bool:
    """Say whether a drawing has listed shapes and settings only; `image` would open a file."""
    place = 0
    while place < len(value) <= MOST_DRAWN:
        found = _STATEMENT.match(value, place)
        if found is None:
            return False
        place = found.end()
    return 0 < place == len(value)


def _names(text: str) -> Iterable[str]:
    return text.split()


_BOTH_BARE = """
-adjoin +adjoin -antialias +antialias -append +append -auto-orient -coalesce -contrast +contrast
-deconstruct -despeckle -enhance -equalize -flatten -flip -flop -magnify -matte +matte -monochrome
-mosaic -negate -normalize -ping -strip -trim -verbose +repage +page +compress +dither
"""
_IMAGEMAGICK_BARE = """
-auto-gamma -auto-level -clamp -clut -combine -composite -hald-clut -identify -moments -quiet
-regard-warnings -respect-parentheses -reverse -separate -transpose -transverse -unique-colors
+clone +delete +swap +insert +negate +polaroid +channel +gravity +fuzz
"""
_GRAPHICSMAGICK_BARE = "-average -minify -dither"
_BOTH_PLAIN = """
-blur -border -channel -charcoal -chop -colors -colorspace -compose -compress -crop -cycle -delay
-density -depth -dispose -edge -emboss -endian -filter -frame -fuzz -gamma -geometry -gravity
-implode -intent -interlace -lat -level -loop -median -modulate -motion-blur -noise -orient -page
-paint -pointsize -quality -raise -repage -resample -resize -roll -rotate -sample -sampling-factor
-scale -scene -segment -shade -sharpen -shave -shear -size -solarize -spread -strokewidth
-swirl -threshold -thumbnail -treedepth -type -units -unsharp -virtual-pixel -wave -morph
-white-threshold -black-threshold +noise +raise
"""
_IMAGEMAGICK_PLAIN = """
-adaptive-blur -adaptive-resize -adaptive-sharpen -alpha -attenuate -blue-shift
-brightness-contrast -canny -clone -colorize -connected-components -contrast-stretch -delete
-deskew -direction -dither -duplicate -evaluate-sequence -extract -gaussian-blur -grayscale
-insert -intensity -interline-spacing -interpolate -interword-spacing -kerning -kuwahara -layers
-linear-stretch -liquid-rescale -local-contrast -mean-shift -mode -ordered-dither -polaroid
-posterize -precision -quantize -seed -random-threshold -rotational-blur -selective-blur -sepia-tone
-shadow -sigmoidal-contrast +sigmoidal-contrast -sketch -smush -splice -stretch -style -support
-swap -tint -vignette -wavelet-denoise -weight +level
"""
_GRAPHICSMAGICK_PLAIN = "-gaussian -colorize"
_BOTH_COLOURS = (
    "-background -bordercolor -fill -mattecolor -opaque -stroke -transparent -undercolor"
)
_IMAGEMAGICK_COLOURS = "-transparent-color +opaque +transparent"
_GRAPHICSMAGICK_COLOURS = "-box"
_BOTH_TEXTS = "-comment -label"

_BOTH: Mapping[str, Sequence[Check]] = {
    **dict.fromkeys(_names(_BOTH_BARE), ()),
    **dict.fromkeys(_names(_BOTH_PLAIN), (PLAIN,)),
    **dict.fromkeys(_names(_BOTH_COLOURS), (COLOUR,)),
    **dict.fromkeys(_names(_BOTH_TEXTS), (TEXT,)),
    "-extent": (SHAPE,),
    "-font": (FONT,),
    "-convolve": (NUMBERS,),
    "-draw": (drawing,),
    "-define": (DEFINITION,),
    "-format": (FORMAT,),
    "+profile": (PATTERN,),
}
IMAGEMAGICK: Mapping[str, Sequence[Check]] = {
    **_BOTH,
    **dict.fromkeys(_names(_IMAGEMAGICK_BARE), ()),
    **dict.fromkeys(_names(_IMAGEMAGICK_PLAIN), (PLAIN,)),
    **dict.fromkeys(_names(_IMAGEMAGICK_COLOURS), (COLOUR,)),
    "-caption": (TEXT,),
    "-family": (FONT,),
    "-fx": (EXPRESSION,),
    "-level-colors": (COLOURS,),
    "+level-colors": (COLOURS,),
    "-color-matrix": (NUMBERS,),
    "-annotate": (PLAIN, TEXT),
    "-evaluate": (PLAIN, PLAIN),
    "-function": (PLAIN, NUMBERS),
    "-statistic": (PLAIN, PLAIN),
    "-distort": (PLAIN, NUMBERS),
    "+distort": (PLAIN, NUMBERS),
    "-morphology": (PLAIN, KERNEL),
    "-floodfill": (PLAIN, COLOUR),
    "-set": (PROPERTY, TEXT),
    "+set": (PROPERTY,),
}
"""What each option takes: a check for each word that follows it."""
GRAPHICSMAGICK: Mapping[str, Sequence[Check]] = {
    **_BOTH,
    **dict.fromkeys(_names(_GRAPHICSMAGICK_BARE), ()),
    **dict.fromkeys(_names(_GRAPHICSMAGICK_PLAIN), (PLAIN,)),
    **dict.fromkeys(_names(_GRAPHICSMAGICK_COLOURS), (COLOUR,)),
    "-recolor": (NUMBERS,),
    "-operator": (PLAIN, PLAIN, PLAIN),
    "-set": (PROPERTY, TEXT),
    "+set": (PROPERTY,),
}
_IDENTIFY = "-format -verbose -ping"
IDENTIFY_IMAGEMAGICK: Mapping[str, Sequence[Check]] = {
    **{name: IMAGEMAGICK[name] for name in _names(_IDENTIFY)},
    **{name: IMAGEMAGICK[name] for name in _names("-moments -quiet -precision -channel")},
    "-unique": (),
}
IDENTIFY_GRAPHICSMAGICK: Mapping[str, Sequence[Check]] = {
    name: GRAPHICSMAGICK[name] for name in _names(_IDENTIFY)
}
