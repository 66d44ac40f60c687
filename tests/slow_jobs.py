"""A conversion that takes minutes, for tests in which something ends it."""

from pathlib import Path
from typing import Any

from local_server import UPLOAD, Local, task_of
from processes import processes_of

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
