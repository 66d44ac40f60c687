"""Commands through their front door, on real scenarios and a real store."""

import json
from pathlib import Path
from typing import Any

import pytest
from front_door import FOLDER, PEOPLE, SERVICE, advice, fusion, letters, only_incomplete, write

from engine.cli.exits import Exit

FAILS = """\
flow:
  - id: person
    module: tools.basic_trigger
    with: {bundles: [{age: null}]}
  - id: next
    module: tools.set_variables
    with: {variables: {age: "{{ person.age + 1 }}"}}
"""

WRONG = """\
flow:
  - id: person
    module: tools.basic_trigger
    with: {bundles: [{age: 1}]}
  - id: next
    module: tools.set_varables
    with: {variables: {age: "{{ persn.age }}"}}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


# run


def test_a_run_with_stored_incomplete_executions_exits_3_and_says_so() -> None:
    result = fusion("run", write("people.yaml", PEOPLE))
    assert result.exit_code == Exit.INCOMPLETE
    short = only_incomplete()[:8]
    assert "Birthdays: finished with warnings in" in result.stdout
    assert "Exit code 3 is expected here" in result.stdout
    assert advice(result.stdout) == ["incomplete", "show", short]
    assert "next failed: DataError" in result.stderr
    assert "made a store for runs: .fusion" in result.stderr
    assert fusion(*advice(result.stdout)).exit_code == Exit.OK


def test_the_summary_has_a_row_per_node() -> None:
    out = fusion("run", write("people.yaml", PEOPLE)).stdout.splitlines()
    rows = {
        line.split()[0]: line.split()[1:5] for line in out if line.startswith(("person", "next "))
    }
    assert rows["person"] == ["tools.basic_trigger", "1", "3", "0"]
    assert rows["next"] == ["tools.set_variables", "2", "2", "1"]


def test_allow_incomplete_turns_exit_3_off() -> None:
    result = fusion("run", write("people.yaml", PEOPLE), "--allow-incomplete")
    assert result.exit_code == Exit.OK
    assert "Exit code 3" not in result.stdout
    assert advice(result.stdout)[:2] == ["incomplete", "show"]


def test_a_run_without_color_or_terminal_has_no_escapes() -> None:
    result = fusion("run", write("people.yaml", PEOPLE))
    assert "\x1b" not in result.stdout + result.stderr


def test_a_run_says_where_files_are_and_then_that_nothing_is_new() -> None:
    letters("a.txt", "b.txt")
    first = fusion("run", write("letters.yaml", FOLDER))
    assert first.exit_code == Exit.OK
    assert "2 files in outbox: a.txt, b.txt" in first.stdout
    again = fusion("run", "letters.yaml")
    assert again.exit_code == Exit.OK
    assert again.stdout == (
        "nothing new for `letter`; to start over: fusion run letters.yaml --reset-trigger\n"
    )


def test_starting_over_takes_everything_again() -> None:
    letters("a.txt")
    fusion("run", write("letters.yaml", FOLDER))
    Path("outbox/a.txt").unlink()
    result = fusion("run", "letters.yaml", "--reset-trigger")
    assert "1 file in outbox: a.txt" in result.stdout


def test_a_run_that_ends_in_error_exits_1_with_the_place_of_the_failure() -> None:
    result = fusion("run", write("fails.yaml", FAILS))
    assert result.exit_code == Exit.FAILED
    assert "error[E501] module failed" in result.stderr
    assert "fails.yaml:7:" in result.stderr
    assert "    7 |     with: {variables: {age:" in result.stderr
    assert advice(result.stderr)[0] == "runs"
    assert fusion(*advice(result.stderr)).exit_code == Exit.OK


def test_a_run_of_an_invalid_scenario_exits_2() -> None:
    result = fusion("run", write("wrong.yaml", WRONG))
    assert result.exit_code == Exit.USAGE
    assert "error[E120]" in result.stderr
    assert not Path(".fusion").exists()


def test_a_connection_without_its_secret_exits_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    result = fusion("run", write("service.yaml", SERVICE))
    assert result.exit_code == Exit.CONNECTION
    assert "error[E302] credential missing" in result.stderr
    assert "NO_SUCH_KEY" in result.stderr


@pytest.mark.parametrize("words", [("--set", "yeers=2"), ("--set", "years=many")])
def test_inputs_that_do_not_fit_exit_2(words: tuple[str, ...]) -> None:
    result = fusion("run", write("people.yaml", PEOPLE), *words)
    assert result.exit_code == Exit.USAGE
    assert "error[E401]" in result.stderr


def test_bundles_from_a_file_take_the_triggers_place() -> None:
    write("people.json", '[{"name": "Dee", "age": 1}]')
    result = fusion("run", write("people.yaml", PEOPLE), "--input", "people.json")
    assert result.exit_code == Exit.OK


def test_run_as_json_has_every_part() -> None:
    result = fusion("run", write("people.yaml", PEOPLE), "--json")
    told: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == told["exit_code"] == Exit.INCOMPLETE
    assert told["format_version"] == 1
    assert told["scenario"]["id"] == "people"
    assert told["execution"]["status"] == "warning"
    assert told["execution"]["nodes"]["next"].keys() == {
        "operations",
        "bundles",
        "failed",
        "seconds",
    }
    assert [one["node"] for one in told["incomplete"]] == ["next"]
    assert told["nothing_new"] is False
    assert told["saved"] == []
    assert Path(told["store"]).name == ".fusion"


def test_another_store_is_named_in_the_next_command() -> None:
    result = fusion("run", write("people.yaml", PEOPLE), "--store", "elsewhere")
    assert advice(result.stdout)[3:] == ["--store", "elsewhere"]
    assert fusion(*advice(result.stdout)).exit_code == Exit.OK


# validate, graph, modules


def test_validate_is_quiet_about_good_files_and_exits_0() -> None:
    result = fusion("validate", write("people.yaml", PEOPLE))
    assert result.exit_code == Exit.OK
    assert result.stdout == "ok  people.yaml  (3 nodes)\n"


def test_validate_tells_all_problems_of_all_files_and_exits_1() -> None:
    write("people.yaml", PEOPLE)
    write("wrong.yaml", WRONG)
    result = fusion("validate", "people.yaml", "wrong.yaml", "missing.yaml")
    assert result.exit_code == Exit.FAILED
    for told in ("ok  people.yaml", "error[E120]", "error[E202]", "error[E101]"):
        assert told in result.stdout
    assert result.stdout.splitlines()[-1] == "3 problems in 2 files"


def test_validate_warns_of_what_cannot_be_meant_and_exits_0() -> None:
    text = """
        flow:
          - {id: t, module: tools.increment, with: {reset_after: cycle}}
          - {id: nap, module: tools.sleep, concurrency: 2, with: {duration: 1}}
    """

    result = fusion("validate", write("idle.yaml", text))
    as_json = json.loads(fusion("validate", "idle.yaml", "--json").stdout)

    assert result.exit_code == 0
    assert "ok  idle.yaml" in result.stdout
    assert "warning[W102] operations will not overlap" in result.stdout
    assert [one["code"] for one in as_json["files"][0]["warnings"]] == ["W102"]
    assert as_json["files"][0]["valid"]


def test_validate_takes_the_scenarios_of_a_folder() -> None:
    write("people.yaml", PEOPLE)
    write("people.test.yaml", "nothing: here")
    write("connections.yaml", "{}")
    assert fusion("validate", ".").stdout == "ok  people.yaml  (3 nodes)\n"


def test_validate_of_an_empty_folder_exits_2() -> None:
    Path("empty").mkdir()
    result = fusion("validate", "empty")
    assert result.exit_code == Exit.USAGE
    assert "no scenario lies in the folder empty" in result.stderr


def test_validate_as_json_has_a_place_for_each_problem() -> None:
    result = fusion("validate", write("wrong.yaml", WRONG), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == Exit.FAILED
    (file,) = told["files"]
    assert (file["path"], file["valid"]) == ("wrong.yaml", False)
    assert all(problem["place"]["file"].endswith("wrong.yaml") for problem in file["problems"])


def test_modules_are_listed_with_what_they_do() -> None:
    result = fusion("modules")
    for module in ("flow.break", "files.watch_folder", "tools.set_variables"):
        assert any(line.startswith(f"{module} ") for line in result.stdout.splitlines())


def test_one_connector_lists_its_own_modules_only() -> None:
    told = json.loads(fusion("modules", "files", "--json").stdout)
    assert told["modules"]
    assert all(module["id"].startswith("files.") for module in told["modules"])


def test_a_module_has_a_page_of_fields_and_output() -> None:
    result = fusion("modules", "files.save_file")
    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("files.save_file  action, changes something outside\n")
    assert "\nfields\n" in result.stdout
    assert "\noutput\n" in result.stdout
    assert "  overwrite  " in result.stdout


def test_a_module_as_json_has_its_schemas() -> None:
    module = json.loads(fusion("modules", "files.save_file", "--json").stdout)["module"]
    assert (module["id"], module["effect"]) == ("files.save_file", "write")
    assert "folder" in module["fields"]["properties"]
    assert "file" in module["output"]["properties"]


@pytest.mark.parametrize("name", ["files.save_fil", "fils"])
def test_an_unknown_module_exits_5_and_names_a_near_one(name: str) -> None:
    result = fusion("modules", name)
    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean `files" in result.stderr


def test_functions_are_listed_by_family_and_shown_with_an_example() -> None:
    listed = json.loads(fusion("functions", "dates", "--json").stdout)["functions"]
    assert {one["family"] for one in listed} == {"dates"}
    assert "formatDate" in {one["name"] for one in listed}
    shown = fusion("functions", "formatDate")
    assert shown.stdout.startswith("formatDate(")
    assert "for example  formatDate(" in shown.stdout


def test_an_unknown_function_exits_5_and_names_a_near_one() -> None:
    result = fusion("functions", "formatDtae")
    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean `formatDate`?" in result.stderr


# init


def test_an_example_is_copied_and_its_next_command_names_a_valid_scenario() -> None:
    result = fusion("init", "mine", "--example", "quickstart")
    assert result.exit_code == Exit.OK
    assert advice(result.stdout) == ["run", "mine/quickstart.yaml"]
    assert fusion("validate", "mine/quickstart.yaml").exit_code == Exit.OK


def test_an_example_overwrites_nothing() -> None:
    fusion("init", "mine")
    Path("mine/quickstart.yaml").write_text("mine", encoding="utf-8")
    result = fusion("init", "mine")
    assert result.exit_code == Exit.USAGE
    assert Path("mine/quickstart.yaml").read_text(encoding="utf-8") == "mine"


def test_an_unknown_example_lists_those_there_are() -> None:
    result = fusion("init", "--example", "nothing")
    assert result.exit_code == Exit.USAGE
    assert "quickstart" in result.stderr
