"""Beginning and end: engines die with whoever wanted them, work survives every kind of death."""

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from local_server import (
    TOKEN,
    UPLOAD,
    make_clip,
    no_fetch,
    serving,
    task_of,
)
from processes import children_of_this_process, is_alive, linux_only
from slow_jobs import at_work

from engine.errors import StoreError
from modules.cloudconvert.local.data import DATABASE, DataFolder, DataFolderHeld
from modules.cloudconvert.local.embedded import embedded
from modules.cloudconvert.local.hosting import utc_now
from modules.cloudconvert.local.settings import Settings

THIS_FILE = Path(__file__)
RAW = {"operation": "import/raw", "file": "hello", "filename": "a.txt"}
QUICK = {"operation": "convert", "input": "in", "output_format": "mp3"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mov", seconds=30)


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


async def test_a_database_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    tasks = {"in": UPLOAD, "out": {"operation": "export/url", "input": "in"}}
    async with serving(tmp_path) as local:
        job = await local.create(tasks)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        database.executescript("""
            DROP TABLE edges; DROP TABLE deliveries; DROP TABLE webhooks;
            DROP INDEX jobs_by_cache_key;
            ALTER TABLE jobs DROP COLUMN cache_key;
            ALTER TABLE tasks DROP COLUMN facts;
        """)
    async with serving(tmp_path) as local:
        again = (await local.get(f"/v2/jobs/{job['id']}"))["data"]
        assert (await local.upload(again["tasks"][0], "a.txt", b"x")).status_code == 201
        ended = await local.ended(job["id"])
        assert task_of(ended, "out")["result"]["files"][0]["filename"] == "a.txt"


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


async def test_what_stored_work_refers_to_does_not_vanish(tmp_path: Path) -> None:
    moment = [datetime(2026, 1, 5, 9, tzinfo=UTC)]
    asked: list[set[str]] = []
    held: set[str] = set()

    async def mentioned(names: Collection[str]) -> Collection[str]:
        asked.append(set(names))
        return held

    def later() -> datetime:
        return moment[0]

    async with serving(tmp_path, now=later) as local:
        jobs = [await local.ended((await local.create({"in": RAW}, tag=t))["id"]) for t in "abc"]
        lone = [
            (await local.http.post("/sync/v2/import/raw", json=RAW)).json()["data"]["id"]
            for _ in range(2)
        ]
    held |= {jobs[0]["id"], "b", lone[0]}
    moment[0] += timedelta(hours=25)
    async with serving(tmp_path, now=later, mentioned=mentioned) as local:
        assert (await local.http.get(f"/v2/tasks/{lone[1]}")).status_code == 404
        found = [(await local.http.get(f"/v2/jobs/{job['id']}")).status_code for job in jobs]
        assert found == [200, 200, 404]
        assert (await local.http.get(f"/v2/tasks/{lone[0]}")).status_code == 200
    tasks = {job["tasks"][0]["id"] for job in jobs}
    assert asked == [{job["id"] for job in jobs} | tasks | set("abc") | set(lone)]
    held = {jobs[1]["tasks"][0]["id"]}
    async with serving(tmp_path, now=later, mentioned=mentioned) as local:
        assert (await local.http.get(f"/v2/jobs/{jobs[0]['id']}")).status_code == 404
        assert (await local.http.get(f"/v2/jobs/{jobs[1]['id']}")).status_code == 200


async def test_nothing_vanishes_while_nobody_can_tell_what_is_wanted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def mentioned(names: Collection[str]) -> Collection[str]:
        raise StoreError("the store is closed")

    def later() -> datetime:
        return utc_now() + timedelta(hours=25)

    async with serving(tmp_path) as local:
        done = await local.ended((await local.create({"in": RAW}))["id"])
    async with serving(tmp_path, now=later, mentioned=mentioned) as local:
        assert (await local.get(f"/v2/jobs/{done['id']}"))["data"]["id"] == done["id"]
    assert "old jobs cannot be deleted" in caplog.text


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


async def test_a_folder_that_cannot_be_used_is_left_to_who_starts_the_server() -> None:
    with pytest.raises(FileExistsError):
        async with embedded(THIS_FILE, no_fetch):
            pass


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
