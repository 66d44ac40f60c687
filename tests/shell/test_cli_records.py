"""Incomplete executions in numbers: filtered, grouped, paged, deleted, resolved."""

import json
from pathlib import Path

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit

MANY = """\
settings: {store_incomplete_executions: true}
flow:
  - id: person
    module: tools.basic_trigger
    with:
      bundles:
        - {name: Ada, age: null}
        - {name: Bob, age: null}
        - {name: Cy, age: seven}
  - id: next
    module: tools.set_variables
    with:
      variables: {age: "{{ person.age * 2 }}"}
    on_error: [{module: flow.break}]
"""


@pytest.fixture(autouse=True)
def _three_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    assert fusion("run", write("many.yaml", MANY)).exit_code == Exit.INCOMPLETE


def names(*words: str) -> list[str]:
    listed = json.loads(fusion("incomplete", "list", *words, "--json").stdout)["incomplete"]
    return [one["bundle"] for one in listed]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--node", "next"), ["Ada", "Bob", "Cy"]),
        (("--node", "person"), []),
        (("--error", "DataError", "--text", "SEVEN"), ["Cy"]),
        (("--text", "b"), ["Bob"]),
        (("--newer-than", "1h"), ["Ada", "Bob", "Cy"]),
        (("--older-than", "1h"), []),
        (("--status", "unresolved", "--status", "pending"), ["Ada", "Bob", "Cy"]),
        (("--status", "in-progress"), []),
    ],
)
def test_the_list_is_narrowed(words: tuple[str, ...], found: list[str]) -> None:
    assert names(*words) == found


def test_an_age_that_is_none_is_refused() -> None:
    result = fusion("incomplete", "list", "--older-than", "7")
    assert result.exit_code == Exit.USAGE
    assert "should be a length of time" in result.stderr


def test_pages_of_the_list_follow_each_other() -> None:
    first = json.loads(fusion("incomplete", "list", "--limit", "2", "--json").stdout)
    assert (first["count"], len(first["incomplete"])) == (3, 2)
    assert names("--after", first["next"]) == ["Cy"]
    result = fusion("incomplete", "list", "--limit", "2")
    assert "2 of 3 incomplete executions" in result.stderr
    assert f"--after {first['next'][:8]}" in result.stderr


def test_what_failed_alike_is_one_line_whose_cause_selects_it() -> None:
    result = fusion("incomplete", "list", "--group")
    _, most, least = result.stdout.splitlines()
    assert (most.split()[1], least.split()[1]) == ("2", "1")
    assert names("--cause", most.split()[0]) == ["Ada", "Bob"]
    told = json.loads(fusion("incomplete", "list", "--group", "--json").stdout)
    assert [one["count"] for one in told["causes"]] == [2, 1]
    assert f"then: fusion replay --cause {most.split()[0]}" in result.stderr


def test_deleting_by_a_filter_asks_first_and_deletes_no_other() -> None:
    asked = fusion("incomplete", "delete", "--text", "ada")
    assert asked.exit_code == Exit.USAGE
    assert "--yes" in asked.stderr
    assert names() == ["Ada", "Bob", "Cy"]
    assert fusion("incomplete", "delete", "--text", "ada", "--yes").exit_code == Exit.OK
    assert names() == ["Bob", "Cy"]


def test_one_that_is_named_is_deleted_without_a_question() -> None:
    (one,) = json.loads(fusion("incomplete", "list", "--text", "Cy", "--json").stdout)["incomplete"]
    result = fusion("incomplete", "delete", one["id"][:8], "--json")
    assert json.loads(result.stdout)["deleted"] == [one["id"]]
    assert names() == ["Ada", "Bob"]


def test_what_is_resolved_is_listed_with_all_only() -> None:
    assert fusion("incomplete", "resolve", "--all", "--yes").exit_code == Exit.OK
    assert names() == []
    assert names("--all") == ["Ada", "Bob", "Cy"]
    assert fusion("replay", "--all").exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize("command", ["delete", "resolve"])
def test_a_bulk_change_is_never_a_silent_nothing(command: str) -> None:
    assert fusion("incomplete", command, "--scenario", "x", "--yes").exit_code == Exit.NOT_FOUND
    assert fusion("incomplete", command, "--yes").exit_code == Exit.USAGE
    assert fusion("incomplete", command, "ffff0000").exit_code == Exit.NOT_FOUND
    assert fusion("incomplete", command, "ffff0000", "--text", "x").exit_code == Exit.USAGE


def test_the_help_of_resolve_says_what_fusion_means_by_it() -> None:
    text = " ".join(fusion("incomplete", "resolve", "--help").stdout.split())
    assert "What Fusion calls Resolve runs them: that is `fusion replay` here" in text
