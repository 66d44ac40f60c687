"""A `fusion` that dies at a chosen call that makes something last. Run by `crash_matrix`.

    python dying.py KIND NUMBER WHERE WORDS…

It dies before, after or amid the call of a kind with a number, counted from 1, in whatever thread
that is. Amid means: by a signal from another thread, some microseconds after the call has begun.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from engine import lasting


class Dying:
    """`kill_after` is how many seconds pass until the signal, when dying amid a call."""

    def __init__(self, kind: str, number: int, where: str) -> None:
        self._kind = kind
        self._number = number
        self._where = where
        self._count = 0
        self._counting = threading.Lock()

    def __call__(self, kind: str, call: Callable[[], Any]) -> Any:
        if kind != self._kind:
            return call()
        with self._counting:
            self._count += 1
            is_it = self._count == self._number
        if not is_it:
            return call()
        if self._where == "before":
            os._exit(99)
        if self._where == "amid":
            wait = (self._number * 37 % 20) / 100_000
            threading.Timer(wait, os.kill, (os.getpid(), signal.SIGKILL)).start()
        result = call()
        if self._where == "after":
            os._exit(99)
        return result


def main() -> None:
    kind, number, where, *words = sys.argv[1:]
    lasting.watch(Dying(kind, int(number), where))
    from engine.cli.main import main as fusion

    sys.argv = ["fusion", *words]
    fusion()


if __name__ == "__main__":
    main()
