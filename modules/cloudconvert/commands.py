"""`fusion cloudconvert …`: the embedded server on its own, for any client of the real service."""

import asyncio
import hashlib
import json
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from engine.errors import SetupError

if TYPE_CHECKING:
    from modules.cloudconvert.local.settings import Settings
    from modules.cloudconvert.local.survey import Survey

SYSTEMS = {"pip": "Python", "debian": "Debian", "macos": "macOS"}
DEFAULT_PORT = 8484
DEFAULT_DATA = ".fusion/cloudconvert"


def _origin(_command: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """Return scheme and host of an address that clients use, without a slash at the end."""
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise click.BadParameter("give an address such as https://convert.example.com")
    return text.rstrip("/").removesuffix("/v2")


C = TypeVar("C", bound=Callable[..., Any])

_MOST = click.IntRange(min=0)
_HOURS = click.IntRange(0, 100_000)

_SETTINGS = (
    click.option(
        "--base-url",
        callback=_origin,
        help="Address in URLs of answers, where it is not the request's.",
    ),
    click.option("--signing-secret", help="Signs for jobs' own hooks, checks signed URLs."),
    click.option("--conversions", type=click.IntRange(min=1), help="Conversions at a time."),
    click.option("--task-timeout", type=click.IntRange(1, 18_000), help="Seconds for a task."),
    click.option("--max-file-bytes", type=click.IntRange(min=1), help="Largest file."),
    click.option("--keep-hours", type=_HOURS, help="How long ended jobs are kept; 24 otherwise."),
    click.option("--creations-per-minute", type=_MOST, help="Jobs and tasks; 429 past them."),
    click.option("--parallel-jobs", type=_MOST, help="Jobs at once; 402 past them."),
    click.option("--credits", "credit", type=_MOST, help="Credits until the next start; then 402."),
    click.option(
        "--scopes", help="What the key may do, with commas: task.read,task.write; else 403."
    ),
    click.option("--sandbox", is_flag=True, help="Process only the files of --sandbox-file."),
    click.option("--sandbox-file", multiple=True, metavar="PATH|MD5", help="A file to let in."),
)
"""Options that try the limits of a real account, one after the other."""


def _with_settings(command: C) -> C:
    for option in reversed(_SETTINGS):
        command = option(command)
    return command


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
    help="Let import/url and webhooks reach loopback and private addresses, on any port.",
)
@_with_settings
def serve(
    *,
    port: int,
    host: str,
    api_key: str | None,
    data: Path,
    allow_private_networks: bool,
    **options: Any,
) -> None:
    """Serve until Ctrl-C. Jobs under way go on at the next start."""
    from engine.connect.fetch import guarded_fetch  # noqa: PLC0415 - start-up time
    from modules.cloudconvert.local.data import DataFolder, DataFolderHeld  # noqa: PLC0415
    from modules.cloudconvert.local.hosting import Address, Hosted, Outside  # noqa: PLC0415
    from modules.cloudconvert.local.signing import Signer  # noqa: PLC0415

    key = api_key or secrets.token_urlsafe(32)
    settings = _settings_of(key, options)
    made = {} if api_key else {"API key": key}
    fetch = guarded_fetch(allow_private_networks=allow_private_networks)
    try:
        folder = DataFolder(data)
        if settings.signing_secret is None:
            made["signing secret"] = Signer(folder.secret()).account_secret()
        hosted = Hosted(folder, settings, Outside(fetch), Address(host, port))
    except DataFolderHeld as error:
        text = f"another server uses the folder {data}"
        raise SetupError(text, code="E305", notes=("choose another one with --data",)) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        text = f"the server cannot start: {where}{error.strerror or error}"
        raise SetupError(text, code="E305", notes=("--port 0 takes any free port",)) from error
    with _told_to_stop() as told:
        hosted.start().result()
        _introduce(hosted.url, made)
        told.recv(1)
        hosted.stop()


def _settings_of(key: str, options: dict[str, Any]) -> "Settings":
    """Return the settings; an option that was left out leaves its setting as it is."""
    from modules.cloudconvert.local.account import Quotas  # noqa: PLC0415 - start-up time
    from modules.cloudconvert.local.settings import Limits, Settings  # noqa: PLC0415

    def given(**names: str) -> dict[str, Any]:
        found = {name: options[option] for name, option in names.items()}
        return {name: value for name, value in found.items() if value is not None}

    quotas = given(
        creations_per_minute="creations_per_minute", parallel_jobs="parallel_jobs", credits="credit"
    )
    if options["scopes"] is not None:
        quotas["scopes"] = _scopes(options["scopes"])
    if options["sandbox"] or options["sandbox_file"]:
        quotas["sandbox_md5s"] = frozenset(map(_md5_of, options["sandbox_file"]))
    more = given(base_url="base_url", heavy="conversions")
    more |= given(signing_secret="signing_secret")  # noqa: S106 - an option's name
    if options["keep_hours"] is not None:
        more["retention"] = timedelta(hours=options["keep_hours"])
    limits = Limits(**given(timeout_seconds="task_timeout", file_bytes="max_file_bytes"))
    return Settings(key, limits=limits, quotas=Quotas(**quotas), **more)


def _scopes(text: str) -> frozenset[str]:
    from modules.cloudconvert.local.account import SCOPES  # noqa: PLC0415 - start-up time

    scopes = frozenset(one.strip() for one in text.split(",") if one.strip())
    if unknown := sorted(scopes - set(SCOPES)):
        text = f"no such scope: {', '.join(unknown)}; there are {', '.join(SCOPES)}"
        raise click.BadParameter(text, param_hint="--scopes")
    return scopes


def _md5_of(text: str) -> str:
    """Return the MD5 of a file, or the one that is written there."""
    if len(text) == 32 and all(c in "0123456789abcdef" for c in text.lower()):
        return text.lower()
    try:
        with Path(text).open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except OSError as error:
        text = f"neither an MD5 nor a readable file: {text}"
        raise click.BadParameter(text, param_hint="--sandbox-file") from error


@contextmanager
def _told_to_stop() -> Iterator[socket.socket]:
    """Give a socket that has something to read after Ctrl-C or SIGTERM.

    What waits for a lock instead is not woken by a signal that comes just before it waits.
    """
    told, telling = socket.socketpair()
    with told, telling:
        telling.settimeout(0)
        signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
        try:
            yield told
        finally:
            signal.set_wakeup_fd(-1)


def _introduce(address: str, made: Mapping[str, str]) -> None:
    """Say how to reach the server; `made` are its secrets that the caller did not choose."""
    from modules.cloudconvert.local.settings import SIGNED_URLS  # noqa: PLC0415 - start-up time

    urls = {"base URL": "/v2", "blocking URL": "/sync/v2", "signed URLs": SIGNED_URLS}
    lines = {name: address + path for name, path in urls.items()} | dict(made)
    for name, text in lines.items():
        click.echo(f"{name:<14}  {text}")
    header = "Authorization: Bearer " + made.get("API key", "KEY")
    click.echo(f"{'try':<14}  curl -H '{header}' {address}/v2/users/me")
    click.echo("Ctrl-C stops it; jobs under way go on at the next start.")


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def engines(*, as_json: bool) -> None:
    """Show which engines are here, and what those that are missing would add."""
    from modules.cloudconvert.local.survey import survey  # noqa: PLC0415 - start-up time

    found = asyncio.run(survey())
    if as_json:
        click.echo(json.dumps(found.plain(), indent=2))
        return
    _show_engines(found)


def _show_engines(found: "Survey") -> None:
    here = [one for one in found.engines if one.version is not None]
    rows = [("ENGINE", "VERSION", "WHAT FOR", "WHERE")]
    rows += [(one.name, one.version or "", one.does, one.path or "in Python") for one in here]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        click.echo("  ".join(cells).rstrip())
    click.echo(f"isolation: {found.isolation}")
    for one in found.engines:
        if one.version is None:
            click.echo(f"\nmissing: {one.name}, which adds {one.does}")
            for system, command in one.install.items():
                click.echo(f"  {SYSTEMS[system]:<8}{command}")
