"""README is run from top to bottom, as somebody who copies every block would.

A block after `<!-- file: NAME -->` is written to that file. A block of bash is run, line by line;
`<!-- exit: N -->` on the line before it says how it ends. Parts of a line that make a virtual
environment or install into one are left out: the tests' own stands in for it. The block after
`<!-- ci: tests -->` is this run itself. `ID` stands for the id that the last command has told.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workplace import Place

README = Path(__file__).parents[2] / "README.md"

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
TOLD_ID = re.compile(r"fusion incomplete show ([0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Block:
    mark: str
    language: str
    text: str

    @property
    def exit_code(self) -> int:
        return int(self.mark.removeprefix("exit: ")) if self.mark.startswith("exit: ") else 0

    @property
    def commands(self) -> list[str]:
        """Return its lines, a line that ends in a backslash with the next, without installs."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [kept for line in lines if (kept := without_installs(line))]


def without_installs(line: str) -> str:
    parts = [part for part in line.split(" && ") if not re.search(r"-m venv|bin/pip|^cd ", part)]
    return " && ".join(parts)


def blocks() -> Iterator[Block]:
    for found in BLOCK.finditer(README.read_text()):
        yield Block(found["mark"] or "", found["language"], found["text"])


def test_every_block_of_readme_runs_in_order(place: Place) -> None:
    (place.folder / ".venv").symlink_to(sys.prefix)
    told_id = "ID"
    for block in blocks():
        if block.mark.startswith("file: "):
            write(place.folder / block.mark.removeprefix("file: "), block.text)
        if block.language != "bash" or block.mark == "ci: tests":
            continue
        codes = [0] * (len(block.commands) - 1) + [block.exit_code]
        for command, exit_code in zip(block.commands, codes, strict=True):
            words = ["bash", "-c", re.sub(r"\bID\b", told_id, command)]
            found = TOLD_ID.search(place.call(words, exit_code=exit_code))
            told_id = found[1] if found else told_id


def test_every_scenario_in_readme_is_valid(place: Place) -> None:
    for block in blocks():
        if block.mark.startswith("file: "):
            write(place.folder / block.mark.removeprefix("file: "), block.text)
    for path in place.folder.glob("**/*.yaml"):
        beside = path.parent in (place.folder, place.folder / "scenarios")
        if beside and not path.name.endswith(".test.yaml"):
            place.fusion("validate", path, "--modules", "fusion_modules")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_readme_names_the_line_that_ci_runs() -> None:
    marked = [block for block in blocks() if block.mark == "ci: tests"]
    assert len(marked) == 1
    assert marked[0].text.count("\n") == 1
