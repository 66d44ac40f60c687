"""`fusion cloudconvert serve` as a process of its own, for tests that need one."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from local_server import TOKEN, Local


@dataclass(frozen=True, slots=True)
class Served:
    process: subprocess.Popen[str]
    local: Local


@contextmanager
def started(data: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server on a free port with the tests' key; give its process and its root URL."""
    code = "from modules.cloudconvert.commands import commands; commands()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--api-key", TOKEN, *more], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"base URL +(http://127\.0\.0\.1:\d+)/v2\n", line)
        assert found, line
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@asynccontextmanager
async def served(data: Path, *more: str) -> AsyncIterator[Served]:
    """Do the same, with clients that speak to it."""
    with started(data, *more) as (process, root):
        key = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(base_url=root, headers=key, trust_env=False, timeout=60) as http,
            httpx.AsyncClient(base_url=root, trust_env=False, timeout=60) as plain,
        ):
            yield Served(process, Local(root, http, plain))
