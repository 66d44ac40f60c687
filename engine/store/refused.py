"""What every store refuses, in the same words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.errors import (
    NotFoundError,
    ResolvedError,
    ScenarioTakenError,
    StoreBusyError,
)

SHORTEST_PREFIX: Final = 4
"""Fewer characters of an id select nothing."""


def running(scenario_id: str, holder: str) -> StoreBusyError:
    """Refuse a run of a scenario that runs already."""
    return StoreBusyError(
        f"scenario `{scenario_id}` is already running in {holder}",
        notes=("without --no-wait this run would wait for its end",),
    )


def check_free(scenario_id: str, path: Path, known: Path) -> None:
    """Raise ScenarioTakenError if the id is known for another file that still exists."""
    if known == path or not known.exists() or (path.exists() and known.samefile(path)):
        return
    raise ScenarioTakenError(
        f"two scenario files have the id `{scenario_id}` in this store",
        notes=(f"this one: {path}", f"the other: {known}", "give one of them another `id:`"),
    )


def in_progress(incomplete_id: str) -> StoreBusyError:
    """Refuse what another process works on."""
    return StoreBusyError(
        f"incomplete execution {incomplete_id} is in progress in another process",
        notes=("try again when it is done",),
    )


def resolved(incomplete_id: str) -> ResolvedError:
    """Refuse to replay what is done."""
    return ResolvedError(
        f"incomplete execution {incomplete_id} is resolved already",
        next_command="fusion incomplete list",
    )


def never_begun(execution_id: str) -> NotFoundError:
    """Refuse to end an execution that nobody began."""
    return NotFoundError(f"execution {execution_id} was never begun in this store")


def unknown_scenario(scenario_id: str) -> NotFoundError:
    """Return why nothing is known of a scenario; its id is never shortened."""
    return NotFoundError(
        f"no scenario `{scenario_id}` has run in this store", next_command="fusion scenarios"
    )


def not_found(kind: str, id_or_prefix: str, matches: Sequence[str]) -> NotFoundError:
    """Return why an id selects no single record; `kind` is execution or incomplete."""
    what, command = _WORDS[kind]
    if matches:
        message = f"`{id_or_prefix}` is the beginning of several ids of {what}s"
        return NotFoundError(message, notes=tuple(matches), next_command=command)
    notes: tuple[str, ...] = ()
    if len(id_or_prefix) < SHORTEST_PREFIX:
        notes = (f"give at least {SHORTEST_PREFIX} characters of the id",)
    return NotFoundError(f"no {what} `{id_or_prefix}`", notes=notes, next_command=command)


_WORDS: Final = {
    "execution": ("execution", "fusion runs"),
    "incomplete": ("incomplete execution", "fusion incomplete list"),
}
