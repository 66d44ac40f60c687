"""W8: a large file through the embedded server, in flat memory (Linux only).

One process uploads the file, has it packed, downloads the result and saves it. Its peak of resident
memory is held against what it held before the first request, and against a small file's peak. Run
it as `python tests/bench/w8.py`; it needs about 3 GiB of free disk.
"""

import os
import tempfile
from pathlib import Path

from measure import FUSION, HERE, check, process

MIB = 1024 * 1024
SMALL, LARGE = 20, 500
"""Sizes of the files in MiB."""


def write(path: Path, mebibytes: int) -> None:
    """Write a file that no compression makes smaller."""
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(os.urandom(MIB))


def measured(mebibytes: int) -> tuple[float, float, float]:
    """Return (MiB before the first request, MiB at the peak, seconds of wall time)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "large.bin", mebibytes)
        given = ["--set", f"file={folder / 'large.bin'}", "--set", f"folder={folder / 'out'}"]
        run = (FUSION, "run", HERE / "w8.yaml", "--modules", HERE / "modules")
        cost = process(folder, *run, *given, "--store", folder / "store")
        size = (folder / "out/large.tar").stat().st_size
        check("whole file in the archive", size > mebibytes * MIB, wanted=True)
        before, peak = (folder / "out/memory.txt").read_text().split()
    return int(before) / MIB, int(peak) / MIB, cost.wall


def main() -> None:
    small, large = measured(SMALL), measured(LARGE)
    for size, (before, peak, wall) in ((SMALL, small), (LARGE, large)):
        told = f"before {before:6.1f} MiB, peak {peak:6.1f} MiB, +{peak - before:5.1f} MiB"
        print(f"{size:4} MiB: {told}, {wall:5.1f} s")
    print(f"peak over before     {large[1] - large[0]:6.1f} MiB  (P13: at most 60)")
    print(f"large over small     {large[1] - small[1]:6.1f} MiB  (P13: at most 10)")


if __name__ == "__main__":
    main()
