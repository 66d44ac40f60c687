"""A command of ffprobe that somebody else wrote: what it may show, of one input at a time."""

import re
from collections.abc import Callable, Mapping

from modules.cloudconvert.local.converters.command_words import (
    INPUT,
    Command,
    NotAllowed,
    Places,
    Read,
    tokens_of,
)
from modules.cloudconvert.local.converters.ffmpeg_command import GUARDS

_FLAGS = """
show_format show_streams show_chapters show_programs show_frames show_packets show_error
show_program_version count_frames count_packets hide_banner bitexact sexagesimal unit prefix pretty
"""
FLAGS = frozenset(_FLAGS.split())
_WRITER = re.compile(r"(?:json|csv|flat|ini|xml|compact|default)(?:=[\w:=|]{1,60})?")
_LEVELS = frozenset(("quiet", "error", "warning", "info"))
_ENTRIES = re.compile(r"[\w=,:]{1,300}")
_STREAMS = re.compile(r"[\w:]{1,30}")
_INTERVALS = re.compile(r"[\d.%+#]{1,60}")


def _matching(pattern: "re.Pattern[str]") -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("of", "print_format", "output_format"), _matching(_WRITER)),
    **dict.fromkeys(("v", "loglevel"), _LEVELS.__contains__),
    "show_entries": _matching(_ENTRIES),
    "select_streams": _matching(_STREAMS),
    "read_intervals": _matching(_INTERVALS),
}


def allowed(text: str) -> Command:
    """Read the arguments of a command. Raises NotAllowed."""
    command = Command()
    left = iter(tokens_of(text))
    for token in left:
        name = token.removeprefix("-")
        if name != token and name in FLAGS:
            command.words.append(token)
        elif name != token and name in _CHECKS:
            value = next(left, "")
            if not _CHECKS[name](value):
                raise NotAllowed(f"the value {value!r} of {token} is not allowed")
            command.words += [token, value]
        elif token != "-i":  # noqa: S105 - an option
            command.words.append(_input(token))
    if sum(isinstance(word, Read) for word in command.words) != 1:
        raise NotAllowed("exactly one file below /input/{task}/ is needed")
    return command


def _input(token: str) -> Read:
    if not INPUT.fullmatch(token):
        raise NotAllowed(f"{token!r} is no option on the list, and no file below /input/{{task}}/")
    return Read(token)


def line(command: Command, program: str, places: Places) -> list[str]:
    """Return the command line."""
    found = [program]
    for word in command.words:
        match word:
            case Read(name):
                found += [*GUARDS, "-i", f"file:{places[name]}"]
            case str():
                found.append(word)
    return found
