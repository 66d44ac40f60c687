"""`fusion run`: run a scenario once and say what came of it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.advice import scenario_words, store_words, typed
from engine.cli.completing import run_ids, unfinished_ids, written_nodes
from engine.cli.exits import Exit
from engine.cli.options import assignments, json_option, operator
from engine.cli.output import Line, Output, Span, Tone
from engine.cli.show import failure_problem, near, show

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.running import RunResult


@click.command(epilog='Example: fusion run scenarios/quickstart.yaml --set customer="Ada"')
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "inputs",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Give a scenario input; may be given several times.",
)
@click.option(
    "--input",
    "bundles",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Feed bundles from JSON or JSON lines instead of running the trigger.",
)
@click.option(
    "--reset-trigger", is_flag=True, help="Forget what the trigger has taken, and start over."
)
@click.option(
    "--discard",
    metavar="ID",
    shell_complete=unfinished_ids,
    help="Drop a run that did not finish, and list what it did; nothing is run.",
)
@click.option(
    "--no-wait",
    is_flag=True,
    help="Do not wait for another run of this scenario; exit 6 if there is one.",
)
@click.option(
    "--allow-incomplete",
    is_flag=True,
    help="Exit 0, not 3, if incomplete executions are stored.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the run to one HTML page that opens offline.",
)
@click.option(
    "--from",
    "start_at",
    metavar="NODE",
    shell_complete=written_nodes,
    help="Try it from this node on, with what the node saw in a run (--run, --bundle), or with "
    "--input FILE: bundles by node.",
)
@click.option(
    "--run",
    "run_id",
    metavar="ID",
    shell_complete=run_ids,
    help="With --from: which run; else the latest.",
)
@click.option(
    "--bundle",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    help="With --from: which bundle of the node in that run; else the first that is kept.",
)
@click.option(
    "--until",
    metavar="NODE",
    shell_complete=written_nodes,
    help="Try it up to this node and no further.",
)
@click.option("--dry-run", is_flag=True, help="Try it without changing anything outside.")
@click.option(
    "--step", is_flag=True, help="Try it step by step: see the fields before each operation."
)
@click.option("--watch", is_flag=True, help="Run again whenever the scenario changes.")
@operator("store", "connections", "modules", "allow_private_networks")
@json_option
@click.pass_obj
def command(output: Output, /, operator: "Operator", *, scenario: Path, **options: Any) -> int:
    """Run a scenario once.

    A run that was cut off, because its process died or was interrupted, is finished first: what is
    done is not repeated.

    Shows how far each node is and ends with what was done, where results lie, and what to type
    next. Exit codes: 0 all went well, 1 the run ended in error, 2 the scenario or the arguments
    cannot be used, 3 incomplete executions are stored, 4 a connection is missing or refused, 6 the
    store is busy or cannot be used, 130 interrupted.

    With --from, --until, --dry-run or --step the run is a trial: the trigger stays where it was,
    and what fails is told and not stored.
    """
    once = _once(output, operator, scenario, options)
    if not options["watch"]:
        return once()
    from engine.cli.watch import watched

    beside = operator.connections or scenario.with_name("connections.yaml")
    return watched(output, [scenario, beside, *operator.modules], once)


def _once(
    output: Output, operator: "Operator", scenario: Path, options: dict[str, Any]
) -> Callable[[], int]:
    """Return what runs the scenario, or tries it, as the options say."""
    from engine.cli.trial import OPTIONS, tried

    if any(options[name] for name in OPTIONS):
        for name in ("reset_trigger", "report"):
            if options[name]:
                text = f"--{name.replace('_', '-')} does not go with a trial"
                raise click.UsageError(text)
        return lambda: tried(output, operator, scenario, options)
    for name, option in (("run_id", "--run"), ("number", "--bundle")):
        if options[name] is not None:
            raise click.UsageError(f"{option} goes with --from")
    return lambda: _run(output, operator, scenario, options)


def _run(output: Output, operator: "Operator", scenario: Path, options: dict[str, Any]) -> int:
    from engine.app.running import RunRequest, run_scenario
    from engine.cli.progress import watching
    from engine.cli.running import run_async

    report: Path | None = options["report"]
    if report is not None:
        _need_folder(report)
    if options["discard"] is not None:
        from engine.cli.unfinished import discard_run

        wait = not options["no_wait"]
        return discard_run(output, scenario, options["discard"], operator, wait=wait)
    request = RunRequest(
        scenario=scenario,
        inputs=options["inputs"],
        bundles=options["bundles"],
        reset_trigger=options["reset_trigger"],
        wait=not options["no_wait"],
    )
    with watching(output) as watcher:
        result, signalled = run_async(run_scenario(request, operator, watcher))
    code = _exit(result, signalled, allow_incomplete=options["allow_incomplete"])
    if output.as_json:
        output.document(_json(result, code))
    else:
        _tell(output, result, operator, code)
    if report is not None:
        from engine.cli.report.write import write_report

        run_id = result.execution.id
        write_report(output, report, run_id, operator, store=result.store_folder)
    return code


def _need_folder(report: Path) -> None:
    """See, before anything runs, that the report has a place."""
    from engine.cli.files import need_folder

    need_folder(report)


def _exit(result: "RunResult", signalled: Exit | None, *, allow_incomplete: bool) -> Exit:
    from engine.cli.summary import no_connection
    from engine.model.execution import Status

    if result.execution.interrupted:
        return signalled or Exit.INTERRUPTED
    for execution in (result.execution, *(one.execution for one in result.resumed)):
        if execution.status is Status.ERROR:
            return Exit.CONNECTION if no_connection(execution) else Exit.FAILED
    return Exit.INCOMPLETE if result.all_stored and not allow_incomplete else Exit.OK


def _json(result: "RunResult", code: Exit) -> dict[str, Any]:
    from engine.cli.records import execution_json, incomplete_json

    return {
        "exit_code": code,
        "scenario": {
            "id": result.plan.id,
            "name": result.plan.name,
            "path": str(result.plan.path),
        },
        "execution": execution_json(result.execution),
        "resumed": [execution_json(one.execution) for one in result.resumed],
        "incomplete": [incomplete_json(one) for one in result.all_stored],
        "saved": [str(path) for path in result.saved],
        "next_due_at": result.next_due_at and result.next_due_at.isoformat(),
        "nothing_new": result.nothing_new,
        "store": str(result.store_folder),
    }


def _tell(output: Output, result: "RunResult", operator: "Operator", code: Exit) -> None:
    from engine.cli.unfinished import tell_resumed

    if result.store_created:
        output.tell(f"made a store for runs: {near(result.store_folder)}")
    tell_resumed(output, result.resumed)
    if code is Exit.OK and result.nothing_new and not result.all_stored:
        again = typed("run", *scenario_words(result.plan.path, operator), "--reset-trigger")
        output.result(f"nothing new for `{result.plan.trigger.title}`; to start over: {again}")
        return
    for line in _summary(output, result):
        output.result(line)
    if result.all_stored:
        _tell_incomplete(output, result, operator, code)
    if code in (Exit.INTERRUPTED, Exit.TERMINATED):
        _tell_rest(output, result, operator)
    if code in (Exit.FAILED, Exit.CONNECTION) and result.execution.failure is not None:
        _tell_failure(output, result, operator)


def _tell_rest(output: Output, result: "RunResult", operator: "Operator") -> None:
    output.result()
    output.result("What was done is kept, and not repeated: the next run takes up the rest.")
    output.result(f"next: {typed('run', *scenario_words(result.plan.path, operator))}")


def _summary(output: Output, result: "RunResult") -> Iterator[Line]:
    from engine.cli.summary import headline, node_lines, saved_lines

    name = result.plan.name or result.plan.id
    yield (Span(headline(name, result.execution), Tone.STRONG),)
    yield ""
    yield from node_lines(result.execution.nodes, result.plan, output.width)
    if result.saved:
        yield ""
        yield from saved_lines(result.saved)


def _tell_incomplete(output: Output, result: "RunResult", operator: "Operator", code: Exit) -> None:
    from engine.app import clock
    from engine.cli.summary import incomplete_lines
    from engine.cli.units import counted, short, until

    output.result()
    stored = result.all_stored
    count = counted(len(stored), "incomplete execution")
    verb = "is" if len(stored) == 1 else "are"
    output.result(f"{count} {verb} stored, so that nothing is lost:")
    for line in incomplete_lines(stored, output.width):
        output.result(line)
    if result.next_due_at is not None:
        again = typed("replay", "--due", *store_words(result.store_folder, operator))
        wait = until(result.next_due_at, clock().now())
        output.result(f"next attempt {wait}: by the next run, by `fusion serve`, or by {again}")
    if code is Exit.INCOMPLETE:
        output.result()
        output.result("Exit code 3 is expected here: the run is finished, but not everything is.")
    shown = typed("incomplete", "show", short(stored[0].id))
    store = " ".join(store_words(result.store_folder, operator))
    output.result(f"next: {shown} {store}".rstrip())


def _tell_failure(output: Output, result: "RunResult", operator: "Operator") -> None:
    from engine.cli.units import short

    failure = result.execution.failure
    if failure is None:
        return
    store = store_words(result.store_folder, operator)
    again = typed("runs", short(result.execution.id), *store)
    output.flush()
    output.tell()
    show(output, [failure_problem(failure, result.plan.source, again)])
