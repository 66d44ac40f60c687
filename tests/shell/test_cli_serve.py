"""`fusion serve`, and what other commands say of scenarios that are its own."""

from pathlib import Path

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit

PROBES = str(Path(__file__).parents[1] / "probe_modules")

RINGS = """\
flow:
  - id: bell
    module: bell.ring
  - module: files.save_file
    with: {folder: rung, file: {name: "{{ bell.word }}.txt", data: "{{ bell.word }}"}}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def test_a_scenario_that_waits_for_events_is_not_for_run() -> None:
    result = fusion("run", write("rings.yaml", RINGS), "--modules", PROBES)
    assert result.exit_code == Exit.USAGE
    assert "`bell` waits for events" in result.stderr
    assert "next: fusion serve rings.yaml" in result.stderr


def test_an_event_of_one_s_own_can_be_tried() -> None:
    write("event.json", '[{"word": "ding"}]')
    write("rings.yaml", RINGS)
    result = fusion("run", "rings.yaml", "--modules", PROBES, "--input", "event.json")
    assert result.exit_code == Exit.OK
    assert Path("rung/ding.txt").read_text() == "ding"
