"""A `fusion` that is sent a signal at a chosen moment. Run by `crash/test_signals.py`.

    python signalled.py SIGNAL MOMENT WORDS…

The moment is `commit N`, amid the transaction with a number, `summary`, when the first word of the
summary is about to be written, or `none`.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

from engine import lasting


@dataclass
class AtCommit:
    """Sends a signal as the commit with a number, counted from 1, begins."""

    number: int
    signum: int
    count: int = 0

    def __call__(self, kind: str, call: Callable[[], Any]) -> Any:
        if kind == "commit":
            self.count += 1
            if self.count == self.number:
                os.kill(os.getpid(), self.signum)
        return call()


class AtFirstWord:
    """A standard output at whose first word a signal comes."""

    def __init__(self, output: TextIO, signum: int) -> None:
        self._output = output
        self._signum = signum

    def write(self, text: str) -> int:
        signum, self._signum = self._signum, 0
        if signum:
            os.kill(os.getpid(), signum)
        return self._output.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def main() -> None:
    signum, moment, *words = sys.argv[1:]
    what, _, number = moment.partition(" ")
    if what == "commit":
        lasting.watch(AtCommit(int(number), int(signum)))
    elif what == "summary":
        sys.stdout = AtFirstWord(sys.stdout, int(signum))
    from engine.cli.main import main as fusion

    sys.argv = ["fusion", *words]
    fusion()


if __name__ == "__main__":
    main()
