"""The pages of `fusion explain`: what a code means, an example that shows it, how to mend it.

They stand in `pages/*.md`, one section per code. A block of code is a file: of the name behind its
language, else `demo.yaml`. A `bash` block holds the commands that show the code; without one it is
`fusion validate demo.yaml`.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("pages")
FILE: Final = "demo.yaml"
_HEADING = re.compile(r"^# ([EW]\d{3})\n", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `files` and `commands` are its example, ready to be written and typed."""

    code: str
    text: str

    @property
    def files(self) -> dict[str, str]:
        found = _BLOCK.finditer(self.text)
        return {each[2] or FILE: each[3] for each in found if each[1] != "bash"}

    @property
    def commands(self) -> tuple[str, ...]:
        typed = [each[3].splitlines() for each in _BLOCK.finditer(self.text) if each[1] == "bash"]
        return tuple(line for lines in typed for line in lines) or (f"fusion validate {FILE}",)


@cache
def pages() -> dict[str, Page]:
    """Return every page by its code."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        _nothing, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
        for code, text in zip(parts[::2], parts[1::2], strict=True):
            found[code] = Page(code, text.strip("\n") + "\n")
    return found
