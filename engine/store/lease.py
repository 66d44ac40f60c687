"""Leases: which process runs a scenario, and whether it still may write for it.

    locks/<scenario>.lease    `PROCESS EPOCH`: who runs it; the epoch grows with each taking

A lease holds as long as its process lives: one that has ended has lost it at once, one that stands
still (stopped, swapped out) after `FROZEN_SECONDS`. Whoever takes it raises the epoch, and the one
before is refused at its next commit, for every commit looks. All calls need the store's lock, so a
look and the commit are one step. On another database a lease is a row of the same three facts.
"""

import hashlib
import re
from pathlib import Path
from typing import Final

from engine.errors import LeaseLostError
from engine.store.lock import Processes

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


class Leases:
    """The leases of one process, by scenario."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        self._processes = processes
        self._held: dict[str, str] = {}

    def take(self, scenario_id: str) -> str:
        """Take a scenario's lease; return who has it, empty if it is ours now."""
        path = self._path(scenario_id)
        holder, epoch = _read(path)
        if holder and self._processes.lives(holder):
            return f"process {holder.partition('-')[0]}"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        mark = f"{self._processes.own} {epoch + 1}"
        path.touch(mode=0o600)
        path.write_text(mark)
        self._held[scenario_id] = mark
        return ""

    def give_back(self, scenario_id: str) -> None:
        """Let others take a lease, unless somebody has taken it already."""
        mark, path = self._held.pop(scenario_id), self._path(scenario_id)
        if _is(path, mark):
            path.write_text(f" {mark.split()[1]}")

    def check(self) -> None:
        """Raise LeaseLostError if somebody has taken a lease that this process holds."""
        for scenario_id, mark in self._held.items():
            path = self._path(scenario_id)
            if not _is(path, mark):
                holder = _read(path)[0].partition("-")[0] or "another process"
                raise LeaseLostError(
                    f"this process stood still for so long that process {holder} has taken over "
                    f"scenario `{scenario_id}`; nothing more is written here",
                    notes=("what was done before is not repeated there",),
                )

    def _path(self, scenario_id: str) -> Path:
        """Return where a scenario's lease lies; the file's name is made from any id."""
        readable = _UNSAFE.sub("_", scenario_id)[:80]
        digest = hashlib.sha256(scenario_id.encode(errors="surrogatepass")).hexdigest()[:12]
        return self._folder / f"{readable}-{digest}.lease"


def _read(path: Path) -> tuple[str, int]:
    """Return a lease's process and epoch; nobody and 0 if it was never taken, or not whole."""
    try:
        holder, _, epoch = path.read_text().partition(" ")
        return holder, int(epoch)
    except (FileNotFoundError, ValueError):
        return "", 0


def _is(path: Path, mark: str) -> bool:
    try:
        return path.read_text() == mark
    except FileNotFoundError:
        return False
