"""W8: a large film through the embedded server, in flat memory (Linux only).

One process uploads the film, has it converted by copying its pictures, downloads the result and
saves it. Its peak of resident memory is held against what it held before the first request, and
against a small film's peak. Run it as `python tests/bench/w8.py`; it needs about 3 GiB of free
disk.
"""

import subprocess
import tempfile
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from measure import FUSION, HERE, check, process

MIB = 1024 * 1024
SMALL, LARGE = 20, 500
"""Sizes of the files in MiB."""


NOISE = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "640x360", "-r", "25", "-i", "/dev/urandom")
X264 = ("-frames:v", "50", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "10")


def write(path: Path, mebibytes: int) -> None:
    """Write a film of about that size; noise, which no codec makes smaller, over and over."""
    clip = path.with_name("clip.mov")
    ffmpeg(*NOISE, *X264, str(clip))
    again = str(mebibytes * MIB // clip.stat().st_size)
    ffmpeg("-stream_loop", again, "-i", str(clip), "-c", "copy", str(path))


def ffmpeg(*words: str) -> None:
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-nostdin", *words], check=True)


def measured(mebibytes: int) -> tuple[float, float, float]:
    """Return (MiB before the first request, MiB at the peak, seconds of wall time)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "large.mov", mebibytes)
        given = ["--set", f"file={folder / 'large.mov'}", "--set", f"folder={folder / 'out'}"]
        run = (FUSION, "run", HERE / "w8.yaml", "--modules", HERE / "modules")
        cost = process(folder, *run, *given, "--store", folder / "store")
        size = (folder / "out/large.mp4").stat().st_size
        check("whole film", size > mebibytes * MIB * 0.99, wanted=True)
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
