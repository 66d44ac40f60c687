"""Scenarios of the store: listed, deactivated by errors and by hand, kept waiting."""

import json
from pathlib import Path
from typing import Any

import pytest
from front_door import PEOPLE, advice, fusion, only_incomplete, write

from engine.cli.exits import Exit


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(fusion("scenarios", "--json").stdout)["scenarios"]
    return found


def test_scenarios_lists_what_has_run_and_what_waits() -> None:
    fusion("run", write("people.yaml", PEOPLE))

    lines = fusion("scenarios").stdout.splitlines()

    assert lines[0].split()[:3] == ["id", "path", "state"]
    assert lines[1].split()[:4] == ["people", "people.yaml", "active", "0"]
    assert lines[1].split()[-2:] == ["1", "0"]
    (one,) = listed()
    assert (one["id"], one["active"], one["incomplete"]) == ("people", True, 1)
    assert one["last_run_at"].endswith("+00:00")


def test_a_deactivated_scenario_runs_by_hand_with_a_warning() -> None:
    scenario = write("people.yaml", PEOPLE)
    fusion("run", scenario)

    assert fusion("deactivate", "people").stdout == "`people` is inactive\n"
    result = fusion("run", scenario)

    assert result.exit_code == Exit.INCOMPLETE
    assert result.stderr.count("is inactive, so only runs by hand start it") == 1
    assert advice(fusion("scenarios").stderr) == ["activate", "people"]


def test_a_scenario_is_activated_by_its_id_or_its_file() -> None:
    scenario = write("people.yaml", PEOPLE)
    fusion("run", scenario)
    for name in ("people", scenario):
        fusion("deactivate", name)
        assert [one["active"] for one in listed()] == [False]
        result = fusion("activate", name, "--json")
        assert json.loads(result.stdout)["scenario"]["active"] is True


def test_a_scenario_that_is_not_known_cannot_be_activated() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion("activate", "peple")
    assert result.exit_code == Exit.NOT_FOUND
    assert advice(result.stderr) == ["scenarios"]


def test_a_sequential_scenario_waits_until_all_is_resolved() -> None:
    text = PEOPLE.replace("settings:", "settings:\n  sequential_processing: true")
    scenario = write("people.yaml", text)
    assert fusion("run", scenario).exit_code == Exit.INCOMPLETE
    waiting = only_incomplete()

    result = fusion("run", scenario)

    assert result.exit_code == Exit.INCOMPLETE
    assert "must be resolved before it runs again" in result.stderr
    assert waiting[:8] in result.stderr
    assert advice(result.stderr)[:2] == ["incomplete", "list"]
    assert len(json.loads(fusion("runs", "--json").stdout)["runs"]) == 1

    fusion("incomplete", "edit", waiting, "--set", "person.age=40")
    assert fusion("replay", waiting).exit_code == Exit.OK
    fusion("run", scenario)
    assert len(json.loads(fusion("runs", "--json").stdout)["runs"]) == 3
