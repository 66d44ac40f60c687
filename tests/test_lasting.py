"""What makes anything last goes through one place: no such call stands anywhere else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PLACE = ROOT / "engine" / "lasting.py"

CALLS = re.compile(
    r"os\.(fsync|fdatasync|rename|renames|replace|link|write)\("
    r"|\.(hardlink_to|rename)\("
    r"|F_FULLFSYNC"
    r"|execute(script)?\([^)]*COMMIT"
    r"|\.replace\((path|target|self\.\w*path)\)"
)

EXCEPT = {
    "engine/cli/running.py": "os.write(",  # to the terminal
}

SERVER_WORK = ("modules/cloudconvert/local/operations/", "modules/cloudconvert/local/converters/")
"""What is made in a task's own folder, and made anew after a crash."""


def sources() -> list[Path]:
    found = [path for part in ("engine", "modules") for path in (ROOT / part).rglob("*.py")]
    return [path for path in found if path != PLACE]


def stray(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if "lasting." not in line]
    return [found.group(0) for line in lines if (found := CALLS.search(line))]


def test_no_call_that_makes_something_last_goes_past_the_one_place() -> None:
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(SERVER_WORK):
            left = [call for call in stray(path.read_text()) if call != EXCEPT.get(name)]
            assert left == [], name


@pytest.mark.parametrize(
    "line",
    [
        "os.fsync(descriptor)",
        "os.replace(part, target)",
        "part.rename(target)",
        "new.replace(target)",
        'connection.execute("COMMIT")',
        "rest = rest[os.write(descriptor, rest) :]",
    ],
)
def test_such_a_call_would_be_found(line: str) -> None:
    assert stray(f"def f():\n    {line}\n")
