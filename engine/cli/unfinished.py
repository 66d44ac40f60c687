"""What people are told of runs that did not finish: how one ended at last, or what it had done."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.advice import scenario_words, typed
from engine.cli.exits import Exit
from engine.cli.output import Output, Span, Tone
from engine.cli.progress import watching
from engine.cli.records import execution_json
from engine.cli.running import run_async
from engine.cli.summary import headline, saved_lines
from engine.cli.tables import Column, table
from engine.cli.units import short

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.app.resuming import Ran

COLUMNS = (
    Column("node", gives_way=True),
    Column("succeeded", number=True),
    Column("failed", number=True),
    Column("in doubt", number=True),
)


def tell_resumed(output: Output, resumed: "Sequence[Ran]") -> None:
    """Tell how runs ended that were taken up before this one."""
    for one in resumed:
        name = one.plan.name or one.plan.id
        text = f"{short(one.execution.id)} taken up: {headline(name, one.execution)}"
        output.result((Span(text, Tone.STRONG),))
        for line in saved_lines(one.saved) if one.saved else ():
            output.result(line)
        output.result()


def discard_run(
    output: Output, scenario: Path, run_id: str, operator: "Operator", *, wait: bool
) -> Exit:
    """Drop a run that did not finish, and list what it did."""
    from engine.app.resuming import discard

    with watching(output) as watcher:
        dropped, _ = run_async(discard(scenario, run_id, operator, watcher, wait=wait))
    if output.as_json:
        done = [asdict(one) for one in dropped.operations]
        output.document({"discarded": execution_json(dropped.execution), "operations": done})
        return Exit.OK
    output.result(f"run {short(dropped.execution.id)} is dropped; what it did stays done")
    rows = [
        (one.node_id, str(one.gave), str(one.failed), str(one.in_doubt))
        for one in dropped.operations
    ]
    for line in table(COLUMNS, rows, output.width) if rows else ():
        output.result(line)
    output.result("Bundles that it took come again with the next run.")
    output.result(f"next: {typed('run', *scenario_words(scenario, operator))}")
    return Exit.OK
