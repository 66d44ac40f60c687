"""The embedded CloudConvert server for tests: started on a folder, spoken to over loopback."""

import asyncio
import io
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
from PIL import Image

from engine.errors import DataError
from engine.module import Download, Fetch, Mentioned, nothing_mentioned
from modules.cloudconvert.local.data import take
from modules.cloudconvert.local.hosting import Address, Hosted, Outside, utc_now
from modules.cloudconvert.local.settings import Settings

TOKEN = "key-for-tests"
UPLOAD: dict[str, Any] = {"operation": "import/upload"}


class Offline:
    """A fetch that reaches nothing outside."""

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[Download]:
        raise DataError("the tests reach nothing outside")

    async def post(
        self, url: str, content: bytes, *, headers: Mapping[str, str] | None = None
    ) -> int:
        raise DataError("the tests reach nothing outside")


no_fetch = Offline()


class Everywhere(Offline):
    """A fetch that finds the same content everywhere."""

    def __init__(self, content: bytes, name: str | None, size: int | None) -> None:
        self._content, self._name, self._size = content, name, size

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Download]:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(self._content), 1000):
                yield self._content[start : start + 1000]

        yield Download(self._name, self._size, chunks())

    def __call__(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> AbstractAsyncContextManager[Download]:
        return self._opened()


def file_fetch(content: bytes, *, name: str | None = None, size: int | None = None) -> Fetch:
    """Return a fetch that finds the same content everywhere."""
    return Everywhere(content, name, size)


@dataclass(frozen=True, slots=True)
class Local:
    """A running server. `http` sends the key, `plain` does not."""

    root: str
    http: httpx.AsyncClient
    plain: httpx.AsyncClient
    hosted: Hosted | None = None

    async def get(self, path: str, **more: Any) -> Any:
        reply = await self.http.get(path, **more)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def refused(self, path: str, body: Any, status: int = 422) -> dict[str, Any]:
        """POST what the server must refuse, and return the error's body."""
        reply = await self.http.post(path, json=body)
        assert reply.status_code == status, reply.text
        answer: dict[str, Any] = reply.json()
        return answer

    async def create(self, tasks: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        reply = await self.http.post("/v2/jobs", json={"tasks": tasks, **more})
        assert reply.status_code == 201, reply.text
        job: dict[str, Any] = reply.json()["data"]
        return job

    async def upload(
        self, task: Mapping[str, Any], name: str, content: bytes | Path
    ) -> httpx.Response:
        form = task["result"]["form"]
        data = (
            content if isinstance(content, bytes) else await asyncio.to_thread(content.read_bytes)
        )
        return await self.plain.post(
            form["url"], data=form["parameters"], files={"file": (name, data)}
        )

    async def ended(self, job_id: str) -> dict[str, Any]:
        job: dict[str, Any] = (await self.get(f"/sync/v2/jobs/{job_id}"))["data"]
        return job

    async def run(
        self, files: Mapping[str, bytes | Path], process: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Upload files, process and export them; return the ended job."""
        names = {f"import-{number}": name for number, name in enumerate(files, 1)}
        tasks: dict[str, Any] = dict.fromkeys(names, UPLOAD)
        tasks["process"] = {"input": list(names), **process}
        tasks["export"] = {"operation": "export/url", "input": "process"}
        job = await self.create(tasks)
        for imported, name in names.items():
            reply = await self.upload(task_of(job, imported), name, files[name])
            assert reply.status_code == 201, reply.text
        return await self.ended(job["id"])

    async def results(
        self, files: Mapping[str, bytes | Path], process: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """Do the same and return the results by name."""
        job = await self.run(files, process)
        assert job["status"] == "finished", [task["message"] for task in job["tasks"]]
        return {
            file["filename"]: (await self.plain.get(file["url"])).content
            for file in task_of(job, "export")["result"]["files"]
        }

    async def failure(
        self, files: Mapping[str, bytes | Path], process: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Do the same and return the task that failed by itself."""
        job = await self.run(files, process)
        assert job["status"] == "error"
        return task_of(job, "process")

    async def until(self, task_id: str, status: str) -> dict[str, Any]:
        """Ask for a task until it has the status."""
        while True:
            task: dict[str, Any] = (await self.get(f"/v2/tasks/{task_id}"))["data"]
            if task["status"] == status:
                return task


def task_of(job: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a job's task by its name."""
    [task] = [one for one in job["tasks"] if one["name"] == name]
    found: dict[str, Any] = task
    return found


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    fetch: Fetch = no_fetch,
    mentioned: Mentioned = nothing_mentioned,
    settings: Settings | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Local]:
    """Run a server on the folder while the block runs."""
    outside = Outside(fetch, mentioned)
    hosted = Hosted(take(folder), settings or Settings(TOKEN), outside, Address(), now)
    root = f"http://127.0.0.1:{hosted.port}"
    await asyncio.wrap_future(hosted.start())
    try:
        async with (
            httpx.AsyncClient(
                base_url=root,
                headers={"Authorization": f"Bearer {TOKEN}"},
                trust_env=False,
                timeout=60,
            ) as http,
            httpx.AsyncClient(base_url=root, trust_env=False, timeout=60) as plain,
        ):
            yield Local(root, http, plain, hosted)
    finally:
        await asyncio.to_thread(hosted.stop)


def ffmpeg(*arguments: str) -> str:
    """Run ffmpeg and return what it says."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def make_clip(path: Path, *, seconds: int = 1, size: str = "320x180", sound: bool = True) -> Path:
    """Make a short film in the format that the name says."""
    tone = ["-f", "lavfi", "-i", f"sine=d={seconds}"] if sound else []
    picture = ["-f", "lavfi", "-i", f"testsrc2=d={seconds}:s={size}:r=10"]
    ffmpeg("-v", "error", *picture, *tone, "-c:v", "libx264", "-preset", "ultrafast", str(path))
    assert path.stat().st_size > 0
    return path


def make_damaged_clip(path: Path) -> Path:
    """Make a film that lost its end, and with it the table of what it holds."""
    whole = make_clip(path.with_name(f"whole-{path.name}"))
    content = whole.read_bytes()
    path.write_bytes(content[: content.rindex(b"moov") - 100])
    return path


def describe(path: Path, content: bytes) -> str:
    """Write content to a file and return what ffmpeg says of it."""
    path.write_bytes(content)
    return ffmpeg("-i", str(path))


def make_picture(
    format_name: str = "PNG", size: tuple[int, int] = (64, 48), colour: str = "teal", **saving: Any
) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, format_name, **saving)
    return target.getvalue()
