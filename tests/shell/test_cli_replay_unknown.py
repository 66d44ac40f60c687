"""What may have been done already is replayed by who chooses it, never by who chooses all."""

import json
from pathlib import Path

import pytest
from front_door import fusion, write

from engine.cli.exits import Exit

PROBES = str(Path(__file__).parents[1] / "probe_modules")

BILLS = """\
id: bills
settings: {store_incomplete_executions: true}
flow:
  - {id: bill, module: tools.basic_trigger, with: {bundles: [{nr: 1}]}}
  - {id: paid, module: raising.doubt}
"""

LETTERS = """\
id: letters
settings: {store_incomplete_executions: true}
flow:
  - {id: letter, module: tools.basic_trigger, with: {bundles: [{text: null}]}}
  - id: loud
    module: tools.set_variables
    with: {variables: {text: "{{ letter.text * 2 }}"}}
    on_error: [{module: flow.break}]
"""


@pytest.fixture(autouse=True)
def _one_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    run = fusion("run", write("bills.yaml", BILLS), "--modules", PROBES)
    assert run.exit_code == Exit.INCOMPLETE, run.output


def stored(scenario: str) -> str:
    listed = fusion("incomplete", "list", "--scenario", scenario, "--json").stdout
    (found,) = json.loads(listed)["incomplete"]
    return str(found["id"])


def runs_of(scenario: str) -> int:
    """Count the runs of a scenario: each replay is one."""
    listed = json.loads(fusion("runs", "--scenario", scenario, "--json").stdout)["runs"]
    return len(listed)


def test_a_replay_of_all_leaves_out_what_may_have_been_done() -> None:
    fusion("run", write("letters.yaml", LETTERS))
    fusion("incomplete", "edit", stored("letters"), "--set", "letter.text=2")
    in_doubt = stored("bills")

    plan = fusion("replay", "--all", "--plan", "--modules", PROBES)
    result = fusion("replay", "--all", "--modules", PROBES)

    for said in (plan, result):
        assert f"nobody knows whether it was done: {in_doubt[:8]}" in said.stderr
    assert "paid" not in plan.stdout
    assert result.exit_code == Exit.INCOMPLETE
    assert runs_of("bills") == 1
    assert runs_of("letters") == 2
    assert stored("bills") == in_doubt


def test_where_nothing_else_waits_that_is_said_and_nothing_runs() -> None:
    result = fusion("replay", "--all", "--modules", PROBES)

    assert result.exit_code == Exit.INCOMPLETE
    assert "1 incomplete execution not begun" in result.stderr
    assert result.stdout == ""
    assert runs_of("bills") == 1


@pytest.mark.parametrize("choice", ["ID", "--error"])
def test_who_chooses_it_replays_it(choice: str) -> None:
    words = [stored("bills")] if choice == "ID" else [choice, "OutcomeUnknownError"]

    assert fusion("replay", *words, "--modules", PROBES).exit_code == Exit.INCOMPLETE
    assert runs_of("bills") == 2
