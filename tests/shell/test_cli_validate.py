"""`fusion validate`: which files it checks, how it tells what it finds, and what it mends."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from front_door import fusion, write
from jsonschema import Draft7Validator

from engine.cli.exits import Exit

FINE = "flow: [{module: files.watch_folder, with: {folder: inbox}}]\n"
WRONG = """\
flow:
  - {id: line, module: tools.basic_trigger, with: {bundles: [{nr: 1}]}}
  - module: flow.throw
    with: {message: "{{ lime.nr }}", tpye: DataError}
"""
WARNED = """\
flow:
  - {id: line, module: tools.basic_trigger, with: {bundles: [{nr: 1}]}}
  - {id: text, module: tools.compose_string, with: {value: "{{ line.nr }}"}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_folders_and_files_are_checked_at_once_and_all_problems_told() -> None:
    Path("all/deep").mkdir(parents=True)
    for name in ("all/a.yaml", "all/deep/b.yml", "c.yaml"):
        write(name, WRONG)

    result = fusion("validate", "all", "c.yaml", "--concise")

    assert result.exit_code == Exit.FAILED
    assert result.stdout.splitlines() == [
        f"{name}:4:{column}"
        for name in ("all/a.yaml", "all/deep/b.yml", "c.yaml")
        for column in (
            "25: E202 there is no node `lime`; did you mean `line`?",
            "38: E130 `flow.throw` has no field `tpye`; did you mean `type`?",
        )
    ] + ["6 problems in 3 files"]
    assert result.stderr.splitlines()[-1] == "next: fusion explain E202"


@pytest.mark.parametrize(
    "name", ["a.test.yaml", "connections.yaml", ".hidden/a.yaml", "a.json", "compose.yaml"]
)
def test_what_is_no_scenario_in_a_folder_is_passed_by(name: str) -> None:
    Path("all/.hidden").mkdir(parents=True)
    write("all/good.yaml", FINE)
    others = {
        "compose.yaml": "services: {}\n",
        "connections.yaml": "module: {type: cloudconvert, embedded: true}\n",
    }
    write(f"all/{name}", others.get(name, WRONG))

    result = fusion("validate", "all")

    assert (result.exit_code, result.stdout) == (Exit.OK, "ok  all/good.yaml  (1 node)\n")


def test_a_file_that_is_named_twice_is_checked_once() -> None:
    write("a.yaml", FINE)

    assert fusion("validate", "a.yaml", "a.yaml").stdout.count("a.yaml") == 1


def test_a_warning_is_no_problem() -> None:
    write("a.yaml", WARNED)

    result = fusion("validate", "a.yaml", "--concise")

    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("a.yaml:3:24: W103 ")


@pytest.mark.parametrize("words", [["--format", "xml", "."], [], ["empty"]])
def test_arguments_that_cannot_be_used_end_with_2(words: list[str]) -> None:
    Path("empty").mkdir()

    assert fusion("validate", *words).exit_code == Exit.USAGE


def test_json_holds_every_file_with_problems_and_warnings() -> None:
    write("a.yaml", WRONG)
    write("b.yaml", WARNED)

    by_format = fusion("validate", "a.yaml", "b.yaml", "--format", "json")

    files = json.loads(by_format.stdout)["files"]
    assert [one["valid"] for one in files] == [False, True]
    assert [one["code"] for one in files[0]["problems"]] == ["E202", "E130"]
    assert [one["code"] for one in files[1]["warnings"]] == ["W103"]
    assert by_format.stdout == fusion("validate", "a.yaml", "b.yaml", "--json").stdout


def test_github_sees_each_problem_beside_its_line() -> None:
    write("a.yaml", WRONG.replace("lime.nr", "line.nr").replace("tpye", '"ty:p,e%"'))

    line = fusion("validate", "a.yaml", "--format", "github").stdout.splitlines()[0]

    assert line == (
        "::error file=a.yaml,line=4,col=39,endColumn=46,title=E130 unknown field::"
        "`flow.throw` has no field `ty:p,e%25`; did you mean `type`?%0A"
        "flow.throw has: type, message, detail, when"
    )


def sarif_of(*paths: str) -> dict[str, Any]:
    return dict(json.loads(fusion("validate", *paths, "--format", "sarif").stdout))


def test_sarif_has_the_structure_of_its_standard() -> None:
    write("a b.yaml", WRONG)
    write("b.yaml", WARNED)

    log = sarif_of("a b.yaml", "b.yaml", "missing.yaml")

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert driver["name"] == "fusion"
    assert rules == sorted(rules) == ["E101", "E130", "E202", "W103"]
    assert all(
        rule["shortDescription"]["text"] and rule["help"]["text"] for rule in driver["rules"]
    )
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] == ("warning" if result["ruleId"] == "W103" else "error")
        assert result["message"]["text"]
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "a%20b.yaml"},
        "region": {"startLine": 4, "startColumn": 25, "endColumn": 29},
    }
    assert run["results"][-1]["locations"] == []


@pytest.mark.needs("npm:@microsoft/jest-sarif")
def test_sarif_keeps_to_the_official_schema() -> None:
    folder = Path(os.environ["FUSION_TESTS_NPM"], "node_modules/@microsoft/jest-sarif/lib/schemas")
    schema = Draft7Validator(json.loads((folder / "sarif-2.1.0-rtm.5.json").read_text("utf-8")))
    names = ("a b.yaml", "a:b#c%.yaml", "é\u202e.yaml")
    for name in names:
        write(name, WRONG)
    write("fine.yaml", FINE)
    write("warned.yaml", WARNED)
    every = ("warned.yaml", *names, str(Path("fine.yaml").resolve()), "missing.yaml")

    for paths in (every, ("fine.yaml",), ("missing.yaml",)):
        assert [fault.message for fault in schema.iter_errors(sarif_of(*paths))] == []
    wrong = sarif_of("warned.yaml")
    wrong["runs"][0]["results"][0]["level"] = "bad"
    assert not schema.is_valid(wrong)


def test_sarif_without_problems_is_a_run_without_results() -> None:
    write("a.yaml", FINE)

    assert sarif_of("a.yaml")["runs"][0]["results"] == []


def test_fix_mends_what_it_can_and_tells_the_rest() -> None:
    write("a.yaml", WRONG.replace('"{{ lime.nr }}"', "{{ line.nr }}"))

    result = fusion("validate", "a.yaml", "--fix", "--concise")

    assert result.exit_code == Exit.FAILED
    assert result.stderr.splitlines()[0] == "fixed a.yaml:4: quoted {{ line.nr }}"
    assert [line.split()[1] for line in result.stdout.splitlines()[:-1]] == ["E130"]
    assert 'message: "{{ line.nr }}", tpye' in Path("a.yaml").read_text()


def test_fix_says_so_where_a_file_may_not_be_replaced() -> None:
    Path("locked").mkdir()
    write("locked/a.yaml", WRONG.replace('"{{ lime.nr }}"', "{{ line.nr }}"))

    from unittest.mock import patch

    with patch.object(os, "replace", side_effect=OSError(30, "Read-only file system")):
        result = fusion("validate", "locked/a.yaml", "--fix")

    assert result.exit_code == Exit.USAGE
    assert "locked/a.yaml cannot be written: Read-only file system" in result.stderr
    assert os.listdir("locked") == ["a.yaml"]
