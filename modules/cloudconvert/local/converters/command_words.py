"""A command that somebody else wrote, as far as it is the same for every program.

Its words are settled against a list; files stand in it by the names that the task gave them, and
get their places only when the command line is made. Plain functions; nothing runs here.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_TOKENS = 500
INPUT = re.compile(r"/input/[^/]{1,255}/[^/]{1,255}")
OUTPUT = re.compile(r"/output/([A-Za-z0-9_%][\w .%()-]{0,200})")


class NotAllowed(Exception):  # noqa: N818 - an answer about the command
    """The command is not let through; the text says which part, and why."""


@dataclass(frozen=True, slots=True)
class Read:
    """A word that is an input file; `part` names what of it, such as `[0]`."""

    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A word that is a file below `/output/`."""

    name: str


@dataclass(slots=True)
class Command:
    """A command that was let through."""

    words: list[str | Read | Written] = field(default_factory=list)

    def inputs(self) -> Iterator[str]:
        """Yield the inputs that it names."""
        yield from (word.name for word in self.words if isinstance(word, Read))


Places = Mapping[str, str]
"""Where each input lies, by its name in the command."""


def tokens_of(text: str) -> list[str]:
    """Split a command into its words. Raises NotAllowed."""
    try:
        tokens = shlex.split(text)
    except ValueError as error:
        raise NotAllowed(f"the arguments cannot be read: {error}") from error
    if len(tokens) > MOST_TOKENS:
        raise NotAllowed(f"more than {MOST_TOKENS} arguments")
    return tokens
