"""`fusion incomplete`: what failed and waits for a person; one file per subcommand."""

import click

from engine.cli.commands.incomplete_delete import delete, resolve
from engine.cli.commands.incomplete_edit import edit
from engine.cli.commands.incomplete_exchange import export, import_
from engine.cli.commands.incomplete_list import list_
from engine.cli.commands.incomplete_show import show


class InOrder(click.Group):
    """Lists its commands in the order in which people use them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, epilog="Example: fusion incomplete list")
def command() -> None:
    """List, show, edit and remove incomplete executions.

    What a Break route keeps is stored with all that a replay needs. Look at it, mend its data if
    that was the reason, and let `fusion replay` go on from the node that failed.
    """


command.add_command(list_)
command.add_command(show)
command.add_command(edit)
command.add_command(export)
command.add_command(import_)
command.add_command(resolve)
command.add_command(delete)
