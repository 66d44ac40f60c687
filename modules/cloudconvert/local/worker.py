"""The process in which an engine written in Python works on one task's files.

Run as `python -I worker.py ENGINE`. One JSON object comes on stdin; JSON lines go to stdout:
`{"percent": 40}` while it works, then `{"files": [...]}`, or `{"code": …, "message": …}` if the
files are at fault. Only files below the task's folder are read and written, so a crash or a greedy
picture harms nothing else.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

ENGINES = frozenset(
    (
        "archive",
        "capture",
        "drawing",
        "images",
        "images_to_pdf",
        "merge",
        "metadata",
        "office_to_pdf",
        "office_unlock",
        "optimize_pdf",
        "optimize_picture",
        "pdf_pages",
        "pdf_text_layer",
        "pdf_to_images",
        "pdf_to_text",
        "repack",
        "text_to_pdf",
        "thumbnail",
        "watermark",
    )
)
PACKAGE = "modules.cloudconvert.local.engines"


def main(engine: str) -> int:
    """Work off the job on stdin and return the exit status."""
    _bypass_packages()
    talk = import_module(f"{PACKAGE}.talk")
    job = json.load(sys.stdin)
    try:
        files: list[str] = import_module(f"{PACKAGE}.{engine}").run(job, talk.Progress())
    except talk.Failure as failure:
        talk.say({"code": failure.code, "message": failure.message})
        return 1
    except MemoryError:
        talk.say({"code": "FILE_TOO_LARGE", "message": "The file needs more memory than allowed"})
        return 1
    talk.say({"files": files})
    return 0


def _bypass_packages() -> None:
    """Make the packages around the engines importable without running what they import.

    The connector declares itself to the engine in its `__init__`; a worker needs none of that, and
    would pay a quarter of a second for it on every conversion.
    """
    name, folder = PACKAGE, Path(__file__).resolve().parent / "engines"
    while name:
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
        name, folder = name.rpartition(".")[0], folder.parent


if __name__ == "__main__":
    wanted = sys.argv[1]
    sys.exit(main(wanted) if wanted in ENGINES else f"there is no engine {wanted}")
