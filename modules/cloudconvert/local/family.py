"""The processes of a group, and how much memory they hold together. Linux; elsewhere nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


def resident_bytes(group: int) -> int:
    """Return the memory that a process group holds for itself, without what it shares.

    What several processes share, such as their program, would count once for each of them.
    Source: proc(5), `stat` and `statm`.
    """
    return sum(_private_pages(process) for process in _members(group)) * _PAGE


def _members(group: int) -> Iterator[Path]:
    try:
        processes = [one for one in _PROC.iterdir() if one.name.isdecimal()]
    except OSError:
        # This system has none.
        return
    for process in processes:
        try:
            said = (process / "stat").read_text("ascii", "replace")
        except OSError:
            # It ended meanwhile.
            continue
        # The program's name stands in brackets and may hold anything.
        if int(said.rpartition(")")[2].split()[2]) == group:
            yield process


def _private_pages(process: Path) -> int:
    try:
        _, resident, shared, *_ = map(int, (process / "statm").read_text("ascii").split())
    except (OSError, ValueError):
        return 0
    return max(0, resident - shared)
