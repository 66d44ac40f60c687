"""Writes the page of a run to a file, for the commands that can."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.app import Operator, load_plan
from engine.app.stored import StoredRun, fields_of, plan_as_run, run_of
from engine.cli.files import write_text
from engine.cli.output import Output
from engine.cli.report.content import Report
from engine.cli.report.page import page
from engine.cli.running import run_async
from engine.draw.outcome import marks_of
from engine.errors import ScenarioError
from engine.plan.plan import Plan

WITHHELD: Final = "The scenario's data is confidential, so no values are shown."
NOTHING_KEPT: Final = (
    "No operations of this run are kept, so there are no values to show. The latest runs of each "
    "scenario have them."
)


def write_report(
    output: Output, target: Path, run_id: str, operator: Operator, *, store: Path | None = None
) -> None:
    """Write the page of a run; `store` is its folder, None: the operator's, or the nearest.

    Raises UsageError if the file cannot be written, NotFoundError if there is no such run.
    """
    chosen = operator if store is None else replace(operator, store=store)
    run, _ = run_async(run_of(run_id, chosen))
    write_text(target, page(_report(run, chosen), output.secrets))
    output.tell(f"report: {target}")


def _report(run: StoredRun, operator: Operator) -> Report:
    today = _today(run, operator)
    plan = plan_as_run(run, today, operator)
    marks = {} if plan is None else marks_of(plan, run.execution)
    withheld = _withheld(run, plan, today)
    if withheld or run.history is None:
        return Report(run, plan, marks, withheld)
    return Report(run, plan, marks, fields=fields_of(run.execution, run.history, operator))


def _today(run: StoredRun, operator: Operator) -> Plan | None:
    try:
        return load_plan(run.path, operator)
    except ScenarioError:  # the run can be told without it
        return None


def _withheld(run: StoredRun, *plans: Plan | None) -> str:
    if any(plan is not None and plan.settings.data_is_confidential for plan in plans):
        return WITHHELD
    return "" if run.history is not None else NOTHING_KEPT
