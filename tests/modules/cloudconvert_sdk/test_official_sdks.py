"""The official SDKs, unchanged but for the base URL, get along with the stand-alone server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from local_server import TOKEN, make_picture
from PIL import Image
from standalone_server import started

HERE = Path(__file__).parent
SECRET = "secret of links"
SECONDS = 120


def seen_through(command: list[str], folder: Path) -> dict[str, Any]:
    """Run one of the programs beside this file against a server, and return what it saw."""
    (folder / "in.png").write_bytes(make_picture(size=(40, 30)))
    options = ["--allow-private-networks", "--signing-secret", SECRET]
    with started(folder / "data", *options) as (_, root):
        said = subprocess.run(
            [*command, root, TOKEN, SECRET, str(folder)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert said.returncode == 0, said.stderr
    seen: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return seen


def check(seen: dict[str, Any], folder: Path) -> None:
    size = (folder / "out.jpg").stat().st_size
    assert seen["conversion"] == {
        "uploaded": True,
        "status": "finished",
        "filename": "in.jpg",
        "size": size,
        "received": size,
        "shown": "finished",
        "listed": [True],
        "tasks": ["convert"],
        "deleted": True,
        "afterwards": "NOT_FOUND",
    }
    with Image.open(folder / "out.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (20, 15))
    assert seen["lone_tasks"] == {
        "content": "hello",
        "cancelled": True,
        "code": "CANCELLED",
        "retry": ["waiting", True],
        "fresh": True,
        "deleted": True,
        "afterwards": "NOT_FOUND",
    }
    assert seen["webhooks"] == {
        "event": "job.finished",
        "job": True,
        "genuine": True,
        "forged": False,
        "deleted": True,
    }
    assert seen["refusals"] == {
        "invalid": 422,
        "unauthenticated": "UNAUTHENTICATED",
        "me": "local",
    }
    assert seen["signed_url"] == {"content": ["hello", "hello"]}


def test_the_sdk_for_python_goes_all_the_way(tmp_path: Path) -> None:
    check(seen_through([sys.executable, str(HERE / "through_python.py")], tmp_path), tmp_path)


@pytest.mark.needs("node")
@pytest.mark.needs("npm:cloudconvert")
def test_the_sdk_for_node_goes_all_the_way(tmp_path: Path) -> None:
    command = ["node", str(HERE / "through_node.mjs"), os.environ["FUSION_TESTS_NPM"]]
    check(seen_through(command, tmp_path), tmp_path)
