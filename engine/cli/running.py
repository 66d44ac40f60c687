"""Runs a command's asynchronous work, and stops it on Ctrl-C or SIGTERM without losing any.

The first signal cancels the work, which then ends in good order and returns what it has; a second
one leaves at once.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from engine.cli.exits import Exit, Stopped

Result = TypeVar("Result")

_EXITS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Signals:
    """Which signal has come; `code` is None until one has."""

    def __init__(self, stop_seconds: float | None = None) -> None:
        self.code: Exit | None = None
        self._stop_seconds = stop_seconds

    @contextmanager
    def cancelling(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call `stop` on the first signal and leave the process on the second."""

        def hear(number: int, _frame: object) -> None:
            code = _EXITS[signal.Signals(number)]
            if self.code is not None:
                leave_at_once(code)
            self.code = code
            if self._stop_seconds is not None:
                late = threading.Timer(self._stop_seconds, leave_at_once, [code])
                late.daemon = True
                late.start()
            stop()

        before = {number: signal.signal(number, hear) for number in _EXITS}
        try:
            yield
        finally:
            for number, action in before.items():
                signal.signal(number, action)


def run_async(
    work: Coroutine[Any, Any, Result], *, stop_seconds: float | None = None
) -> tuple[Result, Exit | None]:
    """Run to the end; return the result, and the exit code of the signal that cut it short.

    `stop_seconds` after a signal the process leaves at once, whatever is left to do; None: it waits
    for that. Raises Stopped if the work was cut short before it had a result.
    """
    signals = Signals(stop_seconds)

    async def main() -> Result:
        task = asyncio.current_task()
        if task is None or threading.current_thread() is not threading.main_thread():
            return await work  # only the main thread hears signals
        loop = asyncio.get_running_loop()
        with signals.cancelling(lambda: _soon(loop, task)), _woken(loop):
            return await work

    try:
        return asyncio.run(main()), signals.code
    except asyncio.CancelledError:
        raise Stopped(signals.code or Exit.INTERRUPTED) from None


def leave_at_once(code: Exit) -> None:
    """End the process here and now, with the terminal's cursor visible again."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(code)


@contextmanager
def _woken(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let a signal wake the loop, also one that comes just before it waits for something."""
    told, telling = socket.socketpair()
    with told, telling:
        told.settimeout(0)
        telling.settimeout(0)
        loop.add_reader(told, told.recv, 1024)
        before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(told)


def _soon(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    loop.call_soon_threadsafe(task.cancel)
