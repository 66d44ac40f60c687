"""`--watch`: does something again whenever one of its files has changed, until Ctrl-C."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from engine.cli.exits import Exit
from engine.cli.output import Output, Span, Tone
from engine.cli.show import near, show
from engine.errors import EngineError

LOOK_SECONDS = 0.25
"""Pause between two looks at the files."""


def watched(output: Output, paths: Iterable[Path], once: Callable[[], int]) -> int:
    """Call `once` now and after each change of the files; return its last code at Ctrl-C.

    What is wrong with the files is told, and waited out.
    """
    paths = list(paths)
    code = 0
    while True:
        before = _looks(paths)
        try:
            code = once()
        except EngineError as error:
            show(output, error.problems)
            code = Exit.FAILED
        if code in (Exit.INTERRUPTED, Exit.TERMINATED):
            return code
        output.flush()
        output.tell((Span("waiting for a change; Ctrl-C ends it", Tone.FAINT),))
        try:
            changed = _first_change(paths, before)
        except KeyboardInterrupt:
            return Exit.INTERRUPTED
        output.tell((Span(f"{near(changed)} has changed", Tone.STRONG),))


def _first_change(paths: list[Path], before: Mapping[Path, object]) -> Path:
    while True:
        now = _looks(paths)
        for path in {**before, **now}:
            if before.get(path) != now.get(path):
                return path
        time.sleep(LOOK_SECONDS)


def _looks(paths: Iterable[Path]) -> dict[Path, object]:
    """Return how each file looks; a folder stands for the Python files in it."""
    files = [one for path in paths for one in (path.rglob("*.py") if path.is_dir() else [path])]
    return {path: _look(path) for path in files}


def _look(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino)
