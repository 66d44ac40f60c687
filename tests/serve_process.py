"""A `fusion serve` process, which tells in JSON lines what it does."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workplace import environment

PATIENCE_SECONDS = 120


class Serving:
    """A process at work in a folder. `lines` holds all that it has told."""

    def __init__(self, folder: Path, words: tuple[str, ...], **more: str) -> None:
        port = () if "--port" in words else ("--port", "0")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", *words, "--json", *port],
            cwd=folder,
            env=environment() | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[dict[str, Any]] = []
        self._told = threading.Condition()
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, kind: str, times: int = 1) -> dict[str, Any]:
        """Wait until something was told so often, and return how it was told last."""
        with self._told:
            done = self._told.wait_for(
                lambda: len(self.of(kind)) >= times or self._is_over, PATIENCE_SECONDS
            )
            assert done, self.lines
            assert len(self.of(kind)) >= times, self.lines
            return self.of(kind)[times - 1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == kind]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text) if text.startswith("{") else {"kind": "text", "text": text}
            with self._told:
                self.lines.append(line)
                self._told.notify_all()
        with self._told:
            self._is_over = True
            self._told.notify_all()


@contextmanager
def serving(folder: Path, *words: str, **more: str) -> Iterator[Serving]:
    """Serve while the block runs; whatever is left is killed."""
    serve = Serving(folder, words, **more)
    try:
        serve.until("ready")
        yield serve
    finally:
        serve.process.kill()
        serve.process.wait()
        assert serve.process.stdout is not None
        serve._reader.join()
        serve.process.stdout.close()
