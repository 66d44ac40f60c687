"""Commands through their front door, on real scenarios and a real store."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from engine.cli.exits import Exit
from engine.cli.main import cli

PEOPLE = """\
name: Birthdays
settings:
  store_incomplete_executions: true
inputs:
  years: {type: number, default: 1}
flow:
  - id: person
    module: tools.basic_trigger
    with:
      bundles: [{name: Ada, age: 36}, {name: Bob, age: null}, {name: Cy, age: 7}]
  - id: next
    module: tools.set_variables
    with:
      variables: {age: "{{ person.age + inputs.years }}"}
    on_error:
      - module: flow.break
"""

FOLDER = """\
flow:
  - id: letter
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.txt", limit: 10}
  - id: save
    module: files.save_file
    with: {folder: outbox, file: "{{ letter.file }}"}
"""

FAILS = """\
flow:
  - id: person
    module: tools.basic_trigger
    with: {bundles: [{age: null}]}
  - id: next
    module: tools.set_variables
    with: {variables: {age: "{{ person.age + 1 }}"}}
"""

SERVICE = """\
connections:
  cloudconvert: {type: cloudconvert, api_key: {env: NO_SUCH_KEY}}
flow:
  - id: one
    module: tools.basic_trigger
    with: {bundles: [{url: "https://example.com/a.txt"}]}
  - id: convert
    module: cloudconvert.convert_file
    with: {input_file: url, url: "{{ one.url }}", output_format: pdf}
"""

WRONG = """\
flow:
  - id: person
    module: tools.basic_trigger
    with: {bundles: [{age: 1}]}
  - id: next
    module: tools.set_variable
    with: {variables: {age: "{{ persn.age }}"}}
"""


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def _fusion(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def _write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def _letters(*names: str) -> None:
    """Put letters into the inbox that are old enough to be taken at once."""
    for folder in ("inbox", "outbox"):
        Path(folder).mkdir(exist_ok=True)
    for name in names:
        letter = Path("inbox", name)
        letter.write_text(name, encoding="utf-8")
        os.utime(letter, (1_700_000_000, 1_700_000_000))


def _only_incomplete() -> str:
    found = json.loads(_fusion("incomplete", "list", "--json").stdout)["incomplete"]
    assert len(found) == 1
    return str(found[0]["id"])


def _advice(text: str) -> list[str]:
    """Return the words of the command that a text ends with."""
    lines = [line for line in text.splitlines() if line.strip().startswith("next: fusion ")]
    return lines[-1].split()[2:]


# run


def test_a_run_with_stored_incomplete_executions_exits_3_and_says_so() -> None:
    result = _fusion("run", _write("people.yaml", PEOPLE))
    assert result.exit_code == Exit.INCOMPLETE
    short = _only_incomplete()[:8]
    assert "Birthdays: finished with warnings in" in result.stdout
    assert "Exit code 3 is expected here" in result.stdout
    assert _advice(result.stdout) == ["incomplete", "show", short]
    assert "next failed: DataError" in result.stderr
    assert "made a store for runs: .fusion" in result.stderr
    assert _fusion(*_advice(result.stdout)).exit_code == Exit.OK


def test_the_summary_has_a_row_per_node() -> None:
    out = _fusion("run", _write("people.yaml", PEOPLE)).stdout.splitlines()
    rows = {
        line.split()[0]: line.split()[1:5] for line in out if line.startswith(("person", "next "))
    }
    assert rows["person"] == ["tools.basic_trigger", "1", "3", "0"]
    assert rows["next"] == ["tools.set_variables", "2", "2", "1"]


def test_allow_incomplete_turns_exit_3_off() -> None:
    result = _fusion("run", _write("people.yaml", PEOPLE), "--allow-incomplete")
    assert result.exit_code == Exit.OK
    assert "Exit code 3" not in result.stdout
    assert _advice(result.stdout)[:2] == ["incomplete", "show"]


def test_a_run_without_color_or_terminal_has_no_escapes() -> None:
    result = _fusion("run", _write("people.yaml", PEOPLE))
    assert "\x1b" not in result.stdout + result.stderr


def test_a_run_says_where_files_are_and_then_that_nothing_is_new() -> None:
    _letters("a.txt", "b.txt")
    first = _fusion("run", _write("letters.yaml", FOLDER))
    assert first.exit_code == Exit.OK
    assert "2 files in outbox: a.txt, b.txt" in first.stdout
    again = _fusion("run", "letters.yaml")
    assert again.exit_code == Exit.OK
    assert again.stdout == (
        "nothing new for `letter`; to start over: fusion run letters.yaml --reset-trigger\n"
    )


def test_starting_over_takes_everything_again() -> None:
    _letters("a.txt")
    _fusion("run", _write("letters.yaml", FOLDER))
    Path("outbox/a.txt").unlink()
    result = _fusion("run", "letters.yaml", "--reset-trigger")
    assert "1 file in outbox: a.txt" in result.stdout


def test_a_run_that_ends_in_error_exits_1_with_the_place_of_the_failure() -> None:
    result = _fusion("run", _write("fails.yaml", FAILS))
    assert result.exit_code == Exit.FAILED
    assert "error[E501] module failed" in result.stderr
    assert "fails.yaml:7:" in result.stderr
    assert "    7 |     with: {variables: {age:" in result.stderr
    assert _advice(result.stderr)[0] == "runs"
    assert _fusion(*_advice(result.stderr)).exit_code == Exit.OK


def test_a_run_of_an_invalid_scenario_exits_2() -> None:
    result = _fusion("run", _write("wrong.yaml", WRONG))
    assert result.exit_code == Exit.USAGE
    assert "error[E120]" in result.stderr
    assert not Path(".fusion").exists()


def test_a_connection_without_its_secret_exits_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    result = _fusion("run", _write("service.yaml", SERVICE))
    assert result.exit_code == Exit.CONNECTION
    assert "error[E302] credential missing" in result.stderr
    assert "NO_SUCH_KEY" in result.stderr


@pytest.mark.parametrize("words", [("--set", "yeers=2"), ("--set", "years=many")])
def test_inputs_that_do_not_fit_exit_2(words: tuple[str, ...]) -> None:
    result = _fusion("run", _write("people.yaml", PEOPLE), *words)
    assert result.exit_code == Exit.USAGE
    assert "error[E401]" in result.stderr


def test_bundles_from_a_file_take_the_triggers_place() -> None:
    _write("people.json", '[{"name": "Dee", "age": 1}]')
    result = _fusion("run", _write("people.yaml", PEOPLE), "--input", "people.json")
    assert result.exit_code == Exit.OK


def test_run_as_json_has_every_part() -> None:
    result = _fusion("run", _write("people.yaml", PEOPLE), "--json")
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
    result = _fusion("run", _write("people.yaml", PEOPLE), "--store", "elsewhere")
    assert _advice(result.stdout)[3:] == ["--store", "elsewhere"]
    assert _fusion(*_advice(result.stdout)).exit_code == Exit.OK


# validate, graph, modules


def test_validate_is_quiet_about_good_files_and_exits_0() -> None:
    result = _fusion("validate", _write("people.yaml", PEOPLE))
    assert result.exit_code == Exit.OK
    assert result.stdout == "ok  people.yaml  (3 nodes)\n"


def test_validate_tells_all_problems_of_all_files_and_exits_1() -> None:
    _write("people.yaml", PEOPLE)
    _write("wrong.yaml", WRONG)
    result = _fusion("validate", "people.yaml", "wrong.yaml", "missing.yaml")
    assert result.exit_code == Exit.FAILED
    for told in ("ok  people.yaml", "error[E120]", "error[E202]", "error[E101]"):
        assert told in result.stdout
    assert result.stdout.splitlines()[-1] == "3 problems in 2 files"


def test_validate_takes_the_scenarios_of_a_folder() -> None:
    _write("people.yaml", PEOPLE)
    _write("people.test.yaml", "nothing: here")
    _write("connections.yaml", "{}")
    assert _fusion("validate", ".").stdout == "ok  people.yaml  (3 nodes)\n"


def test_validate_of_an_empty_folder_exits_2() -> None:
    Path("empty").mkdir()
    result = _fusion("validate", "empty")
    assert result.exit_code == Exit.USAGE
    assert "no scenario lies in the folder empty" in result.stderr


def test_validate_as_json_has_a_place_for_each_problem() -> None:
    result = _fusion("validate", _write("wrong.yaml", WRONG), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == Exit.FAILED
    (file,) = told["files"]
    assert (file["path"], file["valid"]) == ("wrong.yaml", False)
    assert all(problem["place"]["file"].endswith("wrong.yaml") for problem in file["problems"])


def test_graph_draws_mermaid() -> None:
    result = _fusion("graph", _write("people.yaml", PEOPLE))
    assert result.exit_code == Exit.OK
    assert "person" in result.stdout
    assert result.stdout.splitlines()[0].startswith(("flowchart", "graph"))


def test_modules_are_listed_with_what_they_do() -> None:
    result = _fusion("modules")
    for module in ("flow.break", "files.watch_folder", "tools.set_variables"):
        assert any(line.startswith(f"{module} ") for line in result.stdout.splitlines())


def test_one_connector_lists_its_own_modules_only() -> None:
    told = json.loads(_fusion("modules", "files", "--json").stdout)
    assert told["modules"]
    assert all(module["id"].startswith("files.") for module in told["modules"])


def test_a_module_has_a_page_of_fields_and_output() -> None:
    result = _fusion("modules", "files.save_file")
    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("files.save_file  action, changes something outside\n")
    assert "\nfields\n" in result.stdout
    assert "\noutput\n" in result.stdout
    assert "  overwrite  " in result.stdout


def test_a_module_as_json_has_its_schemas() -> None:
    module = json.loads(_fusion("modules", "files.save_file", "--json").stdout)["module"]
    assert (module["id"], module["effect"]) == ("files.save_file", "write")
    assert "folder" in module["fields"]["properties"]
    assert "file" in module["output"]["properties"]


@pytest.mark.parametrize("name", ["files.save_fil", "fils"])
def test_an_unknown_module_exits_5_and_names_a_near_one(name: str) -> None:
    result = _fusion("modules", name)
    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean `files" in result.stderr


def test_functions_are_listed_by_family_and_shown_with_an_example() -> None:
    listed = json.loads(_fusion("functions", "dates", "--json").stdout)["functions"]
    assert {one["family"] for one in listed} == {"dates"}
    assert "formatDate" in {one["name"] for one in listed}
    shown = _fusion("functions", "formatDate")
    assert shown.stdout.startswith("formatDate(")
    assert "for example  formatDate(" in shown.stdout


def test_an_unknown_function_exits_5_and_names_a_near_one() -> None:
    result = _fusion("functions", "formatDat")
    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean `formatDate`?" in result.stderr


# incomplete, replay, runs


def test_the_list_of_incomplete_executions_has_the_reason_of_each() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    result = _fusion("incomplete", "list")
    head, row = result.stdout.splitlines()
    assert head.split() == ["id", "scenario", "node", "type", "message", "age", "status"]
    assert row.split()[:4] == [_only_incomplete()[:8], "people", "next", "DataError"]
    assert row.endswith("just now   unresolved") or "unresolved" in row
    assert _advice(result.stderr)[:2] == ["incomplete", "show"]


def test_the_list_is_narrowed_to_a_scenario() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    assert _fusion("incomplete", "list", "--scenario", "other").stdout == (
        "no incomplete executions\n"
    )


def test_an_incomplete_execution_shows_its_reason_place_and_data() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    result = _fusion("incomplete", "show", _only_incomplete()[:6])
    lines = result.stdout.splitlines()
    assert lines[0].startswith("error[E501] module failed")
    assert "people.yaml:14:" in lines[0]
    assert any("DataError: " in line for line in lines[1:5])
    assert '   14 |       variables: {age: "{{ person.age + inputs.years }}"}' in lines
    assert "  person: 2 items" in lines
    assert '    name: "Bob"' in lines
    assert "    age: null" in lines
    assert _advice(result.stdout) == [
        *("incomplete", "edit", _only_incomplete()[:8], "--set", "NODE.ITEM=VALUE")
    ]
    assert lines[-1] == f"then: fusion replay {_only_incomplete()[:8]}"


def test_an_incomplete_execution_as_json_has_its_data() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    told = json.loads(_fusion("incomplete", "show", _only_incomplete(), "--json").stdout)
    assert told["incomplete"]["bundles"]["person"] == {"name": "Bob", "age": None}
    assert told["incomplete"]["source"] == PEOPLE


def test_what_failed_is_edited_and_replayed_and_then_gone() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    short = _only_incomplete()[:8]
    edited = _fusion("incomplete", "edit", short, "--set", "person.age=40")
    assert edited.exit_code == Exit.OK
    assert edited.stdout == f"person.age: 40\nnext: fusion replay {short}\n"
    replayed = _fusion(*_advice(edited.stdout))
    assert replayed.exit_code == Exit.OK
    assert "resolved" in replayed.stdout
    assert not any(line.startswith("person") for line in replayed.stdout.splitlines())
    assert _fusion("incomplete", "list").stdout == "no incomplete executions\n"
    assert json.loads(_fusion("incomplete", "list", "--all", "--json").stdout)["incomplete"]


def test_a_replay_that_fails_again_exits_3_and_keeps_it() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    short = _only_incomplete()[:8]
    result = _fusion("replay", "--all")
    assert result.exit_code == Exit.INCOMPLETE
    assert "failed again: DataError" in result.stdout
    assert _advice(result.stdout) == ["incomplete", "show", short]
    assert _only_incomplete()[:8] == short


def test_replay_as_json_has_every_part() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    told = json.loads(_fusion("replay", "--all", "--json").stdout)
    (one,) = told["replays"]
    assert (told["exit_code"], told["format_version"]) == (3, 1)
    assert one.keys() == {"incomplete", "execution", "saved"}
    assert one["execution"]["kind"] == "dlq"


def test_an_edit_of_an_item_that_is_not_there_is_refused() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    result = _fusion("incomplete", "edit", _only_incomplete(), "--set", "person.ege=40")
    assert result.exit_code == Exit.USAGE
    assert "error[E606]" in result.stderr


def test_an_edit_with_a_file_that_is_not_there_is_refused() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    result = _fusion("incomplete", "edit", _only_incomplete(), "--file", "person.age=no.mov")
    assert result.exit_code == Exit.USAGE
    assert "no.mov" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("incomplete", "show", "ffff0000"),
        ("incomplete", "edit", "ffff0000", "--set", "a.b=1"),
        ("replay", "ffff0000"),
        ("runs", "ffff0000"),
    ],
)
def test_an_id_that_is_not_known_exits_5(words: tuple[str, ...]) -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    result = _fusion(*words)
    assert result.exit_code == Exit.NOT_FOUND
    assert "error[E603]" in result.stderr
    assert "ffff0000" in result.stderr


def test_replaying_all_of_nothing_exits_5() -> None:
    _letters()
    _fusion("run", _write("letters.yaml", FOLDER))
    result = _fusion("replay", "--all")
    assert result.exit_code == Exit.NOT_FOUND
    assert "no incomplete execution waits" in result.stderr


@pytest.mark.parametrize(
    "words", [("runs",), ("incomplete", "list"), ("replay", "--all"), ("replay", "ffff0000")]
)
def test_without_a_store_a_command_says_where_it_looked_and_exits_5(words: tuple[str, ...]) -> None:
    result = _fusion(*words)
    assert result.exit_code == Exit.NOT_FOUND
    assert "error[E604]" in result.stderr
    assert not Path(".fusion").exists()


def test_runs_are_listed_the_latest_first() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    _fusion("replay", "--all")
    head, latest, first = _fusion("runs").stdout.splitlines()
    assert head.split()[:4] == ["id", "scenario", "kind", "status"]
    assert latest.split()[1:4] == ["people", "replay", "warning"]
    assert first.split()[1:4] == ["people", "run", "warning"]
    assert len(_fusion("runs", "--limit", "1").stdout.splitlines()) == 2


def test_one_run_shows_its_nodes_and_what_it_left() -> None:
    _fusion("run", _write("people.yaml", PEOPLE))
    (run,) = json.loads(_fusion("runs", "--json").stdout)["runs"]
    result = _fusion("runs", run["id"][:8])
    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("people: finished with warnings in")
    assert run["id"] in result.stdout
    assert any(line.startswith("next ") for line in result.stdout.splitlines())
    assert _advice(result.stdout) == ["incomplete", "show", _only_incomplete()[:8]]
    told = json.loads(_fusion("runs", run["id"], "--json").stdout)
    assert told.keys() == {"format_version", "run", "incomplete"}


# init


def test_an_example_is_copied_and_its_next_command_names_a_valid_scenario() -> None:
    result = _fusion("init", "mine", "--example", "quickstart")
    assert result.exit_code == Exit.OK
    assert _advice(result.stdout) == ["run", "mine/quickstart.yaml"]
    assert _fusion("validate", "mine/quickstart.yaml").exit_code == Exit.OK


def test_an_example_overwrites_nothing() -> None:
    _fusion("init", "mine")
    Path("mine/quickstart.yaml").write_text("mine", encoding="utf-8")
    result = _fusion("init", "mine")
    assert result.exit_code == Exit.USAGE
    assert Path("mine/quickstart.yaml").read_text(encoding="utf-8") == "mine"


def test_an_unknown_example_lists_those_there_are() -> None:
    result = _fusion("init", "--example", "nothing")
    assert result.exit_code == Exit.USAGE
    assert "quickstart" in result.stderr
