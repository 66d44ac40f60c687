"""Beginning and end: engines die with whoever wanted them, work survives every kind of death."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from local_server import (
    TOKEN,
    UPLOAD,
    Local,
    make_clip,
    no_fetch,
    serving,
    task_of,
)

from engine.errors import SetupError
from modules.cloudconvert.commands import commands
from modules.cloudconvert.local import children as children_module
from modules.cloudconvert.local.children import Children, Program
from modules.cloudconvert.local.data import DataFolder, DataFolderHeld
from modules.cloudconvert.local.embedded import embedded
from modules.cloudconvert.local.isolation import Isolation, find_isolation
from modules.cloudconvert.local.settings import Settings

THIS_FILE = Path(__file__)
RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
SLOW = {
    "operation": "convert",
    "input": "in",
    "output_format": "mp4",
    "video_codec": "x265",
    "preset": "veryslow",
    "width": 3840,
    "height": 2160,
    "fit": "scale",
}
QUICK = {"operation": "convert", "input": "in", "output_format": "mp3"}

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mov", seconds=30)


def processes_of(task_id: str) -> list[int]:
    """Return the processes whose command line names the task's folder."""
    found = []
    for path in Path("/proc").iterdir():
        if not path.name.isdecimal():
            continue
        try:
            command = (path / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{task_id}/work/out".encode() in command and b"launch.py" not in command:
            found.append(int(path.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def children_of_this_process() -> list[str]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [one for task in tasks for one in (task / "children").read_text().split()]


async def at_work(local: Local, clip: Path, **more: Any) -> tuple[dict[str, Any], list[int]]:
    """Start a conversion that takes minutes; return its job and its processes."""
    tasks = {"in": UPLOAD, "slow": SLOW, "out": {"operation": "export/url", "input": "slow"}}
    job = await local.create(tasks | more)
    assert (await local.upload(job["tasks"][0], "clip.mov", clip)).status_code == 201
    slow = task_of(job, "slow")["id"]
    await local.until(slow, "processing")
    while not (found := processes_of(slow)):
        await local.get(f"/v2/tasks/{slow}")
    return job, found


def wait_until_gone(pids: list[int]) -> None:
    """Return when the processes have ended; a process that lives on fails the test."""
    deadline = time.monotonic() + 20
    while alive := [pid for pid in pids if is_alive(pid)]:
        assert time.monotonic() < deadline, alive
        os.sched_yield()


@linux_only
async def test_cancelling_a_task_kills_its_engine(clip: Path, tmp_path: Path) -> None:
    async with serving(tmp_path) as local:
        job, pids = await at_work(local, clip)
        slow = task_of(job, "slow")["id"]
        reply = await local.http.post(f"/v2/tasks/{slow}/cancel")
        assert [pid for pid in pids if is_alive(pid)] == []
        assert reply.json()["data"]["code"] == "CANCELLED"
        ended = await local.ended(job["id"])
    assert (ended["status"], ended["tasks"][2]["code"]) == ("error", "INPUT_TASK_FAILED")


@linux_only
async def test_deleting_a_job_kills_its_engines_and_removes_its_files(
    clip: Path, tmp_path: Path
) -> None:
    async with serving(tmp_path) as local:
        job, pids = await at_work(local, clip)
        assert (await local.http.delete(f"/v2/jobs/{job['id']}")).status_code == 204
        assert [pid for pid in pids if is_alive(pid)] == []
        assert list((tmp_path / "tasks").iterdir()) == []


@linux_only
async def test_a_stopping_server_kills_its_engines_and_the_next_one_goes_on(
    clip: Path, tmp_path: Path
) -> None:
    async with serving(tmp_path) as local:
        job, pids = await at_work(local, clip, done=RAW)
    assert [pid for pid in pids if is_alive(pid)] == []
    async with serving(tmp_path) as local:
        again = (await local.get(f"/v2/jobs/{job['id']}"))["data"]
        assert again["status"] == "processing"
        assert task_of(again, "done")["status"] == "finished"
        assert task_of(again, "in")["result"]["files"][0]["filename"] == "clip.mov"
        assert (await local.until(task_of(again, "slow")["id"], "processing"))["code"] is None
        assert local.root in again["links"]["self"]


async def test_work_of_a_dead_server_is_finished_by_the_next(clip: Path, tmp_path: Path) -> None:
    tasks = {"in": UPLOAD, "mp3": QUICK, "out": {"operation": "export/url", "input": "mp3"}}
    async with serving(tmp_path, settings=Settings(TOKEN, heavy=0)) as local:
        job = await local.create(tasks)
        await local.upload(job["tasks"][0], "clip.mov", clip)
    async with serving(tmp_path) as local:
        ended = await local.ended(job["id"])
        [file] = task_of(ended, "out")["result"]["files"]
        assert (await local.plain.get(file["url"])).content[:3] == b"ID3"


async def test_an_upload_can_come_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as local:
        job = await local.create({"in": UPLOAD})
    async with serving(tmp_path) as local:
        again = (await local.get(f"/v2/jobs/{job['id']}"))["data"]
        form = again["tasks"][0]["result"]["form"]
        assert form["url"].startswith(local.root)
        assert (await local.upload(again["tasks"][0], "a", b"x")).status_code == 201
        assert (await local.ended(job["id"]))["status"] == "finished"


# Processes


@dataclass(frozen=True, slots=True)
class Served:
    process: subprocess.Popen[str]
    local: Local


def start_server(data: Path, *more: str) -> subprocess.Popen[str]:
    code = "from modules.cloudconvert.commands import commands; commands()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--data", str(data)]
    return subprocess.Popen(
        [*command, "--api-key", TOKEN, *more], stdout=subprocess.PIPE, text=True
    )


@asynccontextmanager
async def served(data: Path, *more: str) -> AsyncIterator[Served]:
    """Run `fusion cloudconvert serve` as a process of its own."""
    process = start_server(data, *more)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"base URL +(http://127\.0\.0\.1:\d+)/v2\n", line)
        assert found, line
        key = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            httpx.AsyncClient(base_url=found[1], headers=key, trust_env=False, timeout=60) as http,
            httpx.AsyncClient(base_url=found[1], trust_env=False, timeout=60) as plain,
        ):
            yield Served(process, Local(found[1], http, plain))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@linux_only
async def test_engines_die_with_a_killed_server_and_the_job_ends_with_the_next(
    clip: Path, tmp_path: Path
) -> None:
    async with served(tmp_path) as first:
        job, pids = await at_work(first.local, clip)
        first.process.kill()
        wait_until_gone(pids)
    async with served(tmp_path) as second:
        again = await second.local.until(task_of(job, "slow")["id"], "processing")
        assert again["code"] is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_stand_alone_server_stops_cleanly(number: signal.Signals, tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        assert (await running.local.get("/v2/users/me"))["data"]["username"] == "local"
        running.process.send_signal(number)
        assert running.process.wait(10) == 0
        assert running.process.stdout is not None
        said = running.process.stdout.read()
    assert TOKEN not in said
    assert "Ctrl-C" in said


@linux_only
async def test_memory_stays_flat_whatever_goes_through(tmp_path: Path) -> None:
    size, block = 96 << 20, os.urandom(1 << 20)

    def peak(pid: int) -> int:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) << 10

    async def form(task: dict[str, Any]) -> AsyncIterator[bytes]:
        for name, value in task["result"]["form"]["parameters"].items():
            head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            yield f"{head}{value}\r\n".encode()
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        for _ in range(size // len(block)):
            yield block
        yield b"\r\n--b--\r\n"

    async with served(tmp_path) as running:
        local = running.local
        await local.run({"small": b"x"}, {"operation": "archive", "output_format": "tar"})
        before = peak(running.process.pid)
        tasks = {"in": UPLOAD, "out": {"operation": "export/url", "input": "in"}}
        job = await local.create(tasks)
        headers = {"content-type": "multipart/form-data; boundary=b"}
        url = job["tasks"][0]["result"]["form"]["url"]
        reply = await local.plain.post(url, content=form(job["tasks"][0]), headers=headers)
        assert reply.status_code == 201, reply.text
        [file] = task_of(await local.ended(job["id"]), "out")["result"]["files"]
        received = 0
        async with local.plain.stream("GET", file["url"]) as download:
            async for chunk in download.aiter_bytes():
                received += len(chunk)
        assert received == file["size"] == size
        assert peak(running.process.pid) - before < 16 << 20


# Several servers, one folder


async def test_a_second_server_works_beside_the_first_and_leaves_its_jobs_to_it(
    clip: Path, tmp_path: Path
) -> None:
    stuck = Settings(TOKEN, heavy=0)
    async with serving(tmp_path):
        async with serving(tmp_path, settings=stuck) as second:
            tasks = {"in": UPLOAD, "mp3": QUICK, "raw": RAW}
            job = await second.create(tasks, tag="mine")
            await second.upload(job["tasks"][0], "clip.mov", clip)
            await second.until(task_of(job, "raw")["id"], "finished")
        assert (tmp_path / "1" / "cloudconvert.sqlite3").exists()
    async with serving(tmp_path) as third:
        ended = await third.ended(job["id"])
        assert (ended["status"], ended["tag"]) == ("finished", "mine")
        assert not (tmp_path / "1" / "cloudconvert.sqlite3").exists()
        listed = await third.get("/v2/jobs", params={"filter[tag]": "mine"})
        assert len(listed["data"]) == 1


def test_a_data_folder_has_one_holder(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    with pytest.raises(DataFolderHeld):
        DataFolder(tmp_path)
    first.close()
    DataFolder(tmp_path).close()


def test_folders_and_secret_are_private(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    secret = data.secret()
    folder = data.task("a")
    folder.make()
    assert data.secret() == secret
    assert len(secret) == 32
    for path, mode in (
        (data.path, 0o700),
        (data.path / "secret", 0o600),
        (folder.path, 0o700),
        (folder.results, 0o700),
    ):
        assert path.stat().st_mode & 0o777 == mode
    data.close()


async def test_ended_jobs_vanish_after_a_day_and_forgotten_uploads_fail(tmp_path: Path) -> None:
    moment = [datetime(2026, 1, 5, 9, tzinfo=UTC)]

    def now() -> datetime:
        return moment[0]

    async with serving(tmp_path, now=now) as local:
        done = await local.ended((await local.create({"in": RAW}))["id"])
        lone = (await local.http.post("/sync/v2/import/raw", json=RAW)).json()["data"]
        forgotten = await local.create({"in": UPLOAD})
    moment[0] += timedelta(hours=23)
    async with serving(tmp_path, now=now) as local:
        assert (await local.get(f"/v2/jobs/{done['id']}"))["data"]["status"] == "finished"
    moment[0] += timedelta(hours=2)
    async with serving(tmp_path, now=now) as local:
        ended = await local.ended(forgotten["id"])
        assert ended["tasks"][0]["code"] == "UPLOAD_FAILED"
        assert (await local.http.get(f"/v2/jobs/{done['id']}")).status_code == 404
        assert (await local.http.get(f"/v2/tasks/{lone['id']}")).status_code == 404
        assert list((tmp_path / "tasks").iterdir()) == []


async def test_files_of_tasks_that_no_record_knows_are_removed_at_start(tmp_path: Path) -> None:
    stray = tmp_path / "tasks" / "stray" / "out"
    stray.mkdir(parents=True)
    async with serving(tmp_path):
        assert not stray.exists()


# The server inside a run


async def test_the_embedded_server_has_a_token_of_its_own(tmp_path: Path) -> None:
    async with embedded(tmp_path, no_fetch) as server:
        connection = server.connection
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v2", connection.base_url)
        assert connection.sync_base_url == connection.base_url.replace("/v2", "/sync/v2")
        assert connection.credential not in repr(connection)
        async with httpx.AsyncClient(trust_env=False) as http:
            key = {"Authorization": f"Bearer {connection.credential}"}
            reply = await http.get(f"{connection.base_url}/jobs", headers=key)
            assert reply.status_code == 200
            assert (await http.get(f"{connection.base_url}/jobs")).status_code == 401
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{connection.base_url}/jobs")


async def test_waiting_for_idle_ends_with_the_last_running_job(clip: Path, tmp_path: Path) -> None:
    heard: list[int] = []
    content = await asyncio.to_thread(clip.read_bytes)
    async with embedded(tmp_path, no_fetch) as server:
        await server.wait_idle(heard.append)
        assert heard == []
        connection = server.connection
        key = {"Authorization": f"Bearer {connection.credential}"}
        async with httpx.AsyncClient(trust_env=False, headers=key, timeout=60) as http:
            body = {"tasks": {"in": UPLOAD, "mp3": QUICK}}
            job = (await http.post(f"{connection.base_url}/jobs", json=body)).json()["data"]
            await server.wait_idle(heard.append)
            assert heard == []  # a job that only waits for an upload is nobody's work
            form = job["tasks"][0]["result"]["form"]
            async with httpx.AsyncClient(trust_env=False, timeout=60) as plain:
                file = {"file": ("clip.mov", content)}
                await plain.post(form["url"], data=form["parameters"], files=file)
            await server.wait_idle(heard.append)
            ended = (await http.get(f"{connection.base_url}/jobs/{job['id']}")).json()["data"]
    assert ended["status"] == "finished"
    assert set(heard) <= {1}


async def test_a_cancelled_run_stops_its_server_all_the_same(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def run() -> None:
        async with embedded(tmp_path, no_fetch):
            started.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    DataFolder(tmp_path).close()


@linux_only
async def test_a_server_that_stops_at_once_leaves_no_process(tmp_path: Path) -> None:
    for number in range(5):
        async with embedded(tmp_path / str(number), no_fetch):
            pass
    assert children_of_this_process() == []


async def test_a_blocking_answer_that_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    async with serving(tmp_path) as local:
        job = await local.create({"in": UPLOAD})
        with pytest.raises(httpx.ReadTimeout):
            await local.http.get(f"/sync/v2/jobs/{job['id']}", timeout=0.2)
        assert (await local.http.delete(f"/v2/jobs/{job['id']}")).status_code == 204


async def test_a_folder_that_cannot_be_used_is_told() -> None:
    with pytest.raises(SetupError, match="cannot start") as raised:
        async with embedded(THIS_FILE, no_fetch):
            pass
    assert raised.value.problems[0].code == "E305"


def test_nothing_heavy_is_imported_before_a_server_starts() -> None:
    code = (
        "import sys, modules.cloudconvert, modules.cloudconvert.commands,"
        " modules.cloudconvert.local.embedded;"
        "print([m for m in ('starlette', 'uvicorn', 'PIL', 'pikepdf', 'reportlab', 'httpx')"
        " if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


async def test_the_server_itself_imports_no_engine(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from modules.cloudconvert.local.embedded import embedded\n"
        "async def main():\n"
        "    async with embedded(Path(sys.argv[1]), None):\n"
        "        print([m for m in ('PIL', 'pikepdf', 'reportlab', 'pypdfium2')"
        " if m in sys.modules])\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    said = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


# Children


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


# Commands


def test_serve_refuses_a_held_folder_and_a_taken_port(tmp_path: Path) -> None:
    held = DataFolder(tmp_path)
    with pytest.raises(SetupError, match="another server uses the folder"):
        call_serve("--data", str(tmp_path))
    held.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SetupError, match="cannot start"):
            call_serve("--data", str(tmp_path), "--port", str(taken.getsockname()[1]))
    DataFolder(tmp_path).close()


def call_serve(*arguments: str) -> None:
    commands.main(["serve", *arguments], standalone_mode=False)


def test_the_table_of_engines_names_versions_and_formats() -> None:
    result = CliRunner().invoke(commands, ["engines"])
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert {"ENGINE", "pillow", "ffmpeg", "pdfium", "pikepdf", "archivetool"} <= set(lines)
    assert "mov" in lines["ffmpeg"]
