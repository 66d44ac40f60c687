"""What a replay plan says of filters that refuse and of work that goes on elsewhere comes true."""

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from front_door import fusion, only_incomplete, write

from engine.cli.exits import Exit

GUARDED = """\
settings: {store_incomplete_executions: true}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{id: 1, price: null}]}
  - id: total
    module: tools.set_variables
    filter: "{{ order.price != 0 }}"
    with: {variables: {sum: "{{ order.price * 2 }}"}}
  - id: letter
    module: files.save_file
    with: {folder: outbox, file: {name: "{{ order.id }}.txt", data: "{{ total.sum }}"}}
"""

LATE = """\
settings: {store_incomplete_executions: true}
flow:
  - id: video
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.mov"}
  - id: convert
    module: cloudconvert.convert_file
    with:
      input_file: upload
      file: "{{ video.file }}"
      output_format: mp4
      options: {preset: veryslow}
      download_file: true
      wait_limit: LIMIT
  - module: files.save_file
    with: {folder: outbox, file: "{{ convert.file }}"}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def acts(record: str) -> dict[str, str]:
    plan = json.loads(fusion("replay", record, "--plan", "--json").stdout)
    (told,) = plan["replays"]
    return {step["node"]: step["act"] for step in told["steps"]}


def operations() -> dict[str, int]:
    """Return how many operations each node had in the latest run."""
    latest = json.loads(fusion("runs", "--json", "--limit", "1").stdout)["runs"][0]
    return {name: count["operations"] for name, count in latest["nodes"].items()}


def test_where_the_filter_refuses_the_edited_bundle_nothing_runs_and_it_is_resolved() -> None:
    assert fusion("run", write("orders.yaml", GUARDED)).exit_code == Exit.INCOMPLETE
    record = only_incomplete()
    assert acts(record) == {"order": "REUSE", "total": "RUN", "letter": "RUN"}
    fusion("incomplete", "edit", record, "--set", "order.price=0")

    assert acts(record) == {"order": "REUSE", "total": "SKIP", "letter": "SKIP"}
    assert fusion("replay", record).exit_code == Exit.OK
    assert operations().get("total", 0) == 0
    assert not Path("outbox").exists()
    assert json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"] == []


def test_a_conversion_that_was_late_is_taken_up_and_not_paid_for_again() -> None:
    clip = Path("inbox/clip.mov")
    clip.parent.mkdir()
    source = "testsrc2=size=640x360:rate=25:duration=8"
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*ffmpeg, "-c:v", "mpeg4", str(clip)], check=True)
    os.utime(clip, (1_600_000_000, 1_600_000_000))
    late = LATE.replace("LIMIT", "1s")
    assert fusion("run", write("late.yaml", late)).exit_code == Exit.INCOMPLETE
    record = only_incomplete()
    write("late.yaml", late.replace("1s", "2m"))

    plan = fusion("replay", record, "--current", "--plan").stdout
    assert "RE-ATTACH" in plan
    assert fusion("replay", record, "--current").exit_code == Exit.OK
    assert Path("outbox/clip.mp4").stat().st_size > 0
    with sqlite3.connect(".fusion/cloudconvert/cloudconvert.sqlite3") as database:
        (jobs,) = database.execute("SELECT COUNT(*) FROM jobs").fetchone()
    database.close()
    assert jobs == 1
