"""Runs a program that only answers a question, such as its version."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

SECONDS = 20
"""How long an answer may take; a program that is not done by then counts as broken."""


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    output: str


async def ask(command: Sequence[str]) -> Said | None:
    """Return what a program writes to stdout; None if it does not run or does not end."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
    except OSError:
        # Found, but not to be run: the same as not found.
        return None
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = await asyncio.shield(process.wait())
    return Said(status, output.decode("utf-8", "replace"))
