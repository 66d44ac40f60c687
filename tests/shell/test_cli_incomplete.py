"""What failed is listed, shown, edited and replayed; runs are listed."""

import json
from pathlib import Path

import pytest
from front_door import FOLDER, PEOPLE, advice, fusion, letters, only_incomplete, write

from engine.cli.exits import Exit

PROBES = str(Path(__file__).parents[1] / "probe_modules")


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder, with nothing of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def test_the_list_of_incomplete_executions_has_the_reason_of_each() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion("incomplete", "list")
    head, row = result.stdout.splitlines()
    assert head.split() == ["id", "scenario", "node", "bundle", "type", "message", "age", "status"]
    assert row.split()[:3] == [only_incomplete()[:8], "people", "next"]
    assert "DataError" in row
    assert row.endswith("just now   unresolved") or "unresolved" in row
    assert advice(result.stderr)[:2] == ["incomplete", "show"]


def test_the_list_is_narrowed_to_a_scenario() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    assert fusion("incomplete", "list", "--scenario", "other").stdout == (
        "no incomplete executions\n"
    )


def test_an_incomplete_execution_shows_its_reason_place_and_data() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion("incomplete", "show", only_incomplete()[:6])
    lines = result.stdout.splitlines()
    assert lines[0].startswith("error[E501] module failed")
    assert "people.yaml:14:" in lines[0]
    assert any("DataError: " in line for line in lines[1:5])
    assert '   14 |       variables: {age: "{{ person.age + inputs.years }}"}' in lines
    assert "  person: 2 items" in lines
    assert '    name: "Bob"' in lines
    assert "    age: null" in lines
    assert advice(result.stdout) == [
        *("incomplete", "edit", only_incomplete()[:8], "--set", "NODE.ITEM=VALUE")
    ]
    assert lines[-1] == f"then: fusion replay {only_incomplete()[:8]}"


def test_where_the_outcome_is_unknown_a_person_is_told_to_look_first() -> None:
    flow = "[{id: came, module: bell.ring}, {module: raising.doubt}]"
    words = ("--input", write("one.json", "{}"), "--modules", PROBES)
    fusion("run", write("bills.yaml", f"flow: {flow}\n"), *words)
    lines = fusion("incomplete", "show", only_incomplete()).stdout.splitlines()
    assert "outcome    unknown: it may have been done, so nothing repeats it by itself" in lines
    assert lines[-2:] == [
        f"if it was done: fusion incomplete resolve {only_incomplete()[:8]}",
        f"if it was not:  fusion replay {only_incomplete()[:8]}",
    ]


def test_an_incomplete_execution_as_json_has_its_data() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    told = json.loads(fusion("incomplete", "show", only_incomplete(), "--json").stdout)
    assert told["incomplete"]["bundles"]["person"] == {"name": "Bob", "age": None}
    assert told["incomplete"]["source"] == PEOPLE


def test_what_failed_is_edited_and_replayed_and_then_gone() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    short = only_incomplete()[:8]
    edited = fusion("incomplete", "edit", short, "--set", "person.age=40")
    assert edited.exit_code == Exit.OK
    assert edited.stdout == f"person.age: 40\nnext: fusion replay {short}\n"
    replayed = fusion(*advice(edited.stdout))
    assert replayed.exit_code == Exit.OK
    assert "resolved" in replayed.stdout
    assert not any(line.startswith("person") for line in replayed.stdout.splitlines())
    assert fusion("incomplete", "list").stdout == "no incomplete executions\n"
    assert json.loads(fusion("incomplete", "list", "--all", "--json").stdout)["incomplete"]


def test_a_replay_that_fails_again_exits_3_and_keeps_it() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    short = only_incomplete()[:8]
    result = fusion("replay", "--all")
    assert result.exit_code == Exit.INCOMPLETE
    assert "failed again: DataError" in result.stdout
    assert advice(result.stdout) == ["incomplete", "show", short]
    assert only_incomplete()[:8] == short


def test_replay_as_json_has_every_part() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    told = json.loads(fusion("replay", "--all", "--json").stdout)
    (one,) = told["replays"]
    assert (told["exit_code"], told["format_version"]) == (3, 1)
    assert one.keys() == {"incomplete", "execution", "saved", "refusal"}
    assert one["execution"]["kind"] == "dlq"


def test_an_edit_of_an_item_that_is_not_there_is_refused() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion("incomplete", "edit", only_incomplete(), "--set", "person.ege=40")
    assert result.exit_code == Exit.USAGE
    assert "error[E606]" in result.stderr


def test_an_edit_with_a_file_that_is_not_there_is_refused() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion("incomplete", "edit", only_incomplete(), "--file", "person.age=no.mov")
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
    fusion("run", write("people.yaml", PEOPLE))
    result = fusion(*words)
    assert result.exit_code == Exit.NOT_FOUND
    assert "error[E603]" in result.stderr
    assert "ffff0000" in result.stderr


def test_replaying_all_of_nothing_exits_5() -> None:
    letters()
    fusion("run", write("letters.yaml", FOLDER))
    result = fusion("replay", "--all")
    assert result.exit_code == Exit.NOT_FOUND
    assert "no incomplete execution is selected" in result.stderr


@pytest.mark.parametrize(
    "words", [("runs",), ("incomplete", "list"), ("replay", "--all"), ("replay", "ffff0000")]
)
def test_without_a_store_a_command_says_where_it_looked_and_exits_5(words: tuple[str, ...]) -> None:
    result = fusion(*words)
    assert result.exit_code == Exit.NOT_FOUND
    assert "error[E604]" in result.stderr
    assert not Path(".fusion").exists()


def test_runs_are_listed_the_latest_first() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    fusion("replay", "--all")
    head, latest, first = fusion("runs").stdout.splitlines()
    assert head.split()[:4] == ["id", "scenario", "kind", "status"]
    assert latest.split()[1:4] == ["people", "replay", "warning"]
    assert first.split()[1:4] == ["people", "run", "warning"]
    assert len(fusion("runs", "--limit", "1").stdout.splitlines()) == 2


def test_one_run_shows_its_nodes_and_what_it_left() -> None:
    fusion("run", write("people.yaml", PEOPLE))
    (run,) = json.loads(fusion("runs", "--json").stdout)["runs"]
    result = fusion("runs", run["id"][:8])
    assert result.exit_code == Exit.OK
    assert result.stdout.startswith("people: finished with warnings in")
    assert run["id"] in result.stdout
    assert any(line.startswith("next ") for line in result.stdout.splitlines())
    assert advice(result.stdout) == ["incomplete", "show", only_incomplete()[:8]]
    told = json.loads(fusion("runs", run["id"], "--json").stdout)
    assert told.keys() == {"format_version", "run", "incomplete", "operations", "goes_on"}
