"""The `fusion` command: finds a command's file, runs it, and turns whatever happens into an end.

A command is imported when it is called. It returns its exit code, None for success, and raises
`EngineError`s; nothing else tells people about them.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from engine.cli import garbage
from engine.cli.exits import Exit, Stopped, Terminated, exit_of
from engine.cli.output import Output
from engine.cli.show import problem_json, show
from engine.errors import EngineError, Problem

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: Mapping[str, str] = {
    "run": "Run a scenario once.",
    "serve": "Run scenarios whenever an event comes, until Ctrl-C.",
    "validate": "Check scenarios without running them.",
    "explain": "Explain an error or a warning by its code.",
    "test": "Test scenarios on bundles of your own.",
    "graph": "Draw a scenario with its filters, routes and error routes.",
    "connections": "Test connections to services.",
    "modules": "List modules, or show one with its fields.",
    "functions": "List the functions that expressions can call.",
    "schema": "Write the JSON Schema of scenarios, for editors.",
    "eval": "Evaluate an expression.",
    "incomplete": "List, show, edit and remove incomplete executions.",
    "replay": "Run incomplete executions again from where they failed.",
    "runs": "List runs, or show one.",
    "why": "Show where a value came from.",
    "scenarios": "List the scenarios of the store.",
    "activate": "Activate a scenario.",
    "deactivate": "Deactivate a scenario, so that it runs only by hand.",
    "init": "Copy an example to start from.",
    "doctor": "Look whether this machine is fit for runs.",
    "completion": "Print what a shell needs to complete commands.",
}
"""Summary of each command, by its name, which is also its file's in `engine.cli.commands`."""

EPILOG = """\b
Commands that a connector brings along: fusion CONNECTOR --help
Example: fusion init --example quickstart
"""


class Fusion(click.Group):
    """The group of all commands, none of which is imported before it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            from importlib import import_module

            command: click.Command = import_module(f"engine.cli.commands.{cmd_name}").command
            return command
        return _connector_commands(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Offer all commands, a connector's too; none is imported for it."""
        from engine.cli.completing import command_names

        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*command_names(COMMANDS, ctx, incomplete), *options]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"no command is called `{name}`{_meant(name)}", ctx)
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *more: Any, **extra: Any) -> NoReturn:
        """Run the command line and leave with its exit code."""
        output = Output.of_process()
        words = list(sys.argv[1:] if args is None else args)
        start = super().main
        code = _ended(output, lambda: start(words, "fusion", standalone_mode=False, obj=output))
        sys.exit(code)


def _version(context: click.Context, _option: click.Parameter, wanted: Any) -> None:
    if wanted:
        from importlib.metadata import version

        context.ensure_object(Output).result(f"fusion {version('fusion-runner')}")
        context.exit()


@click.group(
    cls=Fusion,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Run scenarios: modules in a row that pass bundles on, written in YAML."""


def main() -> NoReturn:
    """Start `fusion` with the process's own arguments."""
    garbage.begin()
    signal.signal(signal.SIGTERM, _terminate)
    try:
        cli.main()
    except Terminated:
        os._exit(Exit.TERMINATED)
    finally:
        # From here on the process ends anyway, with the code that it has.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        garbage.end()


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise Terminated


def _ended(output: Output, command: Callable[[], Any]) -> int:
    """Run a command, tell what went wrong, and return its exit code."""
    try:
        code = command()
        output.flush()
    except (Stopped, Terminated) as stop:
        output.tell("interrupted; nothing that was stored is lost")
        return stop.code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        for line in error.format_message().splitlines():
            output.tell(line)
        return Exit.USAGE
    except click.ClickException as error:
        return _told(output, [_usage_problem(error)], Exit.USAGE)
    except EngineError as error:
        _trace(output)
        return _told(output, error.problems, exit_of(error))
    except Exception as error:  # the one net below everything: people never see a traceback
        traced = _trace(output)
        return _told(output, [_unexpected(error, traced=traced)], Exit.FAILED)
    return code if isinstance(code, int) else Exit.OK


def _told(output: Output, problems: Sequence[Problem], code: Exit) -> Exit:
    show(output, problems)
    if output.as_json:
        output.document(
            {"exit_code": code, "problems": [problem_json(problem) for problem in problems]}
        )
    output.flush()
    return code


def _usage_problem(error: click.ClickException) -> Problem:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return Problem("E701", error.format_message(), next="fusion --help")
    usage = " ".join(context.get_usage().split())
    return Problem(
        "E701",
        error.format_message(),
        notes=(usage.replace("Usage:", "usage:"),),
        next=f"{context.command_path} --help",
    )


def _unexpected(error: Exception, *, traced: bool) -> Problem:
    """Tell of a mistake in fusion itself, without a traceback."""
    notes = ["this is a mistake in fusion itself"]
    if not traced:
        notes.append("to see where it happened, set FUSION_TRACEBACK=1 and repeat the command")
    return Problem("E502", f"{type(error).__name__}: {error}", notes=tuple(notes))


def _trace(output: Output) -> bool:
    """Show the traceback of the present exception if the person asked for it."""
    if not os.environ.get("FUSION_TRACEBACK"):
        return False
    import traceback

    for line in traceback.format_exc().splitlines():
        output.tell(line)
    return True


def _connector_commands(name: str) -> click.Command | None:
    """Return the commands that a connector brings along, None if none of this name has any."""
    from engine.module import load_object
    from engine.plan.catalog import Catalog

    catalog = Catalog()
    path = catalog.connector(name).commands if name in catalog.names() else ""
    if not path:
        return None
    commands: click.Command = load_object(path)
    return commands


def _meant(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
