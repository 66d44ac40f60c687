"""The crash matrix: a run of 12 bundles whose process dies again and again, and what must hold.

`Trial` is one folder with the scenario. As a program it does the whole matrix once and prints what
it found; `test_matrix.py` does a sample:

    python tests/crash_matrix.py POINTS KILLS [SEED]
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

SCENARIO = """
id: matrix
settings: {store_incomplete_executions: true}
flow:
  - {id: came, module: files.watch_folder, with: {folder: inbox, pattern: "*.png"}}
  - {id: size, module: flow.iterator, with: {array: "{{ ['s', 'l'] }}"}}
  - {id: serial, module: tools.increment, with: {reset_after: never}}
  - id: convert
    module: cloudconvert.convert_file
    with: {input_file: upload, file: "{{ came.file }}", output_format: jpg, download_file: true}
  - id: check
    module: flow.throw
    with: {when: "{{ serial.i == 5 }}", type: DataError, message: "no five"}
    on_error:
      - {module: flow.break}
  - id: save
    module: files.save_file
    with:
      folder: outbox
      file: "{{ convert.file }}"
      file_name: "{{ serial.i }}-{{ came.file.stem }}-{{ size.value }}.jpg"
  - id: both
    module: flow.array_aggregator
    with: {source: size, fields: {name: "{{ save.name }}"}}
  - id: listed
    module: files.save_file
    with:
      folder: outbox
      file: {name: "{{ came.file.stem }}.txt", data: "{{ join(map(both.array, 'name'), ' ') }}"}
"""

PICTURES = 6

KINDS = ("commit", "write", "flush", "rename", "link")
WHERES = ("before", "amid", "after")
POINTS = tuple((kind, where) for kind in KINDS for where in WHERES)

WANTED = {
    *(f"{2 * n + k + 1}-{n}-{'sl'[k]}.jpg" for n in range(PICTURES) for k in range(2)),
    *(f"{n}.txt" for n in range(PICTURES)),
} - {"5-2-s.jpg"}

DYING = str(Path(__file__).with_name("dying.py"))


@dataclass
class Trial:
    """A folder in which the scenario runs, dies and is taken up."""

    folder: Path
    deaths: list[str] = field(default_factory=list)
    taken_up_seconds: list[float] = field(default_factory=list)
    """From the start of a process to its word that it takes a run up."""

    def __post_init__(self) -> None:
        (self.folder / "inbox").mkdir()
        (self.folder / "matrix.yaml").write_text(SCENARIO)
        for number in range(PICTURES):
            path = self.folder / "inbox" / f"{number}.png"
            Image.new("RGB", (8, 8), (number * 40, 0, 0)).save(path)
            os.utime(path, (1_600_000_000 + number, 1_600_000_000 + number))

    def start(self, *dies: str) -> subprocess.Popen[str]:
        program = [DYING, *dies] if dies else ["-m", "engine"]
        return subprocess.Popen(
            [sys.executable, *program, "run", "matrix.yaml"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def die_at(self, kind: str, where: str, number: int) -> None:
        """Run until the call with a number; if there are not so many, the run ends."""
        code = self._ended(self.start(kind, str(number), where))
        assert code in (0, 3, 99, -signal.SIGKILL), code
        if code in (99, -signal.SIGKILL):
            self.deaths.append(f"{kind} {where}")

    def die_after(self, seconds: float) -> None:
        """Run, and kill the process some time after its start."""
        process = self.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        if process.poll() is None:
            process.kill()
            self.deaths.append("kill -9")
        self._ended(process)

    def finish(self) -> None:
        """Run to the end, and once more, which finds nothing to do."""
        assert self._ended(self.start()) in (0, 3)
        assert self._ended(self.start()) == 0

    def _ended(self, process: subprocess.Popen[str]) -> int:
        """Wait for the end; nothing that was done before may have been done again."""
        before, began = self.results(), time.perf_counter()
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if line.startswith("taking up"):
                self.taken_up_seconds.append(time.perf_counter() - began)
        code = process.wait()
        process.stderr.close()
        assert "Traceback" not in "".join(told), told
        assert code in (0, 3, 99, -signal.SIGKILL), told
        after = self.results()
        assert {name: after.get(name) for name in before} == before
        return code

    def results(self) -> dict[str, tuple[int, int]]:
        """Return the files that are saved, with what tells whether one was written again."""
        outbox = self.folder / "outbox"
        if not outbox.exists():
            return {}
        paths = [path for path in outbox.iterdir() if not path.name.startswith(".")]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}

    def check(self) -> None:
        """Raise AssertionError if a bundle was lost, or anything was done twice."""
        assert self.results().keys() == WANTED
        for number in range(PICTURES):
            names = [f"{2 * number + k + 1}-{number}-{'sl'[k]}.jpg" for k in range(2)]
            listed = (self.folder / "outbox" / f"{number}.txt").read_text().split()
            assert listed == [name for name in names if name in WANTED]
        for name in WANTED:
            if name.endswith(".jpg"):
                with Image.open(self.folder / "outbox" / name) as picture:
                    assert picture.size == (8, 8)
        self._check_store()
        self._check_jobs()

    def _check_store(self) -> None:
        with contextlib.closing(sqlite3.connect(self.folder / ".fusion" / "store.db")) as store:

            def every(query: str) -> list[tuple[object, ...]]:
                return store.execute(query).fetchall()

            assert every("PRAGMA integrity_check") == [("ok",)]
            assert every("SELECT node_id, status FROM incompletes") == [("check", "unresolved")]
            assert every("SELECT COUNT(*) FROM marks WHERE node_id = 'came'") == [(PICTURES,)]
            assert every("SELECT CAST(value AS TEXT) FROM marks WHERE node_id = 'serial'") == [
                ("12",)
            ]
            for table in ("journal", "origins", "journal_files"):
                assert every(f"SELECT COUNT(*) FROM {table}") == [(0,)]  # noqa: S608 - our names

    def _check_jobs(self) -> None:
        path = self.folder / ".fusion" / "cloudconvert" / "cloudconvert.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as server:
            [(jobs, tags)] = server.execute("SELECT COUNT(*), COUNT(DISTINCT tag) FROM jobs")
        assert (jobs, tags) == (2 * PICTURES, 2 * PICTURES)


def points(count: int, chance: random.Random) -> list[tuple[str, str, int]]:
    """Choose points to die at, every kind and place of one as often as any other."""
    chosen = [POINTS[number % len(POINTS)] for number in range(count)]
    chance.shuffle(chosen)
    return [(kind, where, _number(kind, chance)) for kind, where in chosen]


def _number(kind: str, chance: random.Random) -> int:
    """Choose the number of a call: there are many more commits and writes than links."""
    most = {"commit": 30, "write": 8, "flush": 20, "rename": 5, "link": 3}[kind]
    return chance.randint(1, most)


def main() -> None:
    count, kills, seed = int(sys.argv[1]), int(sys.argv[2]), int((*sys.argv, "1")[3])
    chance = random.Random(seed)  # noqa: S311 - a sample, with its seed told
    todo = points(count, chance)
    deaths: Counter[str] = Counter()
    seconds: list[float] = []
    trials = 0
    while todo or kills > 0:
        with tempfile.TemporaryDirectory() as name:
            trial = Trial(Path(name))
            for _ in range(6):
                if todo:
                    kind, where, number = todo.pop()
                    trial.die_at(kind, where, number)
                elif kills > 0:
                    kills -= 1
                    trial.die_after(chance.uniform(0.3, 6))
            trial.finish()
            trial.check()
        trials += 1
        deaths.update(trial.deaths)
        seconds += trial.taken_up_seconds
    sys.stdout.write(f"seed {seed}: {trials} runs, {sum(deaths.values())} deaths\n")
    for death, times in sorted(deaths.items()):
        sys.stdout.write(f"  {death:15} {times}\n")
    ordered = sorted(seconds) or [0.0]
    median, most = ordered[len(ordered) // 2], ordered[-1]
    sys.stdout.write(f"taken up {len(seconds)} times: median {median:.2f} s, most {most:.2f} s\n")


if __name__ == "__main__":
    main()
