"""`fusion` in a process with limits; it tells on its last line of stderr what memory it took.

python tests/limited_fusion.py eval --jsonl
"""

import resource
import sys
from contextlib import suppress
from pathlib import Path

from engine.cli.main import main

SECONDS, MEMORY = 120, 3_000_000_000


def peak() -> int:
    """Return the most memory that this process had, in bytes; 0 where nothing keeps count."""
    account = Path("/proc/self/status")
    lines = account.read_text().splitlines() if account.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        main()
    finally:
        sys.stderr.write(f"\n{peak()}\n")
