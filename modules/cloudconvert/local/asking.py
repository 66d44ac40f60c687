"""Runs a program that only answers a question, such as its version."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

SECONDS = 20
"""How long an answer may take; a program that is not done by then counts as broken."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    output: str


async def ask(command: Sequence[str], *, home: str | None = None) -> Said | None:
    """Return what a program writes; None if it does not run or does not end.

    `home` is the folder that it takes for the user's, None: the one that is.
    """
    environment = None if home is None else {**os.environ, "HOME": home, "LANG": "C.UTF-8"}
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
            env=environment,
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


async def all_of(*waited: Coroutine[Any, Any, T]) -> list[T]:
    """Await several at the same time. A cancellation, too, waits until each of them has let go."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in waited]
    return [task.result() for task in tasks]
