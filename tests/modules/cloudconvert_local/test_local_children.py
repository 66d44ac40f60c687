"""Child processes: what they see, what they say, and that none is left behind."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import linux_only, wait_until_gone

from modules.cloudconvert.local import children as children_module
from modules.cloudconvert.local.children import Children, Program
from modules.cloudconvert.local.isolation import Isolation, find_isolation
from modules.cloudconvert.local.refusal import TaskFailure


def script(folder: Path, code: str) -> Program:
    (folder / "work").mkdir(exist_ok=True)
    return Program([sys.executable, "-I", "-c", code], folder)


@pytest.mark.parametrize("watched", [False, True])
async def test_a_child_tells_its_lines_its_complaints_and_its_end(
    tmp_path: Path, *, watched: bool
) -> None:
    children = Children(Isolation(), watched=watched)
    lines: list[bytes] = []
    code = (
        "import sys; print('one'); print('two', end=''); print('oh', file=sys.stderr); sys.exit(3)"
    )
    ended = await children.run(script(tmp_path, code), lines.append)
    children.close()
    assert lines == [b"one", b"two"]
    assert (ended.status, ended.stderr.strip()) == (3, "oh")


async def test_a_child_sees_no_secret_of_ours_and_works_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDCONVERT_API_KEY", "secret")
    children = Children(Isolation())
    lines: list[bytes] = []
    code = "import os; print(sorted(os.environ)); print(os.getcwd())"
    await children.run(script(tmp_path, code), lines.append)
    assert b"CLOUDCONVERT_API_KEY" not in lines[0]
    assert lines[1].decode() == str(tmp_path / "work")


@linux_only
async def test_a_watched_child_dies_with_the_server_although_no_kernel_helps(
    tmp_path: Path,
) -> None:
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
        "asyncio.run(Children(Isolation(), watched=True).run(program, die))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    wait_until_gone([int(said.stdout)])


@linux_only
async def test_a_child_has_no_network_where_the_system_allows_it(tmp_path: Path) -> None:
    isolation = await find_isolation()
    if isolation.network == "open" and isolation.bwrap is None:
        return
    children = Children(isolation)
    lines: list[bytes] = []
    code = "import socket; print([name for _, name in socket.if_nameindex() if name != 'lo'])"
    await children.run(script(tmp_path, code), lines.append)
    assert lines == [b"[]"]


async def test_a_cancelled_wait_kills_the_child_and_all_it_started(tmp_path: Path) -> None:
    children = Children(Isolation())
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
        wait_until_gone(pids)


async def test_a_flood_of_complaints_is_cut(tmp_path: Path) -> None:
    children = Children(Isolation())
    code = (
        "import sys; sys.stderr.write('x' * 5_000_000 + 'end'); sys.stdout.write('y' * 5_000_000)"
    )
    ended = await children.run(script(tmp_path, code), lambda _line: None)
    assert len(ended.stderr) == children_module.STDERR_BYTES
    assert ended.stderr.endswith("end")


@linux_only
async def test_a_family_that_holds_too_much_memory_together_is_killed(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    code = (
        "import os, time; pid = os.fork(); print(os.getpid(), flush=True); "
        "held = b'x' * (40 << 20); time.sleep(600)"
    )
    pids: list[int] = []
    children = Children(Isolation())
    arguments = [sys.executable, "-I", "-c", code]
    program = Program(arguments, tmp_path, family_bytes=64 << 20)
    with pytest.raises(TaskFailure, match="more memory"):
        await children.run(program, lambda line: pids.append(int(line)))
    children.close()
    assert len(pids) == 2
    wait_until_gone(pids)


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
    wait_until_gone([int(line) for line in said.stdout.splitlines() if line])
