"""Rules of the semantics, each switched off by a small change of the engine.

    python tests/switched_off.py [WORD…]

Run it from the project's folder. Each change of `switched_off.txt` is made in a copy of `engine`,
and the tests that hold the rule run against that. It tells the changes that no test notices, or
that do not fit the code any more, and ends with 1 if there is one. With words, only changes whose
title has one of them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rules_table import HELD

PROJECT = Path(__file__).parents[1]
NOTICED = "noticed"


@dataclass(frozen=True)
class Change:
    """In `file` of the engine, `old` becomes `new`. The title may begin with the rule, whose tests
    in the table must notice it; `tests` are others that must."""

    title: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        word = self.title.split()[0]
        return word if word in HELD else ""

    @property
    def held_by(self) -> list[str]:
        """The tests to run, as pytest takes them."""
        return [f"tests/{file}::{name}" for file, name in HELD.get(self.rule, [])] + [*self.tests]


def changes() -> list[Change]:
    """Read all changes, as they stand in `switched_off.txt`."""
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    return [_change(block.splitlines()) for block in text.split("\n=== ")[1:]]


def _change(lines: list[str]) -> Change:
    def begun(mark: str) -> list[str]:
        return [line.removeprefix(mark) for line in lines[1:] if line.startswith(mark)]

    (file,) = begun("in ")
    tests = tuple(f"tests/{test}" for test in begun("see "))
    return Change(lines[0], file, "\n".join(begun("-")), "\n".join(begun("+")), tests)


def fate(change: Change, copy: Path) -> str:
    """Run the tests of a change against a copy of the engine, and say what comes of it."""
    shutil.copytree(PROJECT / "engine", copy / "engine")
    file = copy / "engine" / change.file
    text = file.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        return f"fits {text.count(change.old)} places"
    file.write_text(text.replace(change.old, change.new), encoding="utf-8")
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "-q",
        "-x",
        "--tb=no",
        "-p",
        "no:cacheprovider",
    ]
    path = os.pathsep.join((str(copy), str(PROJECT)))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [*command, *change.held_by],
        cwd=PROJECT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    return {0: "NOT NOTICED", 1: NOTICED}.get(done.returncode, done.stdout[-2000:] + done.stderr)


def main(words: list[str]) -> int:
    chosen = [c for c in changes() if not words or any(word in c.title for word in words)]
    missed = 0
    for change in chosen:
        with tempfile.TemporaryDirectory() as folder:
            found = fate(change, Path(folder))
        missed += found != NOTICED
        sys.stdout.write(f"{found}: {change.title}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} changes, {missed} not noticed\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
