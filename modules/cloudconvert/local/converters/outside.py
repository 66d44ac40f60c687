"""Running a program from PATH for a converter: under limits, with its words if it fails."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modules.cloudconvert.local.call_worker import last_words
from modules.cloudconvert.local.children import Ended, Program
from modules.cloudconvert.local.inventory import Inventory
from modules.cloudconvert.local.operations.operation import Work
from modules.cloudconvert.local.programs import Found, Sought
from modules.cloudconvert.local.refusal import TaskFailure

BEGUN, DONE = 5, 90
"""What is reported of programs that tell nothing of how far they are."""


def program_of(work: Work, sought: Sought) -> Found:
    """Return the program. Raises TaskFailure if it is not here."""
    found = work.inventory.program(sought)
    if found is None:
        text = f"The engine {sought.name} is not here. Install it: {sought.install}"
        raise TaskFailure("ENGINE_MISSING", text)
    return found


def version_of_program(*sought: Sought) -> Callable[[Inventory], str | None]:
    """Return a converter's `version`: that of the first program, None if any is not here."""

    def version(inventory: Inventory) -> str | None:
        found = [inventory.program(one) for one in sought]
        present = [one.version for one in found if one is not None]
        return present[0] if len(present) == len(found) else None

    return version


async def run_outside(
    work: Work,
    arguments: Sequence[str],
    target: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command line to its end. Raises TaskFailure unless it succeeds and writes `target`."""
    ended = await work.run(
        Program(
            arguments,
            work.folder.path,
            output_bytes=work.limits.output_bytes,
            family_bytes=work.limits.family_bytes,
            open_files=1024,
            environment=environment or {},
        ),
        lambda _line: None,
    )
    if ended.status != 0 or not _written(target):
        raise TaskFailure("CONVERSION_FAILED", last_words(ended, work))
    return ended


def _written(target: Path | None) -> bool:
    return target is None or target.is_file()
