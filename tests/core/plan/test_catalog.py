"""Connectors by entry point and by folder, and what happens to those that do not load."""

import sys
from pathlib import Path

import pytest

from engine.errors import Problem, ScenarioError
from engine.module import Module
from engine.plan.catalog import Catalog

SHOUT = """
from engine.module import Bundle, Fields, Module

class Nothing(Fields):
    pass

class Shout(Module[Nothing, Bundle]):
    "Shout."
    id = "%s"

    def execute(self, fields, ctx):
        return []
"""


def refused(folder: Path, name: str, text: str) -> Problem:
    (folder / name).write_text(text)
    with pytest.raises(ScenarioError) as caught:
        Catalog([folder])
    (problem,) = caught.value.problems
    assert problem.code == "E140"
    return problem


def test_installed_connectors_are_found_and_imported_only_when_asked_for() -> None:
    catalog = Catalog()

    assert {"cloudconvert", "files", "tools"} <= set(catalog.names())
    assert issubclass(catalog.module("files.save_file"), Module)
    assert catalog.module("files.save_file") is catalog.module("files.save_file")


def test_a_persons_module_needs_only_its_class(tmp_path: Path) -> None:
    (tmp_path / "shouting.py").write_text(SHOUT % "voice.shout")
    (tmp_path / "_private.py").write_text("raise RuntimeError")

    catalog = Catalog([tmp_path])

    assert catalog.module("voice.shout").id == "voice.shout"
    assert catalog.connector("voice").modules == {"shout": "user_modules.shouting:Shout"}
    assert "voice.shout" in catalog.module_ids()
    assert catalog.near_module("voice.shuot") == "voice.shout"
    assert str(tmp_path) not in sys.path


def test_unknown_names_are_key_errors() -> None:
    catalog = Catalog()

    for name in ("nowhere.at_all", "files.nothing", "files", ""):
        with pytest.raises(KeyError):
            catalog.module(name)


def test_a_file_that_fails_says_why_and_where(tmp_path: Path) -> None:
    problem = refused(tmp_path, "bad.py", "import json\n\njson.loads('{')\n")

    assert "JSONDecodeError" in problem.message
    assert problem.place is not None
    assert problem.place.line == 3


def test_a_file_with_a_syntax_error_says_where(tmp_path: Path) -> None:
    problem = refused(tmp_path, "bad.py", "x = 1\ny = = 2\n")

    assert problem.place is not None
    assert (problem.place.line, problem.place.column) == (2, 5)


def test_a_file_without_a_module_is_refused(tmp_path: Path) -> None:
    assert "neither" in refused(tmp_path, "empty.py", "x = 1\n").message


def test_an_id_needs_a_connector_and_a_name(tmp_path: Path) -> None:
    assert "connector.verb_noun" in refused(tmp_path, "bad.py", SHOUT % "shout").message


def test_a_module_without_execute_is_refused(tmp_path: Path) -> None:
    text = (SHOUT % "voice.shout").replace("def execute", "def perform")

    assert "no `execute`" in refused(tmp_path, "bad.py", text).message


@pytest.mark.parametrize("prefix", ["flow", "files"])
def test_a_name_that_is_taken_is_refused(tmp_path: Path, prefix: str) -> None:
    assert f"`{prefix}`" in refused(tmp_path, "bad.py", SHOUT % f"{prefix}.shout").message


def test_two_files_with_one_connector_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(SHOUT % "voice.shout")

    assert "already" in refused(tmp_path, "b.py", SHOUT % "voice.sing").message


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such folder"):
        Catalog([tmp_path / "none"])


def test_a_module_that_does_not_import_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text(
        "from engine.module import Connector\n"
        "connector = Connector('lost', 'Lost', {'go': 'no_such_package_here.go:Go'})\n"
    )

    with pytest.raises(ScenarioError, match="cannot be imported"):
        Catalog([tmp_path]).module("lost.go")
