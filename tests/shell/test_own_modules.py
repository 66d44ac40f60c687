"""Code of one's own runs when the operator has named its folder, and not because it lies there."""

import json
from pathlib import Path

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit

CODE = """\
from pathlib import Path

from engine.module import Bundle, Context, Fields, Module

Path(__file__).with_name("ran").touch()


class Put(Module[Fields, Bundle]):
    id = "own.put"

    def execute(self, fields: Fields, ctx: Context) -> list[Bundle]:
        return []
"""
SCENARIO = """\
flow:
  - {id: line, module: tools.basic_trigger, with: {bundles: [{nr: 1}]}}
  - {module: own.put, filter: "{{ line.nr > 0 }}", on_error: [module: flow.ignore]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FUSION_STORE", raising=False)
    here = tmp_path / "project"
    (here / "fusion_modules").mkdir(parents=True)
    monkeypatch.chdir(here)
    write("fusion_modules/own.py", CODE)
    write("own.yaml", SCENARIO)
    return here


def settled(store: Path, mode: int = 0o700) -> None:
    store.mkdir(mode=mode)
    (store / "config.yaml").write_text("modules: [../fusion_modules]\n")
    store.chmod(mode)


def test_what_lies_beside_a_scenario_is_pointed_at_and_does_not_run(folder: Path) -> None:
    result = fusion("validate", "own.yaml")

    assert result.exit_code == Exit.FAILED
    assert "code beside a scenario runs if it is named: --modules fusion_modules" in result.stdout
    assert not (folder / "fusion_modules" / "ran").exists()


def test_a_folder_that_the_operator_has_named_needs_no_option(folder: Path) -> None:
    settled(folder / ".fusion")

    assert fusion("validate", "own.yaml").exit_code == Exit.OK
    assert fusion("validate", "own.yaml", "--modules", "fusion_modules").exit_code == Exit.OK
    assert "own.put" in fusion("modules", "own").stdout
    findings = json.loads(fusion("doctor", "--json").stdout)["findings"]
    (told,) = [one["text"] for one in findings if one["about"] == "connectors"]
    assert told.endswith(f"; yours come from {folder / 'fusion_modules'}")


def test_settings_that_came_along_with_a_scenario_run_no_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(folder / ".fusion")
    monkeypatch.chdir(folder.parent)

    assert fusion("validate", "project/own.yaml").exit_code == Exit.FAILED
    assert not (folder / "fusion_modules" / "ran").exists()


def test_settings_that_others_may_have_written_run_no_code(folder: Path) -> None:
    settled(folder / ".fusion", 0o755)

    result = fusion("validate", "own.yaml")

    assert result.exit_code == Exit.FAILED
    assert "chmod 700" in result.stdout
    assert not (folder / "fusion_modules" / "ran").exists()
