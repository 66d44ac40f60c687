"""The corpus of authors' mistakes, `core/plan/mistakes/*.txt`.

`=== CODE name | words of the message`, then the scenario. `§` stands before the character that the
problem points at, and `⟦a*300⟧` for three hundred `a`. A text that begins with `-` is put behind a
trigger `video`; any other is a whole file.
"""

import re
from pathlib import Path
from typing import NamedTuple

HEAD = """\
name: A demo
flow:
  - id: video
    module: demo.watch
    with: {folder: inbox}
"""

_REPEATED = re.compile(r"⟦(.+?)\*(\d+)⟧", re.DOTALL)
_HEADLINE = re.compile(r"^=== (E\d+) ([^|\n]+?)(?: \| (.*))?\n", re.MULTILINE)


class Mistake(NamedTuple):
    file: str
    code: str
    name: str
    says: str
    text: str

    @property
    def title(self) -> str:
        return f"{self.file}: {self.code} {self.name}"

    def written(self) -> tuple[str, int, int]:
        """Return the file's text, and the line and column of the mark in it."""
        text = _REPEATED.sub(lambda found: found[1] * int(found[2]), self.text)
        if text.startswith(("- ", "§- ")):
            text = HEAD + "".join(f"  {line}\n" for line in text.splitlines())
        before, _mark, after = text.partition("§")
        return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


def _mistakes() -> list[Mistake]:
    found = []
    for path in sorted((Path(__file__).parent / "core/plan/mistakes").glob("*.txt")):
        _nothing, *parts = _HEADLINE.split(path.read_text(encoding="utf-8"))
        for at in range(0, len(parts), 4):
            code, name, says, text = parts[at : at + 4]
            lines = text.rstrip("\n") + "\n"
            found.append(Mistake(path.stem, code, name, says or "", lines))
    return found


MISTAKES = _mistakes()
