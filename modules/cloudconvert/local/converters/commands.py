"""The programs whose commands are let through, and how each of them is called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modules.cloudconvert.local.converters import (
    ffmpeg_command,
    ffprobe_command,
    magick_command,
    magick_options,
)
from modules.cloudconvert.local.converters.command_words import Command, Places
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Inventory
from modules.cloudconvert.local.operations.operation import InputFile
from modules.cloudconvert.local.programs import (
    FFPROBE,
    GRAPHICSMAGICK,
    IMAGEMAGICK,
    Found,
    Sought,
)


def _as_it_is(path: Path, _filename: str) -> str | None:
    return str(path)


@dataclass(frozen=True, slots=True)
class Commanded:
    """A program, under the names that the API has for it."""

    engine: str
    command: str
    install: str
    found: Callable[[Inventory], Found | None]
    read: Callable[[str], Command]
    """Settle the arguments; raises NotAllowed."""
    line: Callable[[Command, str, Places, str], list[str]]
    """Return the command line: of a command, for the program's path, with inputs and a folder."""
    place: Callable[[Path, str], str | None] = _as_it_is
    """Return how an input is named to it; None: its content is not let in."""
    environment: Mapping[str, str] = field(default_factory=dict)


def _ffmpeg(inventory: Inventory) -> Found | None:
    found = inventory.ffmpeg_for(frozenset())
    return Found(found.path, found.version) if found else None


def _on_path(sought: Sought) -> Callable[[Inventory], Found | None]:
    return lambda inventory: inventory.program(sought)


def _converting(command: Command, program: str, places: Places, output: str) -> list[str]:
    return magick_command.line(command, [program], places, output)


def _identifying(command: Command, program: str, places: Places, output: str) -> list[str]:
    return magick_command.line(command, _identify(program), places, output)


def _identify(program: str) -> Sequence[str]:
    """Return how `identify` is called beside the `convert` that was found.

    Version 7 has one program for both.
    """
    path = Path(program)
    if path.name == "magick":
        return [program, "identify"]
    return [str(path.with_name(path.name.replace("convert", "identify")))]


COMMANDS: Sequence[Commanded] = (
    Commanded(
        engine="ffmpeg",
        command="ffmpeg",
        install=VIDEO_INSTALL,
        found=_ffmpeg,
        read=ffmpeg_command.allowed,
        line=ffmpeg_command.line,
    ),
    Commanded(
        engine="ffmpeg",
        command="ffprobe",
        install=FFPROBE.install,
        found=_on_path(FFPROBE),
        read=ffprobe_command.allowed,
        line=lambda command, program, places, _output: ffprobe_command.line(
            command, program, places
        ),
    ),
    Commanded(
        engine="imagemagick",
        command="convert",
        install=IMAGEMAGICK.install,
        found=_on_path(IMAGEMAGICK),
        read=lambda text: magick_command.converting(text, magick_options.IMAGEMAGICK),
        line=_converting,
        place=magick_command.place_of,
        environment=magick_command.ENVIRONMENT,
    ),
    Commanded(
        engine="imagemagick",
        command="identify",
        install=IMAGEMAGICK.install,
        found=_on_path(IMAGEMAGICK),
        read=lambda text: magick_command.identifying(text, magick_options.IDENTIFY_IMAGEMAGICK),
        line=_identifying,
        place=magick_command.place_of,
        environment=magick_command.ENVIRONMENT,
    ),
    Commanded(
        engine="graphicsmagick",
        command="gm",
        install=GRAPHICSMAGICK.install,
        found=_on_path(GRAPHICSMAGICK),
        read=magick_command.graphics,
        line=_converting,
        place=magick_command.place_of,
        environment=magick_command.ENVIRONMENT,
    ),
)


def commands_of(engine: str) -> dict[str, Commanded]:
    """Return an engine's commands by name."""
    return {one.command: one for one in COMMANDS if one.engine == engine}


def places_of(commanded: Commanded, inputs: Sequence[InputFile]) -> dict[str, str | None]:
    """Return each input's name in a command, and how the program is told of it."""
    return {
        f"/input/{origin}/{one.filename}": commanded.place(one.path, one.filename)
        for one in inputs
        for origin in one.origin
    }
