"""Ctrl-C and SIGTERM amid a conversion: what is done stays done, the next run takes up the rest."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

SCENARIO = """
flow:
  - id: video
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.mov"}
  - id: convert
    module: cloudconvert.convert_file
    with:
      input_file: upload
      file: "{{ video.file }}"
      output_format: mp4
      options: {video_codec: x265, preset: PRESET}
      download_file: true
  - id: save
    module: files.save_file
    with: {folder: outbox, file: "{{ convert.file }}"}
"""
PATIENCE_SECONDS = 60


def clip(path: Path, seconds: float, size: str) -> None:
    """Make a real clip, last changed long ago, so that the folder trigger takes it at once."""
    path.parent.mkdir(exist_ok=True)
    source = f"testsrc2=size={size}:rate=25:duration={seconds}"
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [ffmpeg, "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg4", str(path)],
        check=True,
    )
    order = int(path.stem)
    os.utime(path, (1_600_000_000 + order, 1_600_000_000 + order))


def alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits for init to take note has ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return not state.startswith("Z")


def descendants(pid: int) -> Iterator[tuple[int, str]]:
    """Yield pid and program of every process below one, by what the kernel lists."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, _, rest = (entry / "stat").read_text().partition(" (")[2].rpartition(") ")
        except OSError:
            continue
        if int(rest.split()[1]) == pid:
            yield int(entry.name), name
            yield from descendants(int(entry.name))


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look until something holds; fail if the process ends first or it takes too long."""
    tick = threading.Event()
    for _ in range(PATIENCE_SECONDS * 20):
        if holds():
            return
        assert process.poll() is None, process.communicate()
        tick.wait(0.05)
    raise AssertionError("waited too long")


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", "run", "videos.yaml"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shown(folder: Path) -> str:
    """Return what `fusion runs` tells of the latest run."""

    def said(*words: str) -> str:
        command = [sys.executable, "-m", "engine", "runs", *words]
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    return said(json.loads(said("--json", "--limit", "1"))["runs"][0]["id"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_what_is_done_and_the_next_takes_up_the_rest(
    tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    for name, seconds, size in (("1.mov", 0.4, "64x64"), ("2.mov", 3, "640x360")):
        clip(tmp_path / "inbox" / name, seconds, size)
    scenario = tmp_path / "videos.yaml"
    scenario.write_text(SCENARIO.replace("PRESET", "medium"))
    first = tmp_path / "outbox" / "1.mp4"
    process = start(tmp_path)

    def converting_the_second() -> bool:
        engines = [name for _, name in descendants(process.pid) if "ffmpeg" in name]
        return first.exists() and bool(engines)

    wait_until(converting_the_second, process)
    below = [pid for pid, _ in descendants(process.pid)]
    process.send_signal(signum)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == code, told
    assert not [pid for pid in below if alive(pid)]
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["1.mp4"]

    assert "next: fusion run videos.yaml\n" in shown(tmp_path)

    written_at = first.stat().st_mtime_ns
    again = start(tmp_path)
    _, told = again.communicate(timeout=PATIENCE_SECONDS)

    assert again.returncode == 0, told
    assert "4 operations that are done are not repeated, 1 in doubt" in told
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == ["1.mp4", "2.mp4"]
    assert first.stat().st_mtime_ns == written_at
