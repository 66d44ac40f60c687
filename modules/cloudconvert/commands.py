"""`fusion cloudconvert …`: the embedded server on its own, for any client of the real service."""

import asyncio
import secrets
import signal
import threading
from pathlib import Path

import click

from engine.errors import SetupError

DEFAULT_PORT = 8484
DEFAULT_DATA = ".fusion/cloudconvert"


@click.group()
def commands() -> None:
    """Serve conversions like the CloudConvert API, on this machine."""


@commands.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=DEFAULT_PORT, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--api-key", help="Key that clients must send; one is made if this is left out.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_DATA,
    show_default=True,
    help="Folder for jobs and files.",
)
@click.option(
    "--allow-private-networks",
    is_flag=True,
    help="Let import/url fetch from loopback and private addresses, on any port.",
)
def serve(
    *, port: int, host: str, api_key: str | None, data: Path, allow_private_networks: bool
) -> None:
    """Serve until Ctrl-C. Jobs under way go on at the next start."""
    from engine.connect.fetch import guarded_fetch  # noqa: PLC0415 - start-up time
    from modules.cloudconvert.local.data import DataFolder, DataFolderHeld  # noqa: PLC0415
    from modules.cloudconvert.local.hosting import Address, Hosted  # noqa: PLC0415
    from modules.cloudconvert.local.settings import Settings  # noqa: PLC0415

    key = api_key or secrets.token_urlsafe(32)
    fetch = guarded_fetch(allow_private_networks=allow_private_networks)
    try:
        hosted = Hosted(DataFolder(data), Settings(key), fetch, Address(host, port))
    except DataFolderHeld as error:
        text = f"another server uses the folder {data}"
        raise SetupError(text, code="E305", notes=("choose another one with --data",)) from error
    except OSError as error:
        text = f"the server cannot start: {error}"
        raise SetupError(text, code="E305", notes=("--port 0 takes any free port",)) from error
    stopped = _stop_at_signal()
    hosted.start().result()
    _introduce(host, hosted.port, key if api_key is None else None)
    stopped.wait()
    hosted.stop()


def _stop_at_signal() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    return stopped


def _introduce(host: str, port: int, made_key: str | None) -> None:
    """Say how to reach the server; a key that the caller chose is not repeated."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    click.echo(f"base URL      {address}/v2")
    click.echo(f"blocking URL  {address}/sync/v2")
    if made_key is not None:
        click.echo(f"API key       {made_key}")
    header = "Authorization: Bearer " + (made_key or "KEY")
    click.echo(f"try           curl -H '{header}' {address}/v2/users/me")
    click.echo("Ctrl-C stops it; jobs under way go on at the next start.")


@commands.command()
def engines() -> None:
    """Show which engines are here and what they convert."""
    from modules.cloudconvert.local.survey import survey  # noqa: PLC0415 - start-up time

    rows = asyncio.run(survey())
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        click.echo("  ".join(cells).rstrip())
