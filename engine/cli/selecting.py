"""Options that choose incomplete executions, the same for every command that takes some."""

import functools
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from engine.cli.completing import cause_ids, failed_nodes, failed_types, scenario_ids
from engine.cli.output import Output
from engine.cli.units import counted
from engine.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from engine.model.selection import Selection, Summary
    from engine.run.ports import Store

Command = Callable[..., Any]

STATUSES = ("unresolved", "pending", "in-progress", "resolved")


def _length(context: click.Context, option: click.Parameter, text: str | None) -> timedelta | None:
    """Read a length of time, as a click callback."""
    from engine.model.durations import duration

    if text is None:
        return None
    try:
        return duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error


_OPTIONS = (
    click.option(
        "--scenario",
        metavar="NAME",
        shell_complete=scenario_ids,
        help="Only those of the scenario with this id.",
    ),
    click.option(
        "--node",
        metavar="NODE",
        shell_complete=failed_nodes,
        help="Only those that failed at this node.",
    ),
    click.option(
        "--error",
        metavar="TYPE",
        shell_complete=failed_types,
        help="Only those with this type of error.",
    ),
    click.option(
        "--cause",
        metavar="ID",
        shell_complete=cause_ids,
        help="Only those of this cause, as --group lists them.",
    ),
    click.option("--text", metavar="TEXT", help="Only those with this text in their bundles."),
    click.option(
        "--older-than", callback=_length, metavar="TIME", help="Only those older than, say, 7d."
    ),
    click.option(
        "--newer-than", callback=_length, metavar="TIME", help="Only those younger than, say, 1h."
    ),
    click.option(
        "--status",
        "statuses",
        multiple=True,
        type=click.Choice(STATUSES),
        help="Only those of this status; may be given several times.",
    ),
)
_NAMES = ("scenario", "node", "error", "cause", "text", "older_than", "newer_than", "statuses")


def selection_options(command: Command) -> Command:
    """Give a command the options of a selection, as one argument `selection`."""

    @functools.wraps(command)
    def with_selection(*args: Any, **options: Any) -> Any:
        given = {name: options.pop(name) for name in _NAMES}
        return command(*args, selection=_selection(**given), **options)

    decorated: Command = with_selection
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _selection(
    *,
    scenario: str | None,
    node: str | None,
    error: str | None,
    cause: str | None,
    text: str | None,
    older_than: timedelta | None,
    newer_than: timedelta | None,
    statuses: tuple[str, ...],
) -> "Selection":
    from engine.app import clock
    from engine.model.execution import IncompleteStatus
    from engine.model.selection import Selection

    now = clock().now()
    return Selection(
        scenario_id=scenario,
        node_id=node,
        error_type=error,
        cause=cause,
        text=text,
        created_before=None if older_than is None else now - older_than,
        created_since=None if newer_than is None else now - newer_than,
        statuses=tuple(IncompleteStatus(one.replace("-", " ")) for one in statuses),
    )


def is_narrowed(selection: "Selection") -> bool:
    """Say whether any of the options was given."""
    from engine.model.selection import Selection

    return selection != Selection()


def check_choice(ids: tuple[str, ...], selection: "Selection", *, everything: bool) -> None:
    """Raise click's UsageError unless ids, options that select, or --all are given."""
    narrowed = is_narrowed(selection)
    if ids and (narrowed or everything):
        raise click.UsageError("give IDs, or options that select, not both")
    if not ids and not narrowed and not everything:
        raise click.UsageError("give IDs, options that select such as --scenario, or --all")


async def chosen_ones(
    store: "Store", ids: tuple[str, ...], selection: "Selection"
) -> "list[Summary]":
    """Return what was chosen. Raises NotFoundError for an id, or if nothing is selected."""
    from engine.store.paging import chosen

    found = await chosen(store, ids, selection)
    if not found:
        raise NotFoundError(
            "no incomplete execution is selected", next_command="fusion incomplete list"
        )
    return found


def confirm(output: Output, what: str, found: "list[Summary]", *, yes: bool) -> None:
    """Ask before a bulk change that cannot be taken back. Raises UsageError where nobody answers.

    A person who says no ends the command.
    """
    if yes:
        return
    many = counted(len(found), "incomplete execution")
    if output.as_json or not sys.stdin.isatty():
        raise UsageError(
            f"to {what} {many} cannot be taken back",
            code="E701",
            notes=("--yes does it without a question",),
        )
    click.confirm(f"{what} {many}?", abort=True, err=True)
