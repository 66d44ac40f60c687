"""`fusion` in a process with limits; it tells on its last line of stderr what memory it took.

python tests/limited_fusion.py eval --jsonl
"""

import resource
import sys
from contextlib import suppress

from peak_memory import peak

from engine.cli.main import main

SECONDS, MEMORY = 120, 3_000_000_000


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        main()
    finally:
        sys.stderr.write(f"\n{peak()}\n")
