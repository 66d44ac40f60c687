"""`fusion run` with --from, --until, --dry-run or --step: a trial, and what is told of it."""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.advice import store_words, typed
from engine.cli.exits import Exit
from engine.cli.output import Output, Span, Tone
from engine.cli.show import failure_problem, near, show
from engine.cli.units import counted, short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.trying import TrialResult

STOPPED = "ExecutionInterruptedError"

OPTIONS = ("start_at", "until", "dry_run", "step")
"""Options that make a run a trial."""


def tried(output: Output, operator: "Operator", scenario: Path, options: Mapping[str, Any]) -> int:
    """Try a scenario and tell how it went."""
    from engine.app.trying import Trial, try_scenario
    from engine.cli.progress import Lines, watching
    from engine.cli.running import run_async
    from engine.cli.stepping import Stepper

    trial = Trial(
        scenario=scenario,
        inputs=options["inputs"],
        bundles=options["bundles"],
        start_at=options["start_at"],
        run_id=options["run_id"],
        number=options["number"],
        until=options["until"],
        dry=options["dry_run"],
        pause=Stepper(output) if options["step"] else None,
    )
    watcher = nullcontext(Lines(output)) if options["step"] else watching(output)
    with watcher as watching_it:
        result, signalled = run_async(try_scenario(trial, operator, watching_it))
    code = _exit(result, signalled)
    if output.as_json:
        output.document(_json(result, code))
    else:
        _tell(output, result, operator)
    return code


def _exit(result: "TrialResult", signalled: Exit | None) -> Exit:
    from engine.model.execution import Status

    if result.execution.interrupted or _was_stopped(result):
        return signalled or Exit.INTERRUPTED
    failed = result.failed or result.execution.status is Status.ERROR
    return Exit.FAILED if failed else Exit.OK


def _was_stopped(result: "TrialResult") -> bool:
    """Say whether the person at the terminal ended it between two steps."""
    failure = result.execution.failure
    return failure is not None and failure.type == STOPPED


def _json(result: "TrialResult", code: Exit) -> dict[str, Any]:
    from engine.cli.records import execution_json, incomplete_json

    return {
        "exit_code": code,
        "execution": execution_json(result.execution),
        "failed": [incomplete_json(one) for one in result.failed],
        "saved": [str(path) for path in result.saved],
        "store": str(result.store_folder),
    }


def _tell(output: Output, result: "TrialResult", operator: "Operator") -> None:
    from engine.cli.summary import headline, node_lines, saved_lines

    plan, execution = result.plan, result.execution
    if result.store_created:
        output.tell(f"made a store for runs: {near(result.store_folder)}")
    title = headline(f"trial of {plan.name or plan.id}", execution)
    output.result((Span(title, Tone.STRONG),))
    output.result()
    for line in node_lines(execution.nodes, plan, output.width):
        output.result(line)
    if result.saved:
        output.result()
        for line in saved_lines(result.saved):
            output.result(line)
    output.result()
    if result.failed:
        failures = counted(len(result.failed), "failure")
        output.result(f"{failures} above; a trial stores none, and the trigger stays where it was")
    ran = [name for name, count in execution.nodes.items() if count.operations]
    words = ("runs", short(execution.id), *(("--node", ran[-1]) if ran else ()))
    again = typed(*words, *store_words(result.store_folder, operator))
    output.result(f"next: {again}")
    if execution.failure is not None and not _was_stopped(result):
        output.flush()
        show(output, [failure_problem(execution.failure, plan.source)])
