"""`fusion` as a process: progress on a real terminal, Ctrl-C, a reader that goes away."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

PURE = """\
name: Counting
flow:
  - id: count
    module: tools.basic_trigger
    with: {bundles: [{n: 1}, {n: 2}, {n: 3}]}
  - id: twice
    label: Doubled
    module: tools.set_variables
    with: {variables: {n: "{{ count.n * 2 }}"}}
"""

WAITS = """\
flow:
  - id: count
    module: tools.basic_trigger
    with: {bundles: [{n: 1}, {n: 2}]}
  - id: wait
    module: demo.wait
"""

WAIT_MODULE = '''\
from collections.abc import AsyncIterator
from datetime import timedelta

from engine.module import Bundle, Context, Effect, Fields, Module


class NoFields(Fields):
    pass


class Wait(Module[NoFields, Bundle]):
    """Say that it has begun, and wait."""

    id = "demo.wait"
    effect = Effect.READ

    async def execute(self, fields: NoFields, ctx: Context) -> AsyncIterator[Bundle]:
        print("begun", flush=True)
        await ctx.sleep(timedelta(hours=1))
        yield {}
'''

WAITING = ("run", "waits.yaml", "--modules", "fusion_modules")

FUSION = [sys.executable, "-m", "engine"]


def _environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FUSION_")}
    return {**kept, "TERM": "xterm-256color", "COLUMNS": "100", **more}


def _on_a_terminal(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """Run with stderr on a terminal; return exit code, stdout, and what the terminal was sent."""
    reader, writer = pty.openpty()
    received = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(reader, 65536)
            except OSError:  # Linux says so when the last writer has gone
                return
            if not data:
                return
            received.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    done = subprocess.run(
        [*FUSION, *words],
        cwd=folder,
        env=_environment(**environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writer)
    thread.join()
    os.close(reader)
    return done.returncode, done.stdout, received.decode()


def test_progress_is_drawn_on_a_terminal_and_the_result_is_not(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(PURE, encoding="utf-8")
    code, out, terminal = _on_a_terminal(tmp_path, "run", "count.yaml")
    assert code == 0
    assert out.startswith("Counting: finished in")
    assert "\x1b" not in out
    last = terminal[terminal.rindex("Counting") :]
    assert "Doubled" in last
    assert "idle" in last
    assert terminal.rindex("\x1b[?25h") > terminal.rindex("\x1b[?25l")


def test_a_narrow_terminal_gets_lines_that_fit(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(PURE, encoding="utf-8")
    code, _, terminal = _on_a_terminal(tmp_path, "run", "count.yaml", COLUMNS="40")
    assert code == 0
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal)
    assert max(len(line) for line in re.split(r"[\r\n]+", shown)) <= 40


def test_steps_are_asked_for_on_a_terminal_without_a_table_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(PURE, encoding="utf-8")
    code, out, terminal = _on_a_terminal(tmp_path, "run", "count.yaml", "--step")
    assert code == 130  # nobody answers: the input has ended
    assert "Enter: run it" in terminal
    assert "\x1b[?25l" not in terminal
    assert "trial of Counting" in out


def test_a_dumb_terminal_gets_no_progress(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(PURE, encoding="utf-8")
    code, _, terminal = _on_a_terminal(tmp_path, "run", "count.yaml", TERM="dumb")
    assert code == 0
    assert "\x1b[?25l" not in terminal


def test_errors_on_a_terminal_are_coloured_unless_no_color_is_set(tmp_path: Path) -> None:
    _, _, coloured = _on_a_terminal(tmp_path, "validate", "--nothing")
    _, _, plain = _on_a_terminal(tmp_path, "validate", "--nothing", NO_COLOR="1")
    assert "\x1b[1;31merror[E701]\x1b[0m" in coloured
    assert "\x1b" not in plain


def _waiting(folder: Path) -> "subprocess.Popen[str]":
    """Start a run that has begun an operation and does not end by itself."""
    (folder / "waits.yaml").write_text(WAITS, encoding="utf-8")
    (folder / "fusion_modules").mkdir()
    (folder / "fusion_modules" / "wait.py").write_text(WAIT_MODULE, encoding="utf-8")
    process = subprocess.Popen(
        [*FUSION, *WAITING],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_second_run_that_does_not_wait_exits_6(tmp_path: Path) -> None:
    with _waiting(tmp_path) as first:
        second = subprocess.run(
            [*FUSION, *WAITING, "--no-wait"],
            cwd=tmp_path,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert second.returncode == 6
    assert "error[E602] store busy" in second.stderr
    assert first.returncode == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_so_and_is_taken_up(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with _waiting(tmp_path) as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "waits: interrupted after" in out
    assert "the next run takes up the rest" in out
    assert out.splitlines()[-1] == f"next: fusion {' '.join(WAITING)}"
    assert "Traceback" not in err
    listed = subprocess.run(
        [*FUSION, "runs", "--json"],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    (run,) = json.loads(listed.stdout)["runs"]
    assert run["interrupted"] is True
    assert run["ended_at"] is not None


def test_a_reader_that_goes_away_changes_no_exit_code(tmp_path: Path) -> None:
    (tmp_path / "count.yaml").write_text(PURE, encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*FUSION, "run", "count.yaml"],
        cwd=tmp_path,
        env=_environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 0
    assert "Broken" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_behind_stdout_is_told_without_a_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*FUSION, "functions"],
            cwd=tmp_path,
            env=_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error[E502] run cannot go on\n   the output cannot be written: No space left on device\n"
    )


def test_a_shell_is_offered_completion(tmp_path: Path) -> None:
    done = subprocess.run(
        [*FUSION],
        cwd=tmp_path,
        env=_environment(_FUSION_COMPLETE="bash_complete", COMP_WORDS="fusion in", COMP_CWORD="1"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["plain,incomplete", "plain,init"]
