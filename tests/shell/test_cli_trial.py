"""Trials: `fusion run` with --from, --until, --dry-run and --step, and --watch."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from front_door import FOLDER, fusion, letters, write

from engine.cli.exits import Exit
from engine.cli.main import cli

SHOP = """\
settings: {store_incomplete_executions: true}
flow:
  - id: order
    module: tools.basic_trigger
    with: {bundles: [{nr: 1, total: 5}, {nr: 2, total: null}, {nr: 3, total: 70}]}
  - id: tax
    module: tools.set_variables
    with: {variables: {sum: "{{ order.total + 1 }}"}}
    on_error:
      - {id: why, module: tools.set_variables, with: {variables: {x: 1}}}
      - module: flow.break
  - id: size
    module: flow.router
    routes:
      - name: large
        filter: "{{ tax.sum >= 50 }}"
        flow:
          - id: note
            module: tools.set_variables
            with: {variables: {text: "large {{ order.nr }}"}}
          - id: save
            module: files.save_file
            with: {folder: out, file: {name: "{{ order.nr }}.txt", data: "{{ note.text }}"}}
      - fallback: true
        flow:
          - id: small
            module: tools.set_variables
            with: {variables: {text: small}}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)
    write("shop.yaml", SHOP)


def tried(*words: str) -> dict[str, Any]:
    ran = fusion("run", "shop.yaml", *words, "--json")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def operations(found: dict[str, Any]) -> dict[str, int]:
    nodes = found["execution"]["nodes"]
    return {name: count["operations"] for name, count in nodes.items() if count["operations"]}


def answering(keys: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["run", "shop.yaml", "--step", *words], input=keys)


def test_nothing_runs_behind_the_node_that_is_named() -> None:
    assert operations(tried("--until", "tax")) == {"order": 1, "tax": 2, "why": 1}


def test_only_the_routes_that_lead_to_it_are_taken() -> None:
    assert operations(tried("--until", "note")) == {"order": 1, "tax": 2, "why": 1, "note": 1}
    assert not Path("out").exists()


def test_a_trial_stores_no_failure_and_tells_it() -> None:
    found = tried("--until", "tax")
    assert (found["exit_code"], len(found["failed"])) == (Exit.FAILED, 1)
    assert json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"] == []
    told = fusion("run", "shop.yaml", "--until", "tax").stderr
    assert "not stored as an incomplete execution" in told


def test_a_trial_is_remembered_as_one_and_can_be_looked_at() -> None:
    tried("--until", "tax")
    [run] = json.loads(fusion("runs", "--json").stdout)["runs"]
    assert run["kind"] == "trial"
    assert fusion("runs", run["id"], "--node", "tax").exit_code == Exit.OK


def test_the_trigger_of_a_trial_stays_where_it_was() -> None:
    letters("a.txt")
    write("mail.yaml", FOLDER)
    for _ in range(2):
        assert "1 file in outbox" in fusion("run", "mail.yaml", "--until", "save").stdout
        Path("outbox/a.txt").unlink()
    assert "1 file in outbox" in fusion("run", "mail.yaml").stdout


def test_a_dry_run_does_all_but_what_changes_something_outside() -> None:
    ran = fusion("run", "shop.yaml", "--dry-run")
    assert "save would run files.save_file now" in ran.stderr
    assert not Path("out").exists()
    assert "small" in ran.stdout


def test_a_run_can_begin_at_a_node_with_what_it_saw_in_the_latest_run_that_reached_it() -> None:
    fusion("run", "shop.yaml")
    Path("out/3.txt").unlink()
    tried("--until", "order")
    found = tried("--from", "note")
    assert operations(found) == {"note": 1, "save": 1}
    assert Path("out/3.txt").read_text() == "large 3"


def test_a_run_and_a_bundle_can_be_named() -> None:
    fusion("run", "shop.yaml")
    [run] = json.loads(fusion("runs", "--json").stdout)["runs"]
    found = tried("--from", "tax", "--run", run["id"], "--bundle", "3", "--until", "note")
    assert operations(found) == {"tax": 1, "note": 1}


def test_what_a_node_sees_can_be_given() -> None:
    write("given.json", '{"order": {"nr": 9}, "tax": {"sum": 60}}')
    found = tried("--from", "size", "--input", "given.json")
    assert operations(found) == {"note": 1, "save": 1}
    assert Path("out/9.txt").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--until", "nte"), Exit.NOT_FOUND, "did you mean `note`?"),
        (("--from", "nte"), Exit.NOT_FOUND, "did you mean `note`?"),
        (("--until", "why"), Exit.USAGE, "stands on an error route"),
        (("--from", "note"), Exit.NOT_FOUND, "--input FILE"),
        (("--from", "size"), Exit.USAGE, "begin behind it: note, small"),
        (("--run", "ab12"), Exit.USAGE, "--run goes with --from"),
        (("--until", "tax", "--reset-trigger"), Exit.USAGE, "does not go with a trial"),
        (("--from", "size", "--input", "wrong.json"), Exit.USAGE, "bundles by node"),
    ],
)
def test_what_cannot_be_tried_is_told(words: tuple[str, ...], code: Exit, said: str) -> None:
    write("wrong.json", '{"nobody": {}}')
    ran = fusion("run", "shop.yaml", *words)
    assert (ran.exit_code, said in ran.output.replace("\n   ", " ")) == (code, True), ran.output


def test_each_step_shows_its_fields_and_waits_for_an_answer() -> None:
    ran = answering("\n\n\nc\n")
    steps = [line for line in ran.stderr.splitlines() if line[:1].isdigit()]
    assert [step.split()[1] for step in steps] == ["order", "tax", "small", "why"]
    assert "     sum: 6" in ran.stderr
    assert Path("out/3.txt").exists()


@pytest.mark.parametrize("keys", ["\n\nq\n", "\n\n"], ids=["q", "end of input"])
def test_a_trial_can_be_stopped_between_two_steps(keys: str) -> None:
    ran = answering(keys)
    assert ran.exit_code == Exit.INTERRUPTED
    assert not Path("out").exists()


def test_watch_runs_again_after_a_change_and_ends_with_ctrl_c() -> None:
    fusion_here = [sys.executable, "-m", "engine", "run", "shop.yaml", "--until", "tax", "--watch"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        fusion_here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("waiting for a change" in line for line in lines)
        write("shop.yaml", SHOP.replace("order.total + 1", "order.totl + 1"))
        assert any("shop.yaml has changed" in line for line in lines)
        assert any("waiting for a change" in line for line in lines)
        write("shop.yaml", "flow: []\n")
        assert any("error[E112]" in line for line in lines)
        assert any("waiting for a change" in line for line in lines)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == Exit.INTERRUPTED
