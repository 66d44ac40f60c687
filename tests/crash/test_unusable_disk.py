"""A store on a disk that is full or only to be read: told, left as it is, used again afterwards."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from front_door import PEOPLE
from workplace import Place, environment

pytestmark = pytest.mark.needs("unshare")

COMMANDS = ("run people.yaml", "incomplete list", "replay --all", "replay --due", "runs", "doctor")

CODE = """
import json, sys
from click.testing import CliRunner
from engine.cli.main import cli
ended = [CliRunner().invoke(cli, one.split()) for one in json.loads(sys.argv[1])]
json.dump([[one.exit_code, one.output + one.stderr] for one in ended], open(sys.argv[2], "w"))
"""


def in_a_small_disk(
    folder: Path, closed: str, opened: str
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Run the commands in `small`, a file system of 1 MiB, after `closed` and after `opened`.

    `people.yaml` and its store are there before; the store is copied back as `after`.
    """
    (folder / "small").mkdir()
    script = (
        "mount -t tmpfs -o size=1m none small || exit 99; "
        "mv people.yaml small/; cp -a .fusion small/; cd small || exit 98; "
        f'{closed}; "$@" ../closed.json; {opened}; "$@" ../opened.json; cp -a .fusion ../after'
    )
    words = [sys.executable, "-c", CODE, json.dumps(COMMANDS)]
    ended = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "unshare failed" in ended.stderr and os.environ.get("FUSION_TESTS_ALL") != "1":
        pytest.skip("needs unshare, which this system forbids")
    assert ended.returncode == 0, ended.stderr
    closed_told, opened_told = (
        [(code, text) for code, text in json.loads((folder / name).read_text())]
        for name in ("closed.json", "opened.json")
    )
    return closed_told, opened_told


@pytest.mark.parametrize(
    ("closed", "opened", "says", "tells"),
    [
        (
            "dd if=/dev/zero of=fill bs=4k 2>/dev/null",
            "rm fill",
            "has no space left",
            "free some space",
        ),
        (
            "mount -o remount,ro .",
            "mount -o remount,rw .",
            "cannot be used: ",
            "its disk is not read-only",
        ),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_nothing_is_told_and_work_goes_on_once_it_does(
    tmp_path: Path, closed: str, opened: str, says: str, tells: str
) -> None:
    (tmp_path / "people.yaml").write_text(PEOPLE)
    Place(tmp_path).fusion("run", "people.yaml", exit_code=3)

    refused, afterwards = in_a_small_disk(tmp_path, closed, opened)

    database = tmp_path / "small" / ".fusion" / "store.db"
    for command, (code, told) in zip(COMMANDS, refused, strict=True):
        assert code == (1 if command == "doctor" else 6), f"{command}: {told}"
        assert f"the store {database} {says}" in told, command
        assert tells in told, command
        assert "Traceback" not in told, command
    assert [code for code, _ in afterwards] == [3, 0, 3, 0, 0, 1]  # a small disk fails `doctor`
    stored = json.loads(Place(tmp_path).fusion("incomplete", "list", "--json", "--store", "after"))
    assert len(stored["incomplete"]) == 2  # that of before is there, and that of the run after
