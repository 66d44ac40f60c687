"""`fusion test`: scenarios tested on bundles of their author's; `fusion test new` writes a test."""

from typing import Any

import click

from engine.cli.commands.test_new import command as new
from engine.cli.commands.test_run import command as run


class Tests(click.Command):
    """Plays tests, unless the first word is `new`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args[:1] == ["new"]:
            return new.make_context("test new", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


command = Tests(
    "test",
    callback=run.callback,
    params=run.params,
    help=run.help,
    epilog="Example: fusion test scenarios; one from a run: fusion test new --help",
)
