"""The process in which an engine written in Python works on one task's files.

Run as `python -I -m modules.cloudconvert.local.worker ENGINE`. One JSON object comes on stdin; JSON
lines go to stdout: `{"percent": 40}` while it works, then `{"files": [...]}`, or
`{"code": …, "message": …}` if the files are at fault. Only files below the task's folder are read
and written, so a crash or a greedy picture harms nothing else.
"""

import json
import sys
from importlib import import_module
from typing import Any

ENGINES = {
    "archive": "modules.cloudconvert.local.engines.archive",
    "images": "modules.cloudconvert.local.engines.images",
    "images_to_pdf": "modules.cloudconvert.local.engines.images_to_pdf",
    "merge": "modules.cloudconvert.local.engines.merge",
    "pdf_to_images": "modules.cloudconvert.local.engines.pdf_to_images",
    "text_to_pdf": "modules.cloudconvert.local.engines.text_to_pdf",
}


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


def main(engine: str) -> int:
    """Work off the job on stdin and return the exit status."""
    job = json.load(sys.stdin)
    run = import_module(ENGINES[engine]).run
    try:
        files: list[str] = run(job, Progress())
    except Failure as failure:
        say({"code": failure.code, "message": failure.message})
        return 1
    except MemoryError:
        say({"code": "FILE_TOO_LARGE", "message": "The file needs more memory than allowed"})
        return 1
    say({"files": files})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
