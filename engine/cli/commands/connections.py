"""`fusion connections`: what a scenario reaches services by; one file per subcommand."""

import click

from engine.cli.commands.connections_test import test


@click.group(epilog="Example: fusion connections test scenarios/quickstart.yaml")
def command() -> None:
    """Test connections to services."""


command.add_command(test)
