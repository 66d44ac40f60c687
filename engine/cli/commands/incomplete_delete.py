"""`fusion incomplete delete` and `resolve`: what needs no replay any more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli.completing import incomplete_ids
from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.selecting import check_choice, chosen_ones, confirm, selection_options
from engine.cli.units import counted, short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.selection import Changed, Selection, Summary
    from engine.run.ports import Store

FEW = 20
"""Ids that are told one by one."""

Command = Callable[..., Any]


def _bulk_options(command: Command) -> Command:
    for option in (
        click.pass_obj,
        json_option,
        operator("store"),
        click.option("--yes", is_flag=True, help="Do it without a question."),
        click.option("--all", "everything", is_flag=True, help="All that are not resolved."),
        selection_options,
        click.argument("ids", nargs=-1, metavar="ID…", shell_complete=incomplete_ids),
    ):
        command = option(command)
    return command


@click.command("delete", epilog="Example: fusion incomplete delete --older-than 90d")
@_bulk_options
def delete(output: Output, /, operator: "Operator", selection: "Selection", **given: Any) -> Exit:
    """Delete incomplete executions, with their data.

    What their bundles held is then lost. One that is in progress stays, and the exit code is 6.
    """
    from engine.store.paging import delete

    return _change(output, operator, selection, delete, ("delete", "deleted"), **given)


@click.command("resolve", epilog="Example: fusion incomplete resolve 3f2a91c0")
@_bulk_options
def resolve(output: Output, /, operator: "Operator", selection: "Selection", **given: Any) -> Exit:
    """Mark incomplete executions as done without running them.

    For what was mended elsewhere. What Fusion calls Resolve runs them: that is `fusion replay`
    here. One that is in progress stays as it is, and the exit code is 6.
    """
    from engine.store.paging import resolve

    return _change(output, operator, selection, resolve, ("resolve", "resolved"), **given)


def _change(
    output: Output,
    operator: "Operator",
    selection: "Selection",
    change: "Callable[[Store, Sequence[str]], Awaitable[Changed]]",
    words: tuple[str, str],
    *,
    ids: tuple[str, ...],
    everything: bool,
    yes: bool,
) -> Exit:
    from engine.app import open_store
    from engine.cli.running import run_async

    check_choice(ids, selection, everything=everything)
    verb, done = words

    async def read() -> "list[Summary]":
        async with open_store(operator) as store:
            return await chosen_ones(store, ids, selection)

    async def act(found: "list[Summary]") -> "Changed":
        async with open_store(operator) as store:
            changed = await change(store, [one.id for one in found])
            await store.sweep_files()
            return changed

    found, _ = run_async(read())
    confirm(output, verb, found, yes=yes or len(found) == len(ids) == 1)
    changed, _ = run_async(act(found))
    if output.as_json:
        output.document({done: list(changed.done), "in_progress": list(changed.busy)})
    else:
        _tell(output, changed, done)
    return Exit.STORE if changed.busy else Exit.OK


def _tell(output: Output, changed: "Changed", done: str) -> None:
    if len(changed.done) <= FEW:
        for one in changed.done:
            output.result(f"{short(one)}  {done}")
    else:
        output.result(f"{counted(len(changed.done), 'incomplete execution')} {done}")
    for one in changed.busy[:FEW]:
        output.result(f"{short(one)}  in progress, left alone")
    if len(changed.busy) > FEW:
        output.result(f"{len(changed.busy) - FEW} more in progress, left alone")
