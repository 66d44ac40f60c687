"""An incomplete execution in the person's own editor, until what they save fits."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from engine.cli.advice import store_option, typed
from engine.cli.output import Line, Output
from engine.cli.show import failure_problem, problem_lines
from engine.cli.units import short
from engine.errors import EngineError, ModuleError, ScenarioError, StoreError, UsageError

if TYPE_CHECKING:
    from engine.app import Operator
    from engine.model.execution import Incomplete

TOLD = "#! "
"""What lines begin with that tell what is wrong; they are not read."""

WIDTH = 96


def in_editor(output: Output, operator: "Operator", incomplete_id: str) -> "Incomplete":
    """Let a person edit a record, and store it.

    After a mistake the editor opens again with the message above the text. When nothing is changed
    then, the mistake is raised; when nothing is changed at first, the record is returned as it is.
    """
    from engine.app.editing import read_for_edit, save_edited
    from engine.cli.running import run_async

    (record, text), _ = run_async(read_for_edit(incomplete_id, operator))
    text = "".join(f"{line}\n" for line in _head(output, record, operator)) + text
    mistake: EngineError | None = None
    while True:
        saved = _edited(text if mistake is None else _with(output, mistake, text))
        if saved is None or saved == text:
            if mistake is not None:
                raise mistake
            output.tell("nothing was changed")
            return record
        text = saved
        try:
            edited, _ = run_async(save_edited(record, text, operator))
        except (ScenarioError, ModuleError) as error:
            mistake = error
        except (UsageError, StoreError):
            output.tell("what you have written:")
            for line in text.splitlines():
                output.tell(line)
            raise
        else:
            return edited


def _edited(text: str) -> str | None:
    """Return what was saved, without the lines that told of a mistake; None: nothing was."""
    saved = click.edit(text, extension=".yaml")
    if saved is None:
        return None
    kept = (line for line in saved.splitlines(keepends=True) if not line.startswith(TOLD))
    return "".join(kept)


def _head(output: Output, record: "Incomplete", operator: "Operator") -> Iterator[str]:
    yield f"# {short(record.id)} of `{record.scenario_id}`, failed at `{record.node_id}`:"
    problem = failure_problem(record.failure, record.source)
    for line in _plain(output, problem_lines(problem, WIDTH)):
        yield f"# {line}".rstrip()
    yield "#"
    yield "# Change values, save, and leave the editor; leave without saving to change nothing."
    words = ("incomplete", "edit", short(record.id), "--file", "NODE.ITEM=PATH")
    yield f"# Another file is put in by: {typed(*words, *store_option(operator))}"


def _with(output: Output, mistake: EngineError, text: str) -> str:
    """Return a text with what is wrong above it."""
    told = [line for one in mistake.problems for line in _plain(output, problem_lines(one, WIDTH))]
    return "".join(f"{TOLD}{line}\n" for line in told) + text


def _plain(output: Output, lines: Iterable[Line]) -> Iterator[str]:
    """Yield lines as plain text that may be shown to people."""
    for line in lines:
        spans = (line,) if isinstance(line, str) else (span.text for span in line)
        yield output.clean("".join(spans))
