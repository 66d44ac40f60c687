"""A full disk while a result is saved: a typed error, nothing half written, nothing lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = """
settings: {store_incomplete_executions: true}
flow:
  - id: came
    module: files.watch_folder
    with: {folder: inbox}
  - id: save
    module: files.save_file
    with: {folder: small, file: "{{ came.file }}"}
"""

pytestmark = pytest.mark.needs("unshare")


def in_a_full_disk(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `fusion` where the folder `small` is a file system of 64 KiB, gone afterwards."""
    fusion = [sys.executable, "-m", "engine", *arguments]
    script = (
        "mount -t tmpfs -o size=64k none small || exit 99; "
        '"$@"; code=$?; ls -A small >kept.txt; exit $code'
    )
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *fusion],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_does_not_fit_is_stored_and_saved_once_there_is_room(tmp_path: Path) -> None:
    for name in ("inbox", "small"):
        (tmp_path / name).mkdir()
    (tmp_path / "inbox" / "large.bin").write_bytes(bytes(200_000))
    (tmp_path / "full.yaml").write_text(SCENARIO)

    ran = in_a_full_disk(tmp_path, "run", "full.yaml")
    if "unshare failed" in ran.stderr and os.environ.get("FUSION_TESTS_ALL") != "1":
        pytest.skip("needs unshare, which this system forbids")

    assert ran.returncode == 3, ran.stderr
    assert "OutOfSpaceError" in ran.stdout
    assert (tmp_path / "kept.txt").read_text() == ""

    listed = subprocess.run(
        [sys.executable, "-m", "engine", "incomplete", "list", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    (record,) = json.loads(listed.stdout)["incomplete"]
    assert record["failure"]["type"] == "OutOfSpaceError"
    assert record["status"] == "pending"

    shutil.rmtree(tmp_path / "inbox")
    replayed = subprocess.run(
        [sys.executable, "-m", "engine", "replay", record["id"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert replayed.returncode == 0, replayed.stderr
    assert (tmp_path / "small" / "large.bin").read_bytes() == bytes(200_000)
