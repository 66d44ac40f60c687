"""command: a program with arguments of the author's own, as far as they are on a list."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.call_worker import plain
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.ffmpeg import complaint
from modules.cloudconvert.local.converters.ffmpeg_command import NotAllowed, allowed
from modules.cloudconvert.local.inventory import VIDEO_INSTALL, Inventory
from modules.cloudconvert.local.operations.operation import (
    Entry,
    Made,
    Operation,
    Outcome,
    RequiredText,
    TaskFields,
    Work,
)
from modules.cloudconvert.local.refusal import TaskFailure, engine_missing, invalid
from modules.cloudconvert.local.settings import LONGEST_TIMEOUT_SECONDS

MOST_FILES = 1000
MOST_LINES = 2000
"""Of a program's output that are kept."""
COMMANDS = {
    "ffmpeg": ("ffmpeg", "ffprobe"),
    "imagemagick": ("convert", "identify"),
    "graphicsmagick": ("gm",),
}


class CommandFields(TaskFields):
    engine: Literal["ffmpeg", "imagemagick", "graphicsmagick"]
    command: RequiredText
    arguments: RequiredText
    capture_output: bool = False
    """Put what the program writes to its terminal into the result."""
    engine_version: str | None = None
    timeout: Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT_SECONDS)] | None = None


def _check(fields: CommandFields, inventory: Inventory) -> None:
    possible = COMMANDS[fields.engine]
    if fields.command not in possible:
        text = f"The selected {{path}} is invalid. Possible values: {', '.join(possible)}."
        raise invalid({"command": [text]})
    if fields.command != "ffmpeg":
        # They read and write far more than their arguments tell, by delegates and scripts.
        raise engine_missing(
            f"The engine for {fields.command}", "it is not served on this machine", "command"
        )
    if inventory.ffmpeg_for(frozenset()) is None:
        raise engine_missing("The engine ffmpeg", VIDEO_INSTALL, "engine")
    try:
        allowed(fields.arguments)
    except NotAllowed as refused:
        raise invalid({"arguments": [f"The {{path}} are not allowed: {refused}."]}) from refused


async def _run(work: Work) -> Outcome:
    fields: CommandFields = work.fields
    program = work.inventory.ffmpeg_for(frozenset())
    if program is None:
        raise TaskFailure("ENGINE_MISSING", f"The engine ffmpeg is not here: {VIDEO_INSTALL}")
    output = work.folder.work / "output"
    output.mkdir()
    places = {
        f"/input/{origin}/{one.filename}": str(one.path)
        for one in work.inputs
        for origin in one.origin
    }
    command = allowed(fields.arguments)
    for wanted in command.inputs:
        if wanted not in places:
            raise TaskFailure("INPUT_FILE_NOT_FOUND", f"There is no {wanted}")
    lines: list[str] = []

    def on_line(line: bytes) -> None:
        if len(lines) < MOST_LINES:
            lines.append(line.decode("utf-8", "replace"))

    arguments = command.arguments(program.path, places, str(output))
    running = Program(arguments, work.folder.path, output_bytes=work.limits.output_bytes)
    ended = await work.run(running, on_line)
    if ended.status != 0:
        raise TaskFailure("CONVERSION_FAILED", plain(complaint(ended.stderr), work))
    said = _said([*lines, *ended.stderr.splitlines()], work)
    facts = {"output": said} if fields.capture_output else {}
    return Outcome(
        _made(work, empty_is_fine=fields.capture_output), "ffmpeg", program.version, facts
    )


def _said(lines: Iterable[str], work: Work) -> str:
    shown = "\n".join(lines).replace(str(work.folder.path), "")
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in shown)


def _made(work: Work, *, empty_is_fine: bool) -> list[Made]:
    output = work.folder.work / "output"
    found = sorted(one for one in output.iterdir() if one.is_file() and not one.is_symlink())
    if not found and not empty_is_fine:
        raise TaskFailure("CONVERSION_FAILED", "The command left no file in /output/")
    if len(found) > MOST_FILES:
        raise TaskFailure("FILE_TOO_LARGE", f"The command made more than {MOST_FILES} files")
    return [Made(one, one.name) for one in found]


def _entries(inventory: Inventory) -> Iterable[Entry]:
    found = inventory.ffmpeg_for(frozenset())
    if found is not None:
        yield Entry("command", "ffmpeg", group="video", engine_version=found.version)


COMMAND = Operation(
    name="command",
    fields=CommandFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
