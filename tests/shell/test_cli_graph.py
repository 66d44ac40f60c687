"""`fusion graph`: pictures on stdout and in files, and of runs."""

import json
from pathlib import Path

import pytest
from front_door import PEOPLE, fusion, write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_id() -> str:
    return str(json.loads(fusion("runs", "--json").stdout)["runs"][0]["id"])


def test_a_picture_is_a_tree_of_text_unless_something_else_is_asked_for() -> None:
    name = write("people.yaml", PEOPLE)

    shown = fusion("graph", name).stdout
    assert shown == fusion("graph", name, "--format", "text").stdout
    assert "\n└─ next · tools.set_variables\n" in shown
    assert fusion("graph", name, "--format", "mermaid").stdout.startswith("flowchart LR\n")
    assert fusion("graph", name, "--format", "svg").stdout.startswith("<svg ")
    assert fusion("graph", name, "--format", "dot").stdout.startswith("digraph ")


@pytest.mark.parametrize(
    ("file", "start"),
    [
        ("a.svg", "<svg "),
        ("a.MMD", "flowchart"),
        ("a.dot", "digraph"),
        ("a.gv", "digraph"),
        ("a.txt", "Birthdays"),
    ],
)
def test_the_end_of_a_files_name_says_its_language(file: str, start: str) -> None:
    result = fusion("graph", write("people.yaml", PEOPLE), "-o", file)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert f"drawn: {file}" in result.stderr
    assert Path(file).read_text(encoding="utf-8").startswith(start)


def test_a_file_of_another_kind_needs_a_format() -> None:
    name = write("people.yaml", PEOPLE)

    refused = fusion("graph", name, "-o", "a.png")
    assert refused.exit_code == 2
    assert "end the file's name in one of .svg, .mmd" in refused.stderr
    assert not Path("a.png").exists()
    assert fusion("graph", name, "-o", "a.doc", "--format", "dot").exit_code == 0


@pytest.mark.parametrize("target", ["missing/a.svg", "."])
def test_a_file_that_cannot_be_written_is_told(target: str) -> None:
    result = fusion("graph", write("people.yaml", PEOPLE), "--format", "svg", "-o", target)

    assert result.exit_code == 2
    assert f"cannot write {target}" in result.stderr


def test_a_file_that_is_there_is_replaced_whole_and_nothing_else_is_left() -> None:
    name = write("people.yaml", PEOPLE)
    Path("a.svg").write_text("x" * 100_000)

    fusion("graph", name, "-o", "a.svg")

    assert Path("a.svg").read_text().endswith("</svg>\n")
    assert sorted(path.name for path in Path().iterdir()) == ["a.svg", "people.yaml"]


def test_a_run_is_drawn_with_its_counts() -> None:
    name = write("people.yaml", PEOPLE)
    fusion("run", name)

    result = fusion("graph", name, "--run", run_id()[:8], "--format", "mermaid")

    assert "tools.set_variables<br/>2 ops, 2 bundles, 1 failed" in result.stdout
    assert result.stderr == ""
    tree = fusion("graph", name, "--run", run_id()[:8]).stdout
    assert "next · tools.set_variables  [2 ops, 2 bundles, 1 failed]" in tree


def test_a_run_is_drawn_as_it_ran_when_the_scenario_has_changed() -> None:
    name = write("people.yaml", PEOPLE)
    fusion("run", name)
    write(name, PEOPLE.replace("id: next", "id: later"))

    result = fusion("graph", name, "--run", run_id())

    assert "next · tools.set_variables" in result.stdout
    assert "later" not in result.stdout
    assert "people.yaml has changed since" in result.stderr


def test_a_run_of_another_scenario_is_refused() -> None:
    write("people.yaml", PEOPLE)
    fusion("run", "people.yaml")

    result = fusion("graph", write("others.yaml", PEOPLE), "--run", run_id())

    assert result.exit_code == 2
    assert "is a run of `people`, not of `others`" in result.stderr


def test_a_run_that_is_not_there_is_told() -> None:
    name = write("people.yaml", PEOPLE)
    fusion("run", name)

    assert fusion("graph", name, "--run", "ffffffff").exit_code == 5
