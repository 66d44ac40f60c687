"""W9: 200 small conversions with `concurrency: 8`, beside the same engine commands under xargs.

Both take the same films with the same commands on two processors: one as a scenario that uploads to
the embedded server, waits and downloads, and has its results in the order of the bundles; the other
as `xargs -P 2`, with nothing around it. Both are timed as whole processes, one after the other. Run
it as `python tests/bench/w9.py`.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from measure import Cost, answered, check, process, rounds

from modules.cloudconvert.local.converters.ffmpeg import Encoding, VideoOptions, arguments

COUNT = 200
ROUNDS = 1
CLIP = ("-f", "lavfi", "-i", "testsrc2=d=1:s=320x180:r=25", "-c:v", "libx264", "-preset", "fast")
LEAST = 0.8
"""Least share of the throughput under xargs."""


def flow(clip: Path, folder: Path) -> Cost:
    """Run the scenario and check its answer."""
    cost, words = answered("w9", folder, count=COUNT, clip=clip)
    check("order", words[:-1], [f"clip-{number}.mp4" for number in range(COUNT)])
    check("content", int(words[-1]) > 0, wanted=True)
    return cost


def under_xargs(clip: Path, folder: Path) -> Cost:
    """Run the server's own commands, which have the same number of words each."""
    out = folder / "out"
    out.mkdir()
    commands = [
        arguments(
            Encoding(
                get_ffmpeg_exe(),
                str(clip),
                str(out / f"clip-{number}.mp4"),
                "mp4",
                VideoOptions(),
                threads=1,
            )
        )
        for number in range(COUNT)
    ]
    words = folder / "words"
    words.write_bytes(b"".join(word.encode() + b"\0" for each in commands for word in each))
    each = str(len(commands[0]))
    cost = process(folder, "xargs", "-0", "-P", "2", "-n", each, "-a", words, "env")
    check("files", len(list(out.iterdir())), COUNT)
    shutil.rmtree(out)
    return cost


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "clip.mov"
        subprocess.run([get_ffmpeg_exe(), "-v", "error", "-nostdin", *CLIP, str(clip)], check=True)
        ours, bare = rounds(ROUNDS, lambda: flow(clip, folder), lambda: under_xargs(clip, folder))
    wall, cpu = bare.wall / ours.wall, bare.cpu / ours.cpu
    print(f"W9 throughput {wall:5.2f} x of xargs -P 2   (at least {LEAST} x); by CPU {cpu:5.2f} x")
    for name, cost in (("a conversion", ours), ("a bare command", bare)):
        wall, cpu = cost.wall / COUNT * 1e3, cost.cpu / COUNT * 1e3
        print(f"    {name:14} {wall:5.0f} ms, {cpu:5.0f} ms of CPU")


if __name__ == "__main__":
    main()
