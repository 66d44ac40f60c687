"""command: a program with arguments of the author's own, as far as they are on a list."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from modules.cloudconvert.local.call_worker import plain
from modules.cloudconvert.local.children import Program
from modules.cloudconvert.local.converters.command_words import Command, NotAllowed
from modules.cloudconvert.local.converters.commands import (
    COMMANDS,
    Commanded,
    commands_of,
    places_of,
)
from modules.cloudconvert.local.converters.ffmpeg import complaint
from modules.cloudconvert.local.inventory import Inventory
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
GROUPS = {"ffmpeg": "video", "imagemagick": "image", "graphicsmagick": "image"}


class CommandFields(TaskFields):
    engine: Literal["ffmpeg", "imagemagick", "graphicsmagick"]
    command: RequiredText
    arguments: RequiredText
    capture_output: bool = False
    """Put what the program writes to its terminal into the result."""
    engine_version: str | None = None
    timeout: Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT_SECONDS)] | None = None


def _check(fields: CommandFields, inventory: Inventory) -> None:
    possible = commands_of(fields.engine)
    if fields.command not in possible:
        text = f"The selected {{path}} is invalid. Possible values: {', '.join(possible)}."
        raise invalid({"command": [text]})
    commanded = possible[fields.command]
    if commanded.found(inventory) is None:
        field = "command" if fields.command == "ffprobe" else "engine"
        raise engine_missing(f"The program {fields.command}", commanded.install, field)
    try:
        commanded.read(fields.arguments)
    except NotAllowed as refused:
        raise invalid({"arguments": [f"The {{path}} are not allowed: {refused}."]}) from refused


async def _run(work: Work) -> Outcome:
    fields: CommandFields = work.fields
    commanded = commands_of(fields.engine)[fields.command]
    program = commanded.found(work.inventory)
    if program is None:
        text = f"The program {fields.command} is not here: {commanded.install}"
        raise TaskFailure("ENGINE_MISSING", text)
    output = work.folder.work / "output"
    output.mkdir()
    command = commanded.read(fields.arguments)
    places = _places(work, commanded, command)
    lines: list[str] = []

    def on_line(line: bytes) -> None:
        if len(lines) < MOST_LINES:
            lines.append(line.decode("utf-8", "replace"))

    running = Program(
        commanded.line(command, program.path, places, str(output)),
        work.folder.path,
        output_bytes=work.limits.output_bytes,
        family_bytes=work.limits.family_bytes,
        environment=commanded.environment,
    )
    ended = await work.run(running, on_line)
    if ended.status != 0:
        raise TaskFailure("CONVERSION_FAILED", plain(complaint(ended.stderr), work))
    said = _said([*lines, *ended.stderr.splitlines()], work)
    facts = {"output": said} if fields.capture_output else {}
    made = _made(work, empty_is_fine=fields.capture_output)
    return Outcome(made, fields.engine, program.version, facts)


def _places(work: Work, commanded: Commanded, command: Command) -> dict[str, str]:
    """Return how the program is told of each input that the command names."""
    places = places_of(commanded, work.inputs)
    wanted: dict[str, str] = {}
    for name in command.inputs():
        if name not in places:
            raise TaskFailure("INPUT_FILE_NOT_FOUND", f"There is no {name}")
        place = places[name]
        if place is None:
            raise TaskFailure("OPEN_FAILED", f"{name} is no picture that is let in here")
        wanted[name] = place
    return wanted


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
    seen: set[str] = set()
    for one in COMMANDS:
        found = one.found(inventory)
        if found is not None and one.engine not in seen:
            seen.add(one.engine)
            group = GROUPS[one.engine]
            yield Entry("command", one.engine, group=group, engine_version=found.version)


COMMAND = Operation(
    name="command",
    fields=CommandFields,
    run=_run,
    heavy=True,
    credits=1,
    check=_check,
    entries=_entries,
)
