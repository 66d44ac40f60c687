"""Child processes: what they see, what they say, and that none is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from processes import are_gone, children_of, linux_only

from modules.cloudconvert.local import children as children_module
from modules.cloudconvert.local.children import Children, Program
from modules.cloudconvert.local.isolation import Isolation, find_isolation
from modules.cloudconvert.local.launch import REFUSED
from modules.cloudconvert.local.refusal import TaskFailure


def script(folder: Path, code: str) -> Program:
    (folder / "work").mkdir(exist_ok=True)
    return Program([sys.executable, "-I", "-c", code], folder)


@pytest.fixture
def children() -> Iterator[Children]:
    with closing(Children(Isolation())) as children:
        yield children


async def test_a_child_tells_its_lines_its_complaints_and_its_end(
    children: Children, tmp_path: Path
) -> None:
    lines: list[bytes] = []
    code = (
        "import sys; print('one'); print('two', end=''); print('oh', file=sys.stderr); sys.exit(3)"
    )
    ended = await children.run(script(tmp_path, code), lines.append)
    assert lines == [b"one", b"two"]
    assert (ended.status, ended.stderr.strip()) == (3, "oh")


async def test_a_child_sees_no_secret_of_ours_and_works_in_its_own_folder(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDCONVERT_API_KEY", "secret")
    lines: list[bytes] = []
    code = "import os; print(sorted(os.environ)); print(os.getcwd())"
    await children.run(script(tmp_path, code), lines.append)
    assert b"CLOUDCONVERT_API_KEY" not in lines[0]
    assert lines[1].decode() == str(tmp_path / "work")


@linux_only
async def test_a_child_dies_with_the_server(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from modules.cloudconvert.local.children import Children, Program\n"
        "from modules.cloudconvert.local.isolation import Isolation\n"
        "def die(line):\n"
        "    print(line.decode(), flush=True)\n"
        "    os._exit(0)\n"
        "folder = Path(sys.argv[1]); (folder / 'work').mkdir()\n"
        "slow = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
        "program = Program([sys.executable, '-c', slow], folder)\n"
        "asyncio.run(Children(Isolation()).run(program, die))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    assert are_gone([int(said.stdout)])


@linux_only
async def test_a_child_has_no_network_where_the_system_allows_it(tmp_path: Path) -> None:
    isolation = await find_isolation()
    if isolation.network == "open" and isolation.bwrap is None:
        return
    lines: list[bytes] = []
    code = "import socket; print([name for _, name in socket.if_nameindex() if name != 'lo'])"
    with closing(Children(isolation)) as children:
        await children.run(script(tmp_path, code), lines.append)
    assert lines == [b"[]"]


async def test_a_cancelled_wait_kills_the_child_and_all_it_started(
    children: Children, tmp_path: Path
) -> None:
    said = asyncio.get_running_loop().create_future()
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(os.getpid(), child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    listen: Callable[[bytes], None] = said.set_result
    running = asyncio.create_task(children.run(script(tmp_path, code), listen))
    pids = [int(number) for number in (await said).split()]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    if sys.platform == "linux":
        assert are_gone(pids)


async def test_a_program_that_is_not_there_says_so(children: Children, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    missing = str(tmp_path / "missing")
    ended = await children.run(Program([missing], tmp_path), lambda _line: None)
    assert ended.status == REFUSED
    assert "No such file" in ended.stderr


@linux_only
async def test_a_child_gets_what_it_reads_and_no_other_file_of_ours(
    children: Children, tmp_path: Path
) -> None:
    lines: list[bytes] = []
    code = (
        "import os, sys; print(sys.stdin.read()); "
        # The last one is the folder that is being read.
        "print(sorted(os.listdir('/proc/self/fd'))); print(os.getpid() == os.getsid(0))"
    )
    program = replace(script(tmp_path, code), stdin=b"given")
    await children.run(program, lines.append)
    assert lines == [b"given", b"['0', '1', '2', '3']", b"True"]


@linux_only
async def test_a_start_that_is_cancelled_half_way_leaves_nothing(
    children: Children, tmp_path: Path
) -> None:
    parents: list[int] = []
    code = "import os, time; print(os.getppid(), flush=True); time.sleep(600)"
    quick = script(tmp_path, "import os; print(os.getppid())")
    await children.run(quick, lambda line: parents.append(int(line)))
    starting = asyncio.create_task(children.run(script(tmp_path, code), lambda _line: None))
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert children_of(parents[0]) == []


@linux_only
async def test_programs_end_with_the_process_that_starts_them_and_the_next_has_a_new_one(
    children: Children, tmp_path: Path
) -> None:
    pids: list[int] = []

    def end_it(line: bytes) -> None:
        child, parent = map(int, line.split())
        pids.append(child)
        os.kill(parent, signal.SIGKILL)

    code = "import os, time; print(os.getpid(), os.getppid(), flush=True); time.sleep(600)"
    ended = await children.run(script(tmp_path, code), end_it)
    assert ended.status == -signal.SIGKILL
    assert are_gone(pids)
    lines: list[bytes] = []
    await children.run(script(tmp_path, "print('again')"), lines.append)
    assert lines == [b"again"]


@linux_only
async def test_a_start_in_which_the_process_that_starts_them_dies_is_an_error(
    children: Children, tmp_path: Path
) -> None:
    parents: list[int] = []
    quick = script(tmp_path, "import os; print(os.getppid())")
    await children.run(quick, lambda line: parents.append(int(line)))
    os.kill(parents[0], signal.SIGSTOP)
    starting = asyncio.create_task(children.run(quick, lambda _line: None))
    for _ in range(10):
        # The request is on its way after two turns; no answer comes, however many there are.
        await asyncio.sleep(0)
    os.kill(parents[0], signal.SIGKILL)
    with pytest.raises(RuntimeError, match="has ended"):
        await starting


async def test_a_flood_of_complaints_is_cut(children: Children, tmp_path: Path) -> None:
    code = (
        "import sys; sys.stderr.write('x' * 5_000_000 + 'end'); sys.stdout.write('y' * 5_000_000)"
    )
    ended = await children.run(script(tmp_path, code), lambda _line: None)
    assert len(ended.stderr) == children_module.STDERR_BYTES
    assert ended.stderr.endswith("end")


@linux_only
async def test_a_family_that_holds_too_much_memory_together_is_killed(
    children: Children, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    code = (
        "import os, time; pid = os.fork(); print(os.getpid(), flush=True); "
        "held = b'x' * (40 << 20); time.sleep(600)"
    )
    pids: list[int] = []
    arguments = [sys.executable, "-I", "-c", code]
    program = Program(arguments, tmp_path, family_bytes=64 << 20)
    with pytest.raises(TaskFailure, match="more memory"):
        await children.run(program, lambda line: pids.append(int(line)))
    assert len(pids) == 2
    assert are_gone(pids)


@linux_only
def test_the_children_of_a_child_die_with_the_server(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from modules.cloudconvert.local.children import Children, Program\n"
        "from modules.cloudconvert.local.isolation import Isolation\n"
        "pids = []\n"
        "def die(line):\n"
        "    print(line.decode(), flush=True)\n"
        "    pids.append(line)\n"
        "    if len(pids) == 2: os._exit(0)\n"
        "child = 'import os, time; os.fork(); print(os.getpid(), flush=True); time.sleep(600)'\n"
        "arguments = [sys.executable, '-c', child]\n"
        "program = Program(arguments, Path(sys.argv[1]), family_bytes=1 << 30)\n"
        "asyncio.run(Children(Isolation()).run(program, die))\n"
    )
    (tmp_path / "work").mkdir()
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    pids = [int(line) for line in said.stdout.splitlines() if line]
    assert len(pids) == 2
    assert are_gone(pids)
