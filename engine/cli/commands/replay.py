"""`fusion replay`: run incomplete executions again from the node that failed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import store_option, typed
from engine.cli.exits import Exit
from engine.cli.options import json_option, operator
from engine.cli.output import Line, Output
from engine.cli.tables import Column, table
from engine.cli.units import duration, short
from engine.errors import NotFoundError

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.replaying import ReplayResult

COLUMNS = (
    Column("id"),
    Column("scenario"),
    Column("node"),
    Column("outcome", gives_way=True),
    Column("operations", number=True),
    Column("took", number=True),
)


@click.command(epilog="Example: fusion replay 3f2a91c0")
@click.argument("ids", nargs=-1, metavar="ID…")
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
@operator("store", "connections", "modules", "allow_private_networks")
@json_option
@click.pass_obj
def command(
    output: Output,
    /,
    operator: "Operator",
    *,
    ids: tuple[str, ...],
    everything: bool,
    due: bool,
    current: bool,
) -> int:
    """Run incomplete executions again from where they failed.

    What ran before the failed node is not repeated. Exit codes: 0 all are resolved, 1 a replay
    ended in error, 3 some are still incomplete, 4 a connection is missing or refused, 5 an ID is
    not known or nothing waits (with --due that is 0).
    """
    from engine.cli.progress import watching
    from engine.cli.running import run_async

    if [bool(ids), everything, due].count(True) != 1:
        raise click.UsageError("give the IDs to replay, --all or --due")
    if due and current:
        raise click.UsageError("a retry runs the scenario as it was: leave out --current")
    with watching(output) as watcher:
        work = _due(operator, watcher) if due else _replay(ids, operator, watcher, current=current)
        results, signalled = run_async(work)
    code = _exit(results, signalled)
    if output.as_json:
        output.document({"exit_code": code, "replays": [_json(one) for one in results]})
    else:
        _tell(output, results, operator)
    return code


async def _replay(
    ids: Sequence[str], operator: "Operator", watcher: Any, *, current: bool
) -> "list[ReplayResult]":
    from engine.app import open_store
    from engine.replaying import replay

    if not ids:
        async with open_store(operator) as store:
            waiting = await store.incompletes()
        ids = [one.id for one in waiting if one.status.value in ("unresolved", "pending")]
        if not ids:
            raise NotFoundError("no incomplete execution waits", next_command="fusion runs")
    return await replay(ids, operator, watcher, current=current)


async def _due(operator: "Operator", watcher: Any) -> "list[ReplayResult]":
    """Retry what is due, and say what is not."""
    from engine.app import clock
    from engine.cli.units import until
    from engine.due import retry_all_due

    done = await retry_all_due(operator, watcher)
    for scenario_id in done.running:
        watcher.note(f"`{scenario_id}` is running, so its retries wait for the next time")
    if done.next_at is not None:
        watcher.note(f"the next attempt is due {until(done.next_at, clock().now())}")
    elif not done.results:
        watcher.note("no retry is pending")
    return list(done.results)


def _exit(results: "Sequence[ReplayResult]", signalled: Exit | None) -> Exit:
    from engine.cli.summary import no_connection
    from engine.model.execution import Status

    if signalled is not None or any(one.execution.interrupted for one in results):
        return signalled or Exit.INTERRUPTED
    if any(no_connection(one.execution) for one in results):
        return Exit.CONNECTION
    if any(one.execution.status is Status.ERROR for one in results):
        return Exit.FAILED
    return Exit.OK if all(_resolved(one) for one in results) else Exit.INCOMPLETE


def _json(result: "ReplayResult") -> dict[str, Any]:
    from engine.cli.records import execution_json, incomplete_json

    return {
        "incomplete": incomplete_json(result.incomplete),
        "execution": execution_json(result.execution),
        "saved": [str(path) for path in result.saved],
    }


def _tell(output: Output, results: "Sequence[ReplayResult]", operator: "Operator") -> None:
    if not results:
        output.result("nothing is due")
        return
    for line in table(COLUMNS, [_row(one) for one in results], output.width):
        output.result(line)
    for line in (*_nodes(results, output.width), *_saved(results)):
        output.result(line)
    left = next((one.incomplete for one in results if not _resolved(one)), None)
    if left is not None:
        shown = typed("incomplete", "show", short(left.id), *store_option(operator))
        output.result()
        output.result(f"next: {shown}")


def _row(result: "ReplayResult") -> tuple[str, ...]:
    from engine.cli.summary import seconds_of

    return (
        short(result.incomplete.id),
        result.incomplete.scenario_id,
        result.incomplete.node_id,
        result.outcome,
        str(result.execution.operations),
        duration(seconds_of(result.execution)),
    )


def _nodes(results: "Sequence[ReplayResult]", width: int | None) -> Iterator[Line]:
    """Yield the nodes that ran, if one was replayed; none before the failed node is there."""
    from engine.cli.summary import stored_node_lines

    if len(results) == 1:
        yield ""
        yield from stored_node_lines(results[0].execution.nodes, None, width)


def _saved(results: "Sequence[ReplayResult]") -> Iterator[Line]:
    from engine.cli.summary import saved_lines

    paths = [path for one in results for path in one.saved]
    if paths:
        yield ""
        yield from saved_lines(paths)


def _resolved(result: "ReplayResult") -> bool:
    from engine.model.execution import IncompleteStatus

    return result.incomplete.status is IncompleteStatus.RESOLVED
