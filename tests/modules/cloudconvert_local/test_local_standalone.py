"""The server as a process of its own: `fusion cloudconvert serve`."""

import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from local_server import (
    TOKEN,
    UPLOAD,
    make_clip,
    make_picture,
    task_of,
)
from processes import are_gone, linux_only
from slow_jobs import at_work
from standalone_server import served

from engine.errors import SetupError
from modules.cloudconvert.commands import commands
from modules.cloudconvert.local.data import DataFolder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mov", seconds=30)


@linux_only
async def test_engines_die_with_a_killed_server_and_the_job_ends_with_the_next(
    clip: Path, tmp_path: Path
) -> None:
    async with served(tmp_path) as first:
        job, pids = await at_work(first.local, clip)
        first.process.kill()
        assert are_gone(pids)
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


async def test_quotas_of_the_command_line_hold(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(make_picture())
    limits = ["--creations-per-minute", "3", "--parallel-jobs", "1", "--credits", "7"]
    scopes = ["--scopes", "task.read, task.write,user.read", "--sandbox-file", str(picture)]
    urls = ["--base-url", "https://convert.example.test/", "--signing-secret", "s"]
    async with served(tmp_path / "data", *limits, *scopes, *urls) as running:
        local = running.local
        me = (await local.get("/v2/users/me"))["data"]
        assert (me["credits"], me["tasks_per_minute"], me["task_priority"]) == (7, 3, -10)
        job = await local.create({"in": UPLOAD})
        form = job["tasks"][0]["result"]["form"]
        assert form["url"] == "https://convert.example.test/storage/tasks"
        await local.refused("/v2/jobs", {"tasks": {"in": UPLOAD}}, 402)
        await local.refused("/v2/jobs", {}, 422)
        await local.refused("/v2/jobs", {}, 429)
        assert (await local.http.get("/v2/webhooks")).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--scopes", "task.read,task.eat"], "no such scope: task.eat"),
        (["--sandbox-file", "/nowhere/at/all"], "neither an MD5 nor a readable file"),
        (["--base-url", "convert.example.test"], "give an address such as https://"),
        (["--task-timeout", "0"], "0 is not in the range"),
    ],
)
def test_wrong_options_are_told_before_anything_starts(
    arguments: list[str], text: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(commands, ["serve", "--data", str(tmp_path / "data"), *arguments])
    assert result.exit_code == 2
    assert text in result.output
    assert not (tmp_path / "data").exists()


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


def engines(*arguments: str) -> str:
    result = CliRunner().invoke(commands, ["engines", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_of_engines_tells_version_place_and_use() -> None:
    lines = {line.split()[0]: line for line in engines().splitlines() if line}
    assert {"ENGINE", "pillow", "ffmpeg", "pdfium", "pikepdf", "archivetool"} <= set(lines)
    assert "/ffmpeg" in lines["ffmpeg"]
    assert "films" in lines["ffmpeg"]
    assert "isolation:" in lines


def test_a_missing_engine_is_told_with_what_it_adds_and_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    said = engines()
    assert "missing: ghostscript, which adds PostScript" in said
    assert "Debian  apt install ghostscript" in said
    assert "macOS   brew install ghostscript" in said


def test_what_extras_bring_is_told_with_its_extra() -> None:
    ways = {one["name"]: one["install"] for one in json.loads(engines("--json"))["engines"]}
    assert ways["office2pdf"] == {"pip": "pip install 'fusion-runner[office]'"}
    assert ways["resvg"] == {"pip": "pip install 'fusion-runner[image]'"}
    assert ways["pandoc"] == {
        "pip": "pip install 'fusion-runner[docs]'",
        "debian": "apt install pandoc",
        "macos": "brew install pandoc",
    }


def test_another_program_of_an_engines_name_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("soffice", "convert"):
        (tmp_path / name).write_text("#!/bin/sh\necho something else 1.2\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "pandoc").write_text("#!/bin/sh\necho pandoc 9.8.7\n")
    (tmp_path / "pandoc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = {one["name"]: one for one in json.loads(engines("--json"))["engines"]}
    assert found["libreoffice"]["present"] is False
    assert found["pandoc"] == found["pandoc"] | {
        "present": True,
        "version": "9.8.7",
        "path": str(tmp_path / "pandoc"),
    }
    assert "md" in found["pandoc"]["inputs"]
