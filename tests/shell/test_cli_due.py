"""What is due is retried: by the next run, and by `fusion replay --due`."""

import json
import sqlite3
from pathlib import Path

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_STORE", "FUSION_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


BREAKS = """\
settings: {store_incomplete_executions: true}
flow:
  - id: word
    module: tools.basic_trigger
    with: {bundles: [{word: one, folder: out}, {word: two, folder: out}]}
  - id: save
    module: files.save_file
    with: {folder: "{{ word.folder }}", file: {name: "{{ word.word }}.txt", data: x}}
    on_error:
      - module: flow.break
        with: {automatically_complete: true, attempts: 2, interval: 15}
"""
"""Fails while `out` is a file."""


def broken() -> None:
    """Run the scenario while its folder cannot be made."""
    Path("out").write_text("in the way")
    assert fusion("run", write("breaks.yaml", BREAKS)).exit_code == Exit.INCOMPLETE


def mended() -> None:
    Path("out").unlink()


def pass_time(minutes: int) -> None:
    """Let everything in the store be due so much earlier."""
    with sqlite3.connect(".fusion/store.db") as db:
        db.execute("UPDATE incompletes SET due_at = due_at - ?", (minutes * 60_000_000,))
    db.close()


def stored() -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(fusion("incomplete", "list", "--json").stdout)[
        "incomplete"
    ]
    return found


def test_the_summary_says_when_the_next_attempt_is_due_and_who_makes_it() -> None:
    Path("out").write_text("in the way")
    result = fusion("run", write("breaks.yaml", BREAKS))
    assert "next attempt in 15 min: by the next run, by `fusion serve`, or by fusion replay" in (
        result.stdout
    )
    told = json.loads(fusion("run", "breaks.yaml", "--json").stdout)
    assert told["next_due_at"] is not None


def test_what_is_not_due_is_left_alone() -> None:
    broken()
    mended()
    pass_time(14)
    result = fusion("replay", "--due")
    assert (result.exit_code, result.stdout) == (Exit.OK, "nothing is due\n")
    assert "the next attempt is due in" in result.stderr
    assert len(stored()) == 2
    assert not Path("out").exists()


def test_what_is_due_is_retried_for_cron_users() -> None:
    broken()
    mended()
    pass_time(15)
    result = fusion("replay", "--due")
    assert result.exit_code == Exit.OK
    assert result.stdout.count("resolved") == 2
    assert {path.name for path in Path("out").iterdir()} == {"one.txt", "two.txt"}
    assert stored() == []
    again = fusion("replay", "--due")
    assert (again.exit_code, again.stdout) == (Exit.OK, "nothing is due\n")
    assert "no retry is pending" in again.stderr


def test_a_retry_that_fails_waits_for_its_next_turn_and_after_the_last_for_a_person() -> None:
    broken()
    pass_time(15)
    result = fusion("replay", "--due")
    assert result.exit_code == Exit.INCOMPLETE
    assert "failed again" in result.stdout
    assert [(one["attempts"], one["status"]) for one in stored()] == [(1, "pending")] * 2
    assert fusion("replay", "--due").stdout == "nothing is due\n"
    pass_time(15)
    fusion("replay", "--due")
    assert [(one["attempts"], one["status"]) for one in stored()] == [(2, "unresolved")] * 2
    pass_time(60)
    assert fusion("replay", "--due").stdout == "nothing is due\n"


def test_a_run_retries_what_is_due_before_its_trigger() -> None:
    broken()
    mended()
    pass_time(15)
    result = fusion("run", "breaks.yaml")
    lines = result.stderr.splitlines()
    assert [line.split(" ", 1)[0] for line in lines if "(`save`): resolved" in line] == (
        ["retried"] * 2
    )
    assert result.exit_code == Exit.OK
    assert stored() == []


def test_a_sequential_scenario_runs_again_once_its_retries_have_resolved_all() -> None:
    write("breaks.yaml", BREAKS.replace("{store", "{sequential_processing: true, store"))
    Path("out").write_text("in the way")
    assert fusion("run", "breaks.yaml").exit_code == Exit.INCOMPLETE
    assert "processes sequentially" in fusion("run", "breaks.yaml").stderr
    mended()
    pass_time(15)
    result = fusion("run", "breaks.yaml")
    assert "processes sequentially" not in result.stderr
    assert result.stderr.count("(`save`): resolved") == 2


def test_a_retry_runs_the_scenario_as_it_was() -> None:
    broken()
    mended()
    write("breaks.yaml", BREAKS.replace(".txt", ".new"))
    pass_time(15)
    assert fusion("replay", "--due").exit_code == Exit.OK
    assert {path.name for path in Path("out").iterdir()} == {"one.txt", "two.txt"}


@pytest.mark.parametrize(
    "words", [("--due", "--all"), ("--due", "3f2a91c0"), ("--due", "--current"), ()]
)
def test_due_is_one_choice_of_several(words: tuple[str, ...]) -> None:
    assert fusion("replay", *words).exit_code == Exit.USAGE
