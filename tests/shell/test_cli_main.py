"""The front door: help, unknown words, and whatever goes wrong below."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import click
import pytest
from click.testing import CliRunner, Result

from engine.cli.exits import Exit, exit_of
from engine.cli.main import COMMANDS, cli
from engine.errors import (
    EngineError,
    ExpressionError,
    ModuleError,
    NoStoreError,
    NotFoundError,
    Problem,
    RunError,
    ScenarioError,
    ScenarioTakenError,
    SetupError,
    StoreBusyError,
    StoreError,
    UsageError,
)


def _fusion(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


def test_help_lists_every_command_with_its_summary() -> None:
    result = _fusion("--help")
    assert result.exit_code == 0
    for name, summary in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert summary in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_own_help_begins_with_its_summary_and_ends_with_an_example(name: str) -> None:
    result = _fusion(name, "--help")
    assert result.exit_code == 0
    assert COMMANDS[name] in result.stdout
    assert result.stdout.strip().splitlines()[-1].strip().startswith("Example: fusion")


def _all_commands() -> list[click.Command]:
    found: list[click.Command] = []
    for name in COMMANDS:
        command = import_module(f"engine.cli.commands.{name}").command
        found.append(command)
        if isinstance(command, click.Group):
            found.extend(command.commands.values())
    return found


@pytest.mark.parametrize("command", _all_commands(), ids=lambda command: command.name)
def test_every_option_says_what_it_does(command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help
            assert parameter.help.endswith(".")
    assert command.epilog
    assert command.epilog.startswith("Example: fusion ")


def test_the_version_is_told() -> None:
    assert _fusion("--version").stdout.startswith("fusion 0.")


@pytest.mark.parametrize("words", [(), ("incomplete",)])
def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(words: tuple[str, ...]) -> None:
    result = _fusion(*words)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith(f"Usage: {' '.join(('fusion', *words))} [OPTIONS]")
    assert "error[" not in result.stderr


def test_an_unknown_command_names_the_one_that_was_meant() -> None:
    result = _fusion("rnu")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.splitlines()[:2] == [
        "error[E701] unusable arguments",
        "   no command is called `rnu`; did you mean `run`?",
    ]
    assert result.stderr.splitlines()[-1] == "   next: fusion --help"


def test_an_unknown_option_is_told_in_the_one_shape() -> None:
    result = _fusion("runs", "--lmit", "3")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith("error[E701] unusable arguments\n")
    assert "--limit" in result.stderr
    assert "usage: fusion runs" in result.stderr
    assert result.stderr.endswith("   next: fusion runs --help\n")
    assert result.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "a.yaml", "--set", "novalue"),
        ("run", "a.yaml", "--set", "=x"),
        ("run", "a.yaml", "--set", "a=1", "--set", "a=2"),
        ("validate",),
        ("replay",),
        ("replay", "--all", "12ab34cd"),
        ("incomplete", "edit", "12ab34cd"),
        ("incomplete", "edit", "12ab34cd", "--set", "noitem=1"),
        ("incomplete", "edit", "12ab34cd", "--set", "a.b=1", "--file", "a.b=x"),
        ("incomplete", "lst"),
        ("init", "--example", "no-such-example"),
    ],
)
def test_arguments_that_cannot_be_used_exit_2_in_the_one_shape(words: tuple[str, ...]) -> None:
    result = _fusion(*words)
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith("error[E701]")
    assert "   next: fusion " in result.stderr


def test_with_json_failures_are_told_in_json_too() -> None:
    result = _fusion("incomplete", "edit", "12ab34cd", "--json")
    told = json.loads(result.stdout)
    assert (told["format_version"], told["exit_code"]) == (1, 2)
    assert [problem["code"] for problem in told["problems"]] == ["E701"]
    assert "error[E701]" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ScenarioError(Problem("E110", "x")), 2),
        (ExpressionError("E210", "x"), 2),
        (UsageError("x", code="E701"), 2),
        (SetupError("x"), 4),
        (NotFoundError("x"), 5),
        (NoStoreError("x"), 5),
        (StoreError("x"), 6),
        (StoreBusyError("x"), 6),
        (ScenarioTakenError("x"), 6),
        (RunError("x"), 1),
        (ModuleError("x"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_its_exit_code(error: EngineError, code: int) -> None:
    assert exit_of(error) == code


def _commanding(monkeypatch: pytest.MonkeyPatch, action: Callable[[], int | None]) -> None:
    """Put a command `boom` beside the others."""

    @click.command()
    def boom() -> int | None:
        return action()

    monkeypatch.setattr(
        type(cli),
        "get_command",
        lambda _self, _ctx, name: boom if name == "boom" else None,
    )


def _fail(error: BaseException) -> Callable[[], int | None]:
    def action() -> int | None:
        raise error

    return action


def test_a_mistake_of_ours_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSION_TRACEBACK", raising=False)
    _commanding(monkeypatch, _fail(ZeroDivisionError("by \x1b zero")))
    result = _fusion("boom")
    assert result.exit_code == Exit.FAILED
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("error[E502] run cannot go on\n")
    assert "ZeroDivisionError: by \\x1b zero" in result.stderr
    assert "FUSION_TRACEBACK=1" in result.stderr


def test_the_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSION_TRACEBACK", "1")
    _commanding(monkeypatch, _fail(ZeroDivisionError("by zero")))
    assert "Traceback" in _fusion("boom").stderr


def test_an_error_of_ours_is_told_with_its_notes_and_next_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FUSION_TRACEBACK", raising=False)
    error = NotFoundError("no run 12ab", notes=("known: 34cd",), next_command="fusion runs")
    _commanding(monkeypatch, _fail(error))
    result = _fusion("boom")
    assert result.exit_code == Exit.NOT_FOUND
    assert result.stderr == (
        "error[E603] not found\n   no run 12ab\n   known: 34cd\n   next: fusion runs\n"
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EOFError()])
def test_an_interrupted_command_exits_130(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    _commanding(monkeypatch, _fail(error))
    assert _fusion("boom").exit_code == Exit.INTERRUPTED


def test_a_command_without_a_code_has_succeeded(monkeypatch: pytest.MonkeyPatch) -> None:
    _commanding(monkeypatch, lambda: None)
    assert _fusion("boom").exit_code == Exit.OK


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from engine.cli.main import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'asyncio', 'httpx', 'rich', 'jinja2', 'yaml', 'networkx'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.strip() == "[]"


def test_python_m_engine_is_fusion() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("fusion ")
