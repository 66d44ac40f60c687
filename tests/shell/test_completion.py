"""Completion of commands, ids and names: in a real bash, and what is offered where."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from front_door import PEOPLE, fusion, only_incomplete, write

from engine.cli.main import cli

TAB = r"""
eval "$(fusion completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
complete -p fusion > /dev/null
_fusion_completion fusion
printf '%s\n' "${COMPREPLY[@]}"
"""
"""Does in bash what the Tab key does, for the words that are given; the last one is typed."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tab(*words: str) -> list[str]:
    """Press Tab in bash."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "--norc", "-c", TAB, "bash", "fusion", *words],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


def offered(*words: str) -> list[str]:
    """Return what is offered for the last of the words, in this process."""
    completion = ShellComplete(cli, {}, "fusion", "_FUSION_COMPLETE")
    return [one.value for one in completion.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.needs("bash")
def test_bash_completes_commands_options_and_names() -> None:
    assert tab("val") == ["validate"]
    assert tab("runs", "--rep") == ["--report"]
    assert tab("modules", "files.") == ["files.get_file", "files.save_file", "files.watch_folder"]
    assert tab("completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.needs("bash")
def test_bash_completes_ids_of_the_store() -> None:
    fusion("run", write("people.yaml", PEOPLE))

    assert tab("incomplete", "show", "") == [only_incomplete()[:8]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_text(shell: str) -> None:
    result = fusion("completion", shell)

    assert result.exit_code == 0
    assert "_FUSION_COMPLETE" in result.stdout
    assert f"{shell}_complete" in result.stdout


def test_another_shell_is_refused() -> None:
    assert fusion("completion", "tcsh").exit_code == 2


@pytest.fixture
def ran() -> str:
    """Run twice; return the id of the latest run."""
    for _ in range(2):
        fusion("run", write("people.yaml", PEOPLE))
    return str(json.loads(fusion("runs", "--json").stdout)["runs"][0]["id"])


def test_ids_are_offered_short_and_the_latest_first(ran: str) -> None:
    for words in (("runs", ""), ("graph", "people.yaml", "--run", ""), ("why", "--run", "")):
        assert offered(*words)[0] == ran[:8]
        assert len(offered(*words)) == 2
    assert offered("runs", ran[:3])[0] == ran[:8]
    assert offered("runs", ran[:12]) == [ran]
    assert offered("eval", "--run", "zzz") == []
    assert len(offered("replay", "")) == 2


def test_nodes_are_those_of_the_run_that_was_typed(ran: str) -> None:
    write("other.yaml", PEOPLE.replace("id: next", "id: later"))
    fusion("run", "other.yaml")

    assert "later" in offered("runs", "--node", "")
    assert "next" in offered("runs", ran, "--node", "")
    assert "later" not in offered("runs", ran, "--node", "")


def test_names_of_scenarios_functions_and_examples_are_offered(ran: str) -> None:
    assert offered("activate", "") == ["people"]
    assert "formatDate" in offered("functions", "form")
    assert "quickstart" in offered("init", "--example", "q")
    assert "flow.router" in offered("modules", "flow.")


def test_own_modules_are_offered() -> None:
    Path("tabbed").mkdir()
    code = (
        "from engine.module import Bundle, Context, Fields, Module\n"
        "class Put(Module[Fields, Bundle]):\n"
        "    id = 'own.put'\n"
        "    def execute(self, fields: Fields, ctx: Context) -> list[Bundle]:\n"
        "        return []\n"
    )
    write("tabbed/put.py", code)

    assert offered("modules", "--modules", "tabbed", "own.") == ["own.put"]


def test_where_there_is_no_store_or_a_broken_one_nothing_is_offered_or_made() -> None:
    assert offered("runs", "") == []
    assert not Path(".fusion").exists()
    Path(".fusion").mkdir()
    assert offered("runs", "") == []
    write(".fusion/store.db", "no store")
    assert offered("runs", "") == []
    assert [path.name for path in Path(".fusion").iterdir()] == ["store.db"]


def test_a_glance_leaves_the_store_as_it_was(ran: str) -> None:
    def files() -> dict[str, bytes]:
        return {
            path.name: path.read_bytes() for path in Path(".fusion").iterdir() if path.is_file()
        }

    before = files()
    assert offered("runs", "") != []
    assert files() == before


def test_a_name_that_could_act_on_a_terminal_is_not_offered(ran: str) -> None:
    text = PEOPLE.replace("name: Birthdays", 'id: "x\\u001b[31m"')
    fusion("run", write("bad.yaml", text))

    assert all(one.isprintable() for one in offered("activate", ""))
