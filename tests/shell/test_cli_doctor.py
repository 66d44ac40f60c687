"""`fusion doctor`: what it looks at, how it tells it, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest
from front_door import PEOPLE, SERVICE, fusion, write

from engine.plan.catalog import Catalog

SICK = """\
from engine.module import Connector, Finding, Health


async def health():
    return [
        Finding("engine press", Health.FAIL, "the press does not answer", "turn it on"),
        Finding("paper", Health.WARN, "\\x1b[31mlittle"),
    ]


connector = Connector("press", "Press", {}, health=f"{__name__}:health")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(*words: str, exit_code: int = 0) -> dict[str, dict[str, Any]]:
    result = fusion("doctor", "--json", *words)
    assert result.exit_code == exit_code, result.output
    document = json.loads(result.stdout)
    assert document["exit_code"] == exit_code
    return {one["about"]: one for one in document["findings"]}


def test_a_machine_on_which_nothing_has_run_is_fit() -> None:
    findings = found()

    assert {"fusion", "Python", "SQLite", "time zones", "store", "connectors"} <= findings.keys()
    assert findings["store"]["text"].startswith("none yet")
    assert findings["engine pillow"]["health"] == "ok"
    assert findings["isolation"]["health"] in ("ok", "warn")
    assert findings["fonts"]["health"] in ("ok", "warn")
    assert all(one["advice"] for one in findings.values() if one["health"] == "warn")
    assert not Path(".fusion").exists()


def test_lines_are_for_people_and_end_in_one_word_on_all_of_it() -> None:
    fusion("run", write("people.yaml", PEOPLE))

    result = fusion("doctor", "people.yaml")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok    fusion ")
    assert any(line.startswith("ok    integrity ") for line in lines)
    assert "ok    scenario            people.yaml is valid (3 nodes)" in lines
    assert lines[-1].startswith("fit for runs")


def test_a_connection_without_its_credential_fails() -> None:
    findings = found(write("service.yaml", SERVICE), exit_code=1)

    assert findings["scenario"]["health"] == "ok"
    assert findings["connection cloudconvert"]["health"] == "fail"
    assert "NO_SUCH_KEY" in findings["connection cloudconvert"]["text"]


def test_a_scenario_with_mistakes_fails_and_says_how_to_see_them() -> None:
    text = PEOPLE.replace("person.age", "persn.age").replace("flow.break", "flow.brake")

    finding = found(write("wrong.yaml", text), exit_code=1)["scenario"]

    assert finding["health"] == "fail"
    assert "and 1 more" in finding["text"]
    assert finding["advice"] == "fusion validate wrong.yaml"


def test_a_module_folder_that_cannot_be_loaded_fails_and_the_rest_is_told() -> None:
    Path("sick").mkdir()
    write("sick/bad.py", "import no_such_thing")

    findings = found("--modules", "sick", exit_code=1)

    assert findings["Python"]["health"] == "ok"
    assert findings["modules"]["health"] == "fail"
    assert "no_such_thing" in findings["modules"]["text"]


def test_connectors_tell_of_their_own_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site"
    (package / "press_kit-1.0.dist-info").mkdir(parents=True)
    (package / "press_kit.py").write_text(SICK)
    points = "[fusion_runner.connectors]\npress = press_kit:connector\nlost = no_such:connector\n"
    (package / "press_kit-1.0.dist-info" / "entry_points.txt").write_text(points)
    (package / "press_kit-1.0.dist-info" / "METADATA").write_text("Name: press-kit\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(package)
    monkeypatch.setattr("engine.app.doctor.catalog", lambda _operator: Catalog())

    result = fusion("doctor")

    assert result.exit_code == 1
    assert "fail  engine press        the press does not answer\n" in result.stdout
    assert "turn it on" in result.stdout
    assert "\\x1b[31mlittle" in result.stdout
    assert "fail  lost                connector `lost` cannot be imported" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("2 failed, ")
