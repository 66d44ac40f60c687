"""Looking back at what nodes saw in a run: `fusion runs ID --node` and `fusion eval --run`."""

import json
from pathlib import Path
from typing import Any

import pytest
from front_door import PEOPLE, fusion, letters, write

from engine.app.stored import numbers_kept
from engine.cli.exits import Exit
from engine.model.history import BUNDLE_LIMIT, KeptOperation, Seen

COUNT = """\
name: Numbers
settings: {timezone: Europe/Rome}
inputs:
  factor: {type: number, default: 2}
flow:
  - id: each
    module: flow.repeater
    with: {start: 1, repeats: 100, step: 1}
  - id: product
    module: tools.set_variables
    with: {variables: {value: "{{ each.i * inputs.factor }}"}}
  - id: never
    module: tools.set_variables
    filter: "{{ false }}"
    with: {variables: {value: "{{ product.value }}"}}
"""

FILES = """\
flow:
  - id: letter
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.txt", limit: 10}
  - id: note
    module: tools.set_variables
    with: {variables: {name: "{{ letter.file.name }}"}}
"""

JULY = "parseDate('2026-07-01', 'YYYY-MM-DD')"

LARGE = """\
inputs: {text: {type: text}}
flow:
  - id: start
    module: tools.basic_trigger
    with: {bundles: [{name: Ann}]}
  - id: large
    module: tools.set_variables
    with: {variables: {text: "{{ inputs.text }}"}}
  - id: end
    module: tools.set_variables
    with: {variables: {size: "{{ length(large.text) }}"}}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUSION_STORE", raising=False)


def ran(text: str, *options: str) -> str:
    """Run a scenario and return the beginning of the run's id."""
    fusion("run", write("scenario.yaml", text), *options)
    runs: list[dict[str, Any]] = json.loads(fusion("runs", "--json").stdout)["runs"]
    return str(runs[0]["id"])[:8]


@pytest.mark.parametrize(
    ("expression", "words", "value"),
    [
        ("each.i * inputs.factor", (), "3"),
        ("each.i * inputs.factor", ("--bundle", "4"), "12"),
        ("{{ each.i }} of {{ each.bundle_count }}", ("--bundle", "97"), '"97 of 100"'),
        ("scenario.name", (), '"Numbers"'),
        (f"formatDate({JULY}, 'Z')", (), '"+02:00"'),
        (f"formatDate({JULY}, 'Z')", ("--timezone", "UTC"), '"+00:00"'),
    ],
)
def test_an_expression_sees_what_the_node_saw(
    expression: str, words: tuple[str, ...], value: str
) -> None:
    run = ran(COUNT, "--set", "factor=3")
    result = fusion("eval", expression, "--run", run, "--node", "product", *words)
    assert (result.stdout.strip(), result.exit_code) == (value, Exit.OK)


def test_an_expression_sees_the_run_itself() -> None:
    run = ran(COUNT)
    [found] = json.loads(fusion("runs", "--json").stdout)["runs"]
    words = ("--run", run, "--node", "product", "--json")
    value = json.loads(fusion("eval", "executionID", *words).stdout)["value"]
    assert value == found["id"]
    value = json.loads(fusion("eval", "triggerTimestamp", *words).stdout)["value"]
    assert value["$date"][:19] == found["started_at"][:19]


def test_the_bundle_that_failed_can_be_tried_on() -> None:
    run = ran(PEOPLE)
    words = ("--run", run, "--node", "next", "--bundle", "2")
    assert fusion("eval", "person.name", *words).stdout == '"Bob"\n'
    again = fusion("eval", "person.age + inputs.years", *words)
    assert again.exit_code == Exit.FAILED
    assert "`person.age` is null" in again.stderr


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (("--node", "product", "--bundle", "50"), "bundles 1-10 and 91-100 of 100 are kept", 5),
        (("--node", "each", "--bundle", "2"), "bundle 1 of 1 is kept", 5),
        (("--node", "prodct"), "no node `prodct`; did you mean `product`?", 5),
        (("--node", "never"), "nothing of `never` is kept", 5),
        (("--node", "product", "--bundle", "0"), "a number from 1, not `0`", 2),
        (("--node", "product", "--bundle", "x.json"), "a number from 1, not `x.json`", 2),
        (("--node", "product", "--incomplete", "abcd"), "from --run or from --incomplete", 2),
        ((), "--run and --node go together", 2),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    words: tuple[str, ...], told: str, code: int
) -> None:
    result = fusion("eval", "1", "--run", ran(COUNT), *words)
    assert told in result.stderr
    assert result.exit_code == code


def test_a_node_alone_and_an_unknown_run_are_refused() -> None:
    ran(COUNT)
    assert fusion("eval", "1", "--node", "product").exit_code == Exit.USAGE
    assert fusion("eval", "1", "--run", "ffffffff", "--node", "x").exit_code == Exit.NOT_FOUND
    assert fusion("runs", "--node", "product").exit_code == Exit.USAGE
    result = fusion("eval", "--jsonl", "--run", "ffffffff")
    assert "--jsonl reads everything from standard input" in result.stderr


def test_of_a_confidential_run_nothing_is_kept_and_the_error_says_so() -> None:
    run = ran(COUNT.replace("{timezone", "{data_is_confidential: true, timezone"))
    result = fusion("eval", "each.i", "--run", run, "--node", "product")
    assert result.exit_code == Exit.NOT_FOUND
    assert "`data_is_confidential`" in result.stderr
    assert fusion("runs", run, "--node", "product").exit_code == Exit.NOT_FOUND
    assert "kept" not in fusion("runs", run).stdout


def test_the_nodes_own_output_is_not_among_the_names() -> None:
    result = fusion("eval", "product.value", "--run", ran(COUNT), "--node", "product")
    assert result.exit_code == Exit.USAGE
    assert "the names are what `product` saw, not what it emitted" in result.stderr


def test_a_bundle_that_was_too_large_is_named() -> None:
    run = ran(LARGE, "--set", f"text={'x' * (BUNDLE_LIMIT + 1)}")
    words = ("--run", run, "--node", "end")
    assert fusion("eval", "start.name", *words).stdout == '"Ann"\n'
    result = fusion("eval", "large.text", *words)
    assert "`large` was too large to be kept with the run" in result.stderr
    assert "[0]: too large to be kept" in fusion("runs", run, "--node", "large").stdout
    assert "large: too large to be kept" in fusion("runs", run, "--node", "end").stdout


def test_facts_about_a_file_outlive_its_content() -> None:
    letters("a.txt")
    run = ran(FILES)
    words = ("--run", run, "--node", "note")
    assert not list(Path(".fusion/files").rglob("*/*"))
    assert fusion("eval", "letter.file.name ~ letter.file.size", *words).stdout == '"a.txt5"\n'


def test_a_run_says_which_bundles_are_kept() -> None:
    run = ran(COUNT)
    lines = fusion("runs", run).stdout.splitlines()
    kept = {line.split()[0]: line for line in lines if line.startswith(("each", "product"))}
    assert kept["each"].endswith("1 of 1")
    assert kept["product"].endswith("1-10 and 91-100 of 100")
    assert f"what a node saw: fusion runs {run} --node product" in lines


def test_a_node_is_shown_operation_by_operation() -> None:
    run = ran(PEOPLE)
    blocks = fusion("runs", run, "--node", "next").stdout.split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "next, bundle 1 of 3", "next, bundle 2 of 3", "next, bundle 3 of 3",
    ]  # fmt: skip
    assert 'name: "Ada"' in blocks[0]
    assert "emitted 1 bundle" in blocks[0]
    assert "age: 37" in blocks[0]
    assert "failed: DataError: `+` needs a number" in blocks[1]
    assert "at scenario.yaml:" in blocks[1].replace(f"{Path.cwd()}/", "")
    first = fusion("runs", run, "--node", "person").stdout
    assert "emitted 3 bundles" in first


def test_programs_read_the_operations_too() -> None:
    run = ran(PEOPLE)
    whole = json.loads(fusion("runs", run, "--json").stdout)
    assert list(whole["operations"]) == ["person", "next"]
    node = json.loads(fusion("runs", run, "--node", "next", "--json").stdout)
    assert node["operations"] == {"next": whole["operations"]["next"]}
    first, failed, _ = whole["operations"]["next"]
    assert (first["number"], first["emitted"], first["failure"]) == (1, 1, None)
    assert first["bundles"]["person"]["name"] == "Ada"
    assert first["outputs"] == [{"age": 37}]
    assert (failed["failure"]["type"], failed["outputs"]) == ("DataError", [])


def test_a_run_without_history_has_no_operations() -> None:
    letters("a.txt")
    ran(FILES)
    run = ran(FILES)
    assert json.loads(fusion("runs", run, "--json").stdout)["operations"] == {}
    assert fusion("runs", run, "--node", "note").exit_code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([1], "1 of 1"),
        ([1, 2, 3], "1-3 of 3"),
        ([1, 2, 5, 8, 9], "1-2, 5 and 8-9 of 9"),
        ([1, 3, 5, 7, 9, 11, 20, 21], "1, 3, 5, 7, … and 20-21 of 21"),
    ],
)
def test_numbers_are_told_in_rows(numbers: list[int], text: str) -> None:
    assert numbers_kept(KeptOperation(number, Seen({})) for number in numbers) == text


def test_the_operator_settles_how_many_operations_are_remembered() -> None:
    Path(".fusion").mkdir(mode=0o700)
    write(".fusion/config.yaml", "history: {first: 2, last: 1, failures: 1, runs: 1}\n")
    write("count.yaml", COUNT)
    for _ in range(2):
        fusion("run", "count.yaml")
    newest, oldest = json.loads(fusion("runs", "--json").output)["runs"]
    shown = json.loads(fusion("runs", newest["id"], "--node", "product", "--json").output)
    assert [one["number"] for one in shown["operations"]["product"]] == [1, 2, 100]
    gone = fusion("runs", oldest["id"], "--node", "product")
    assert gone.exit_code == Exit.NOT_FOUND


def test_the_fields_of_an_operation_are_shown_as_they_were_mapped() -> None:
    write("count.yaml", COUNT)
    fusion("run", "count.yaml", "--set", "factor=3")
    run = json.loads(fusion("runs", "--json").output)["runs"][0]["id"]
    shown = json.loads(fusion("runs", run, "--node", "product", "--json").output)
    assert shown["operations"]["product"][1]["fields"] == {"variables": {"value": 6}}
    assert "  fields" in fusion("runs", run, "--node", "product").output.splitlines()


def test_fields_that_cannot_be_mapped_are_left_out() -> None:
    run = ran(PEOPLE)
    shown = json.loads(fusion("runs", run, "--node", "next", "--json").output)
    each = [one["fields"] for one in shown["operations"]["next"]]
    assert each == [{"variables": {"age": 37}}, None, {"variables": {"age": 8}}]
