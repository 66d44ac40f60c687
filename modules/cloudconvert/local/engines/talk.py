"""How an engine talks to the server: lines of JSON on stdout."""

import json
import sys
from typing import Any


class Failure(Exception):  # noqa: N818 - an answer about the files
    """The files cannot be worked on; `code` is the task's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Progress:
    """Writes the percentage done, each number once."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, done: float, total: float) -> None:
        percent = min(99, int(done * 100 / total)) if total else 0
        if percent > self._last:
            self._last = percent
            say({"percent": percent})


def say(line: dict[str, Any]) -> None:
    """Write one line of the answer."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
