"""A command of ImageMagick or GraphicsMagick that somebody else wrote, as far as it is on a list.

Each file is named with the coder that reads or writes it, inputs by what their content is, so that
no content and no name makes the program try another one; the last word of a conversion is always
a result, never an input. What `policy.xml` and `delegates.mgk` forbid is forbidden once more.
Plain functions; nothing runs here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from modules.cloudconvert.local.converters import magick_options
from modules.cloudconvert.local.converters.command_words import (
    INPUT,
    OUTPUT,
    Command,
    NotAllowed,
    Places,
    Read,
    Written,
    tokens_of,
)
from modules.cloudconvert.local.converters.magick_options import Check
from modules.cloudconvert.local.formats import format_of_name
from modules.cloudconvert.local.sniff import head_of, sniff_bytes

ENVIRONMENT: Final = {
    "MAGICK_CONFIGURE_PATH": str(Path(__file__).with_name("magick_settings")),
    # The rest is read by GraphicsMagick, which has no policy.
    "MAGICK_CODER_STABILITY": "STABLE",
    "MAGICK_LIMIT_MEMORY": "1Gi",
    "MAGICK_LIMIT_MAP": "2Gi",
    "MAGICK_LIMIT_DISK": "4Gi",
    "MAGICK_LIMIT_WIDTH": "30000",
    "MAGICK_LIMIT_HEIGHT": "30000",
}
"""What keeps both programs in bounds, whatever their arguments say."""
READERS: Mapping[str, str] = {
    **{name: name for name in ("png", "jpg", "gif", "webp", "tiff", "bmp", "ico", "jp2", "tga")},
    **{name: name for name in ("psd", "xcf", "dds", "pcx", "avif", "heic")},
    "ppm": "pnm",
}
"""The coder that reads each format that is let in: all take a picture from the file itself."""
WRITERS = frozenset(
    (
        *("png", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "ico", "jp2", "tga", "avif"),
        *("heic", "psd", "pcx", "dds", "ppm", "pgm", "pbm", "pnm"),
    )
)
TOLD = frozenset(("info:", "null:"))
"""Results that are no file: what is said of a picture, and nothing."""
_COLOUR = r"(?:#[0-9A-Fa-f]{3,16}|[A-Za-z]{2,30}\d{0,3}|(?:s?rgb|hsl)a?\([\d.,% ]{1,60}\))"
_MADE = re.compile(
    rf"(?:xc|canvas):{_COLOUR}|(?:radial-)?gradient:(?:{_COLOUR}(?:-{_COLOUR})?)?"
    rf"|plasma:(?:fractal|{_COLOUR}(?:-{_COLOUR})?)?|pattern:[A-Za-z0-9]{{1,30}}|rose:|logo:"
)
"""Pictures that the program makes itself."""
_LETTERED = re.compile(r"(label|caption):(.*)", re.DOTALL)
_PART = re.compile(r"(.*)(\[[\d,x+-]{1,40}\])")
_NUMBERED = re.compile(r"%0?\d?d")


def converting(text: str, options: Mapping[str, Sequence[Check]]) -> Command:
    """Read the arguments of `convert`. Raises NotAllowed."""
    command = Command()
    left = iter(tokens_of(text))
    for token in left:
        if token in options or token == "-write":  # noqa: S105 - an option
            _option(token, left, options, command)
        else:
            command.words.append(_file(token) or _made(token))
    last = command.words[-1] if command.words else ""
    if not isinstance(last, Written) and last not in TOLD:
        raise NotAllowed("the last word must be a file below /output/, or info:")
    return command


def identifying(text: str, options: Mapping[str, Sequence[Check]]) -> Command:
    """Read the arguments of `identify`, which writes no file. Raises NotAllowed."""
    command = Command()
    left = iter(tokens_of(text))
    for token in left:
        if token in options:
            _option(token, left, options, command)
            continue
        file = _file(token)
        if not isinstance(file, Read):
            raise NotAllowed(f"{token!r} is no option, and no file below /input/{{task}}/")
        command.words.append(file)
    return command


def _option(
    token: str, left: Iterator[str], options: Mapping[str, Sequence[Check]], command: Command
) -> None:
    command.words.append(token)
    if token == "-write":  # noqa: S105 - an option
        value = next(left, "")
        file = _file(value)
        if not isinstance(file, Written) and value not in TOLD:
            raise NotAllowed(f"{value!r} of -write is no file below /output/")
        command.words.append(file or value)
        return
    for check in options[token]:
        value = next(left, "")
        if not check(value):
            raise NotAllowed(f"the value {value!r} of {token} is not allowed")
        command.words.append(value)


def _file(token: str) -> Read | Written | None:
    if found := OUTPUT.fullmatch(token):
        return _written(found[1])
    part = _PART.fullmatch(token)
    name = part[1] if part else token
    return Read(name, part[2] if part else "") if INPUT.fullmatch(name) else None


def _written(name: str) -> Written:
    if PurePosixPath(name).suffix.lower().lstrip(".") not in WRITERS:
        raise NotAllowed(f"/output/{name} has no extension of a picture that is written here")
    if "%" in _NUMBERED.sub("", name):
        raise NotAllowed(f"/output/{name} has a % that is no number such as %d or %03d")
    return Written(name)


def _made(token: str) -> str:
    lettered = _LETTERED.fullmatch(token)
    written = lettered is not None and magick_options.TEXT(lettered[2])
    if token in ("(", ")") or token in TOLD or written or _MADE.fullmatch(token):
        return token
    raise NotAllowed(f"{token!r} is no option on the list, and no file of the task")


def place_of(path: Path, filename: str) -> str | None:
    """Return how an input is named to the program; None if its content is not let in."""
    named = format_of_name(filename)
    sniffed = sniff_bytes(head_of(path)) or ((named,) if named == "tga" else ())
    coder = next((READERS[one] for one in sniffed if one in READERS), None)
    return f"{coder}:{path}" if coder else None


def line(command: Command, program: Sequence[str], places: Places, output: str) -> list[str]:
    """Return the command line; `output` is a folder."""
    found = list(program)
    for word in command.words:
        match word:
            case Read(name, part):
                found.append(f"{places[name]}{part}")
            case Written(name):
                coder = PurePosixPath(name).suffix.lower().lstrip(".")
                found.append(f"{coder}:{output}/{name}")
            case str():
                found.append(word)
    return found


def graphics(text: str) -> Command:
    """Read the arguments of `gm`, whose first word says what it does. Raises NotAllowed."""
    first, _, rest = text.strip().partition(" ")
    if first == "convert":
        command = converting(rest, magick_options.GRAPHICSMAGICK)
    elif first == "identify":
        command = identifying(rest, magick_options.IDENTIFY_GRAPHICSMAGICK)
    else:
        raise NotAllowed(f"{first!r} is not one of convert and identify")
    if "info:" in command.words:
        raise NotAllowed("what a picture is is told by identify")
    command.words.insert(0, first)
    return command
