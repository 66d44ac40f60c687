"""Options that several commands share, and how their texts are read."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine.cli import garbage
from engine.cli.output import Output

Command = Callable[..., Any]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)

_OPERATOR = {
    "store": click.option(
        "--store",
        type=_FOLDER,
        envvar="FUSION_STORE",
        show_envvar=True,
        metavar="DIR",
        help="Folder of the store, instead of the nearest .fusion folder.",
    ),
    "connections": click.option(
        "--connections",
        type=_FILE,
        metavar="FILE",
        help="Connections file, instead of connections.yaml beside the scenario.",
    ),
    "modules": click.option(
        "--modules",
        type=_FOLDER,
        multiple=True,
        metavar="DIR",
        help="Folder with modules of your own; may be given several times.",
    ),
    "allow_private_networks": click.option(
        "--allow-private-networks",
        is_flag=True,
        help="Let addresses that come from data lead into this machine's own networks.",
    ),
}


def operator(*names: str) -> Callable[[Command], Command]:
    """Give a command these of the operator's options, as one argument `operator`."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def with_operator(*args: Any, **options: Any) -> Any:
            from engine.app import Operator

            garbage.imported()
            chosen = {name: options.pop(name) for name in names}
            output = click.get_current_context().find_object(Output)
            if output is not None:
                chosen["secrets"] = output.secrets
            return command(*args, operator=Operator(**chosen), **options)

        decorated: Command = with_operator
        for name in reversed(names):
            decorated = _OPERATOR[name](decorated)
        return decorated

    return add


def _note_json(context: click.Context, _option: click.Parameter, wanted: Any) -> bool:
    output = context.find_object(Output)
    if output is not None:
        output.as_json = bool(wanted)
    return bool(wanted)


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_note_json,
    help="Write the result as JSON, for programs.",
)
"""Sets `Output.as_json`, before anything else is parsed: failures are then told in JSON too."""


def assignments(
    context: click.Context, option: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, str]:
    """Read `NAME=VALUE` texts into a mapping, as a click callback; a name may stand once."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"`{pair}` is not of the form NAME=VALUE", context, option)
        if name in found:
            raise click.BadParameter(f"`{name}` is given twice", context, option)
        found[name] = value
    return found
