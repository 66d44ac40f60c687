"""`fusion serve`: run scenarios whenever an event comes, and retry what is due, until Ctrl-C."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from engine.cli.exits import Exit
from engine.cli.options import assignments, json_option, operator
from engine.cli.output import Output

if TYPE_CHECKING:
    from engine.app import Operator

DEFAULT_PORT = 8585

STOP_SECONDS = 10.0
"""How long parking and removing hooks may take after a signal."""


@dataclass(frozen=True, slots=True)
class Listening:
    host: str
    port: int
    public_url: str | None
    inputs: Mapping[str, str]


def _public_url(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """Return the address without a slash at its end, as a click callback."""
    if text is None:
        return None
    parts = urlsplit(text)
    wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.username
    if wrong or parts.query or parts.fragment:
        raise click.BadParameter(
            "give an address such as https://hooks.example.org", context, option
        )
    return text.rstrip("/")


@click.command(epilog="Example: fusion serve scenarios/pick-up.yaml")
@click.argument(
    "scenarios", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SCENARIO…"
)
@click.option(
    "--set",
    "inputs",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Give an input to each scenario that has it; may be given several times.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--public-url",
    callback=_public_url,
    metavar="URL",
    help="Address at which services elsewhere reach this one; the embedded server needs none.",
)
@operator("store", "connections", "modules", "allow_private_networks")
@json_option
@click.pass_obj
def command(
    output: Output, /, operator: "Operator", *, scenarios: tuple[Path, ...], **options: Any
) -> int:
    """Run scenarios whenever an event comes, until Ctrl-C.

    A SCENARIO is a file, or a folder of them. Those that begin with a trigger that waits for events
    have a hook registered at its service, and run once for each event, in order. What is stored of
    any of them is retried when it is due. --json writes one line of JSON for each thing that
    happens. Exit codes: 2 a scenario or the arguments cannot be used, 4 a connection or hook cannot
    be used, 6 the store is busy or cannot be used, 130 or 143 stopped.
    """
    from engine.cli.running import run_async
    from engine.cli.scenario_files import scenario_files

    listening = Listening(**options)
    work = _serve(output, operator, tuple(scenario_files(scenarios)), listening)
    _, signalled = run_async(work, stop_seconds=STOP_SECONDS)
    if not output.as_json:
        output.tell("stopped; what was accepted or stored goes on with the next `fusion serve`")
    return signalled or Exit.INTERRUPTED


async def _serve(
    output: Output, operator: "Operator", scenarios: tuple[Path, ...], where: Listening
) -> None:
    from engine.app import clock
    from engine.app.serving import ServeRequest, serving
    from engine.cli.serve_log import ServeLog
    from engine.web.hooks import hook_app
    from engine.web.hosting import hosted, listening, origin_of

    with listening(where.host, where.port) as taken:
        request = ServeRequest(scenarios, origin_of(taken), where.public_url, where.inputs)
        async with (
            serving(request, operator, ServeLog(output)) as served,
            hosted(hook_app(served.hooks, clock().monotonic), taken),
        ):
            await served.work()
