"""Completion of commands, ids and names: in real shells, and what is offered where."""

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from front_door import PEOPLE, fusion, only_incomplete, write

from engine.cli.main import cli

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
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
    ended = subprocess.run(
        ["bash", "--norc", "-c", TAB, "bash", "fusion", *words],
        env={**os.environ, "PATH": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.split()


ZSHRC = """\
autoload -Uz compinit && compinit -u -D
eval "$(fusion completion zsh)"
told() { print -r -- "$BUFFER" >> "$ZDOTDIR/told"; BUFFER= }
zle -N told
bindkey '^T' told
PS1='ready> '
"""
"""Settings of a zsh in which Control-T writes down what stands on the line, and empties it."""


def zsh_lines(home: Path, *lines: str) -> list[str]:
    """Type each line in a zsh on a terminal, press Tab, and return what then stands there."""
    (home / ".zshrc").write_text(ZSHRC)
    reader, writer = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-o", "no_global_rcs", "-i"],
        env={**os.environ, "PATH": PATH, "ZDOTDIR": str(home), "TERM": "dumb"},
        stdin=writer,
        stdout=writer,
        stderr=writer,
        start_new_session=True,
    )
    os.close(writer)
    shown = b""
    while b"ready> " not in shown:
        shown += os.read(reader, 65536)
    os.write(reader, b"".join(line.encode() + b"\t\x14" for line in lines) + b"exit\n")
    with suppress(OSError):  # the terminal goes away with the shell
        while os.read(reader, 65536):
            pass
    os.close(reader)
    assert shell.wait() == 0
    return [line.rstrip() for line in (home / "told").read_text().splitlines()]


def fish_offers(home: Path, *lines: str) -> list[list[str]]:
    """Return what fish offers for each line."""
    script = "fusion completion fish | source; for line in $argv; complete -C $line; echo; end"
    ended = subprocess.run(
        ["fish", "--no-config", "-c", script, *lines],
        env={**os.environ, "PATH": PATH, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    offers = ended.stdout.removesuffix("\n\n").split("\n\n")
    return [[one.partition("\t")[0] for one in offer.split("\n")] for offer in offers]


@pytest.fixture
def typed_lines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Run once; return a home for a shell, and what each line lacks."""
    fusion("run", write("people.yaml", PEOPLE))
    run_id = str(json.loads(fusion("runs", "--json").stdout)["runs"][0]["id"])
    return tmp_path_factory.mktemp("home"), {
        "fusion val": "fusion validate",
        "fusion cloudc": "fusion cloudconvert",
        "fusion cloudconvert eng": "fusion cloudconvert engines",
        "fusion run people.yaml --until ne": "fusion run people.yaml --until next",
        "fusion incomplete show ": f"fusion incomplete show {only_incomplete()[:8]}",
        "fusion runs ": f"fusion runs {run_id[:8]}",
        "fusion explain E10": "fusion explain E10",
        "fusion validate peo": "fusion validate people.yaml",
    }


@pytest.mark.needs("zsh")
def test_zsh_completes_what_is_typed(typed_lines: tuple[Path, dict[str, str]]) -> None:
    home, lines = typed_lines

    assert zsh_lines(home, *lines) == list(lines.values())


@pytest.mark.needs("fish")
def test_fish_completes_what_is_typed(typed_lines: tuple[Path, dict[str, str]]) -> None:
    home, lines = typed_lines
    several = lines.pop("fusion explain E10")

    *offers, codes = fish_offers(home, *lines, several)

    assert offers == [[line.split()[-1]] for line in lines.values()]
    assert codes[:2] == ["E101", "E102"]


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
    assert tab("cloudconvert", "") == ["engines", "serve"]


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


def test_nodes_of_a_trial_are_those_of_the_file_that_was_typed() -> None:
    write("mine.yaml", PEOPLE.replace("id: next", "id: later"))
    write("broken.yaml", "flow:\n  - {id: one, module: no.such}\n  - {id: two, module: no.such, ")
    write(
        "half.yaml",
        """\
flow:
  - {id: one, module: no.such, on_error: [{id: beside, module: flow.ignore}]}
  - id: split
    module: flow.router
    routes: [{flow: [{id: inner, module: no.such, with: {id: none}}]}]
""",
    )

    assert "later" in offered("run", "mine.yaml", "--from", "")
    assert offered("run", "mine.yaml", "--until", "lat") == ["later"]
    assert offered("run", "half.yaml", "--from", "") == ["one", "beside", "split", "inner"]
    assert offered("run", "broken.yaml", "--from", "") == []
    assert offered("run", "--from", "") == []


def test_a_trial_and_a_test_take_records_of_the_store(ran: str) -> None:
    waiting = offered("incomplete", "show", "")

    assert offered("run", "people.yaml", "--from", "next", "--run", "")[0] == ran[:8]
    assert offered("test", "new", "--from", "")[:3] == [*waiting, ran[:8]]
    assert offered("incomplete", "export", "") == waiting
    assert offered("run", "people.yaml", "--discard", "") == []


def test_what_selects_incomplete_executions_is_offered(ran: str) -> None:
    (cause,) = offered("incomplete", "delete", "--cause", "")
    found = json.loads(fusion("incomplete", "list", "--json").stdout)["incomplete"]

    assert {one["cause"] for one in found} == {cause}
    assert offered("replay", "--scenario", "") == ["people"]
    assert offered("replay", "--node", "") == sorted({one["node"] for one in found})
    types = sorted({one["failure"]["type"] for one in found})
    assert offered("incomplete", "list", "--error", "") == types


def test_codes_are_offered_with_what_they_say() -> None:
    assert offered("explain", "W10") == [f"W10{number}" for number in range(1, 7)]


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
