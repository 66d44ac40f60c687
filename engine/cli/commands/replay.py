"""`fusion replay`: run incomplete executions again from the node that failed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import store_option, typed
from engine.cli.completing import incomplete_ids
from engine.cli.exits import Exit, exit_of
from engine.cli.options import json_option, operator
from engine.cli.output import Output
from engine.cli.selecting import check_choice, chosen_ones, is_narrowed, selection_options
from engine.cli.units import counted, short, until

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.planned import How, Planned
    from engine.app.replaying import Bulk, Replays
    from engine.model.selection import Selection, Summary

FEW = 4
"""So many ids are advised one by one."""

UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600}


def _rate(context: click.Context, option: click.Parameter, text: str | None) -> timedelta | None:
    """Read `10/min` as the time from one replay to the next, as a click callback."""
    if text is None:
        return None
    count, _, unit = text.partition("/")
    if not count.isdecimal() or not 0 < int(count) <= 100_000 or unit not in UNITS:
        raise click.BadParameter("should be a rate such as 10/min or 2/s", context, option)
    return timedelta(seconds=UNITS[unit] / int(count))


@click.command(epilog="Example: fusion replay 3f2a91c0 --plan")
@click.argument("ids", nargs=-1, metavar="ID…", shell_complete=incomplete_ids)
@selection_options
@click.option("--all", "everything", is_flag=True, help="Replay all that wait, oldest first.")
@click.option(
    "--due",
    is_flag=True,
    help="Replay what is due to be retried, of scenarios that do not run now; for cron.",
)
@click.option(
    "--current",
    is_flag=True,
    help="Use the scenario as its file says today, not as it was when it failed.",
)
@click.option(
    "--from-trigger", is_flag=True, help="Run everything behind the trigger again for its bundle."
)
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the plan to a file too."
)
@click.option(
    "--apply",
    "applied",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Do exactly what a plan says that --out wrote, or nothing.",
)
@click.option("--rate", callback=_rate, metavar="N/UNIT", help="Begin no faster than 10/min, say.")
@click.option(
    "--stop-on",
    type=click.IntRange(min=1),
    metavar="N",
    help="Begin no more after N that did not succeed.",
)
@operator("store", "connections", "modules", "allow_private_networks")
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    selection: "Selection",
    *,
    ids: tuple[str, ...],
    everything: bool,
    due: bool,
    only_plan: bool,
    out: Path | None,
    applied: Path | None,
    rate: timedelta | None,
    stop_on: int | None,
    **given: bool,
) -> int:
    """Run incomplete executions again from where they failed.

    What ran before the failed node is not repeated. Where nobody knows whether an operation was
    done, only an ID, --error or --cause replays it. Exit codes: 0 all are resolved, 3 some are
    still stored, 4 a connection is missing or refused, 5 an ID is not known or nothing is selected
    (with --due that is 0).
    """
    from engine.app.planned import How
    from engine.app.replaying import Bulk

    how, bulk = How(**given), Bulk(rate, stop_on)
    if out is not None and not only_plan:
        raise click.UsageError("--out goes with --plan")
    chooses = bool(ids) or everything or is_narrowed(selection)
    if due or applied is not None:
        if chooses or only_plan or how != How() or (due and (applied or bulk != Bulk())):
            raise click.UsageError(_ALONE[due])
        return (
            _due(output, operator) if applied is None else _apply(output, operator, applied, bulk)
        )
    check_choice(ids, selection, everything=everything)
    chosen, unsure = _chosen(operator, ids, selection)
    if unsure:
        output.tell(_left_out(unsure, operator))
    if only_plan:
        return _planned(output, operator, chosen, how, out)
    return _replayed(output, operator, chosen, how, bulk, unsure)


_ALONE = {
    True: "--due takes what the schedule says: leave out all else",
    False: "--apply takes everything from the plan's file",
}


def _due(output: Output, operator: "Operator") -> int:
    """Retry what is due, and say what is not."""
    from engine.app import clock
    from engine.app.due import retry_all_due
    from engine.app.replaying import Replays
    from engine.cli.progress import watching
    from engine.cli.running import run_async

    with watching(output) as watcher:
        done, signalled = run_async(retry_all_due(operator, watcher))
        for scenario_id in done.running:
            watcher.note(f"`{scenario_id}` is running, so its retries wait for the next time")
        if done.next_at is not None:
            watcher.note(f"the next attempt is due {until(done.next_at, clock().now())}")
        elif not done.results:
            watcher.note("no retry is pending")
    interrupted = any(one.interrupted for one in done.results)
    replays = Replays(tuple(done.results), interrupted=interrupted)
    return _ended(output, operator, replays, signalled)


def _chosen(
    operator: "Operator", ids: tuple[str, ...], selection: "Selection"
) -> tuple[list[str], list[str]]:
    """Return the whole ids of what was chosen; of a selection, what waits.

    Beside them those of a selection that may have been done already: whoever does not choose them
    by what they are gets nothing done twice.
    """
    from engine.app import open_store
    from engine.cli.running import run_async
    from engine.errors import OutcomeUnknownError
    from engine.model.execution import IncompleteStatus

    if not ids and not selection.statuses:
        waits = (IncompleteStatus.UNRESOLVED, IncompleteStatus.PENDING)
        selection = replace(selection, statuses=waits)

    async def read() -> "list[Summary]":
        async with open_store(operator) as store:
            return await chosen_ones(store, ids, selection)

    found, _ = run_async(read())
    if ids or selection.error_type is not None or selection.cause is not None:
        return [one.id for one in found], []
    unknown = OutcomeUnknownError.type_name
    sure = [one.id for one in found if one.error_type != unknown]
    return sure, [one.id for one in found if one.error_type == unknown]


def _left_out(ids: list[str], operator: "Operator") -> str:
    """Say why a selection leaves records out, and where it is told what to do with them."""
    named = ", ".join(map(short, ids[:FEW])) + (", …" if len(ids) > FEW else "")
    look = typed("incomplete", "show", short(ids[0]), *store_option(operator))
    return f"left out, as nobody knows whether it was done: {named}\nnext: {look}"


def _planned(
    output: Output, operator: "Operator", ids: list[str], how: "How", out: Path | None
) -> int:
    from engine.app.planned import write_plans
    from engine.app.replaying import plans_of
    from engine.cli.replays import plan_json, plan_lines
    from engine.cli.running import run_async

    plans: list[Planned]
    plans, _ = run_async(plans_of(ids, operator, how))
    if out is not None:
        write_plans(out, plans, how)
    if output.as_json:
        output.document({"replays": [plan_json(one) for one in plans]})
        return Exit.OK
    for line in plan_lines(plans, how):
        output.result(line)
    if out is None and len(ids) > FEW:
        output.tell("next: the same without --plan")
        return Exit.OK
    words = ("--apply", out) if out else (*map(short, ids), *_options(how))
    output.tell(f"next: {typed('replay', *words, *store_option(operator))}")
    return Exit.OK


def _options(how: "How") -> list[str]:
    return ["--current"] * how.current + ["--from-trigger"] * how.from_trigger


def _replayed(
    output: Output,
    operator: "Operator",
    ids: list[str],
    how: "How",
    bulk: "Bulk",
    left_out: list[str],
) -> int:
    from engine.app.replaying import replay
    from engine.cli.progress import watching
    from engine.cli.running import run_async

    with watching(output) as watcher:
        replays, signalled = run_async(replay(ids, operator, watcher, how, bulk))
    replays = replace(replays, left=(*replays.left, *left_out))
    return _ended(output, operator, replays, signalled)


def _apply(output: Output, operator: "Operator", path: Path, bulk: "Bulk") -> int:
    from engine.app.planned import read_plans
    from engine.app.replaying import apply
    from engine.cli.progress import watching
    from engine.cli.running import run_async
    from engine.errors import NotFoundError

    how, plans = read_plans(path)
    if not plans:
        raise NotFoundError(f"the plan in {path} replays nothing")
    with watching(output) as watcher:
        replays, signalled = run_async(apply(plans, operator, watcher, how, bulk))
    return _ended(output, operator, replays, signalled)


def _ended(output: Output, operator: "Operator", replays: "Replays", signalled: Exit | None) -> int:
    code = _exit(replays, signalled)
    if output.as_json:
        from engine.cli.replays import result_json

        results: list[Any] = [result_json(one) for one in replays.results]
        output.document({"exit_code": code, "replays": results, "left": list(replays.left)})
        return code
    from engine.cli.replays import result_lines

    for line in result_lines(replays, output.width) if replays.results or not replays.left else ():
        output.result(line)
    if replays.left:
        output.tell(f"{counted(len(replays.left), 'incomplete execution')} not begun")
    still = next((one.incomplete for one in replays.results if not one.resolved), None)
    if still is not None:
        shown = typed("incomplete", "show", short(still.id), *store_option(operator))
        output.result()
        output.result(f"next: {shown}")
    return code


def _exit(replays: "Replays", signalled: Exit | None) -> Exit:
    from engine.cli.summary import no_connection

    if signalled is not None or replays.interrupted:
        return signalled or Exit.INTERRUPTED
    for one in replays.results:
        refused = one.refusal is not None and exit_of(one.refusal) is Exit.CONNECTION
        if refused or (one.execution is not None and no_connection(one.execution)):
            return Exit.CONNECTION
    done = all(one.resolved for one in replays.results) and not replays.left
    return Exit.OK if done else Exit.INCOMPLETE
