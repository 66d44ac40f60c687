"""The one writer through which all text for people passes.

Results go to stdout, all else to stderr. From every piece of text secrets are cut here, and it is
escaped, so that data cannot act on a terminal; it is coloured only for a terminal whose owner has
not set `NO_COLOR`.
"""

import json
import os
import sys
from codecs import lookup
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any, NamedTuple, TextIO, TypeAlias

from engine.cli.text import escape
from engine.errors import RunError
from engine.model.secrets import Secrets

FORMAT_VERSION = 1
"""Version of everything that `--json` writes; a change that breaks readers raises it."""


USUAL_COLUMNS = 80
"""Width of a terminal that does not know its own."""


class Tone(Enum):
    """Why a piece of text stands out, with its code for terminals."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    BAD = "1;31"
    GOOD = "32"
    WARNING = "33"


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    tone: Tone = Tone.PLAIN


Line: TypeAlias = str | tuple[Span, ...]
"""One line without its end: plain, or in pieces that stand out."""


class Output:
    """Writes to two streams; `as_json` says that stdout is read by a program."""

    def __init__(self, out: TextIO, err: TextIO, environment: Mapping[str, str]) -> None:
        self._out = out
        self._err = err
        self._environment = environment
        self.as_json = False
        self.secrets = Secrets()
        """What no text may show; whoever learns of a secret adds it."""

    @classmethod
    def of_process(cls) -> "Output":
        """Write to the streams that the process has now."""
        return cls(sys.stdout, sys.stderr, os.environ)

    @property
    def err(self) -> TextIO:
        """The stream for everything but results; only for a display that cleans its own text."""
        return self._err

    @property
    def live(self) -> bool:
        """Say whether progress may be drawn: on a UTF-8 terminal that can move its cursor."""
        able = self._environment.get("TERM", "dumb") != "dumb" and self._err.encoding
        return bool(able) and lookup(self._err.encoding).name == "utf-8" and self._err.isatty()

    @property
    def colour(self) -> bool:
        """Say whether the owner of the terminal allows colours. Source: no-color.org."""
        return not self._environment.get("NO_COLOR")

    @property
    def width(self) -> int | None:
        """Cells of a line of results; None: not on a terminal, so nothing needs to fit."""
        return self._columns(self._out)

    @property
    def err_width(self) -> int | None:
        """Cells of a line of all else; None: not on a terminal."""
        return self._columns(self._err)

    def result(self, line: Line = "") -> None:
        """Write one line of what was asked for."""
        self._write(self._out, line)

    def tell(self, line: Line = "") -> None:
        """Write one line about the work."""
        self._write(self._err, line)
        _flush(self._err)

    def document(self, content: Mapping[str, Any]) -> None:
        """Write a JSON document, in ASCII, so that it is the same in every locale."""
        text = json.dumps({"format_version": FORMAT_VERSION, **content}, indent=2, allow_nan=False)
        for line in text.split("\n"):
            self.result(line)

    def flush(self) -> None:
        """Hand over the results that are still held back."""
        _flush(self._out)

    def clean(self, text: str) -> str:
        """Return text as it may be shown to people."""
        return escape(self.secrets.cut(text))

    def _columns(self, stream: TextIO) -> int | None:
        if not stream.isatty():
            return None
        wish = self._environment.get("COLUMNS", "")
        columns = int(wish) if wish.isdecimal() else os.get_terminal_size(stream.fileno()).columns
        return columns or USUAL_COLUMNS

    def _write(self, stream: TextIO, line: Line) -> None:
        spans = (Span(line),) if isinstance(line, str) else line
        coloured = self.colour and stream.isatty()
        text = "".join(_painted(self.clean(text), tone, coloured=coloured) for text, tone in spans)
        encoding = stream.encoding or "utf-8"
        with _unreadable_is_no_failure(stream):
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _painted(text: str, tone: Tone, *, coloured: bool) -> str:
    return f"\x1b[{tone.value}m{text}\x1b[0m" if coloured and tone.value and text else text


def _flush(stream: TextIO) -> None:
    with _unreadable_is_no_failure(stream):
        stream.flush()


@contextmanager
def _unreadable_is_no_failure(stream: TextIO) -> Iterator[None]:
    """Let a stream whose reader has gone away take the rest; the exit code stays the work's own.

    Raises RunError if the text cannot be written for another reason, such as a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        _point_at_nothing(stream)
    except OSError as error:
        _point_at_nothing(stream)
        raise RunError(f"the output cannot be written: {error.strerror or error}") from error


def _point_at_nothing(stream: TextIO) -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
