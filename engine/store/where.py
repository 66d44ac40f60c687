"""A selection of incomplete executions as conditions of `incompletes.sql`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.model.execution import IncompleteStatus
from engine.model.selection import Selection, Summary
from engine.store.records import to_moment
from engine.store.summaries import sought

STORED: Final = (
    IncompleteStatus.UNRESOLVED,
    IncompleteStatus.PENDING,
    IncompleteStatus.RESOLVED,
)
"""Statuses that a row may have; in progress is a claim beside it."""

OPEN: Final = frozenset(IncompleteStatus) - {IncompleteStatus.RESOLVED}


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions by their names, and the values of their parameters."""

    conditions: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def also(self, condition: str, **parameters: Any) -> "Where":
        return Where((*self.conditions, condition), {**self.parameters, **parameters})


def wanted_statuses(selection: Selection) -> frozenset[IncompleteStatus]:
    """Return the statuses that are selected, as people see them."""
    return frozenset(selection.statuses) or OPEN


def of_status(wanted: Collection[IncompleteStatus]) -> Where:
    """Return the conditions that rows of these statuses meet, and some that are claimed."""
    where = Where()
    if IncompleteStatus.RESOLVED not in wanted:
        where = where.also("if_open")
    if set(wanted) == {IncompleteStatus.IN_PROGRESS}:
        return where.also("if_claimed")
    if set(wanted) not in ({*OPEN}, {*IncompleteStatus}):
        chosen = {one.name.lower(): one if one in wanted else "" for one in STORED}
        where = where.also("if_status", **chosen)
    return where


def of_stored(wanted: Collection[IncompleteStatus]) -> Where:
    """Return the conditions that rows meet which have one of these statuses, claimed or not."""
    where = Where()
    if IncompleteStatus.RESOLVED not in wanted:
        where = where.also("if_open")
    if not OPEN - {IncompleteStatus.IN_PROGRESS} <= set(wanted):
        chosen = {one.name.lower(): one if one in wanted else "" for one in STORED}
        where = where.also("if_stored", **chosen)
    return where


def of_origin(selection: Selection, where: Where) -> Where:
    """Add where it failed and with which type of error."""
    for name in ("scenario_id", "node_id", "error_type"):
        value = getattr(selection, name)
        if value is not None:
            where = where.also(f"if_{name}", **{name: value})
    return where


def of_data(selection: Selection, where: Where) -> Where:
    """Add the age and the text of the bundles."""
    if selection.created_before is not None:
        where = where.also("if_before", before=to_moment(selection.created_before))
    if selection.created_since is not None:
        where = where.also("if_since", since=to_moment(selection.created_since))
    if selection.text:
        where = where.also("if_text", words=f"%{_literally(sought(selection.text))}%")
    return where


def after(summary: Summary | None, where: Where) -> Where:
    """Add that it comes behind another one; None: behind nothing."""
    if summary is None:
        return where
    at = to_moment(summary.created_at)
    return where.also("if_after", after_at=at, after_seq=summary.position)


def _literally(text: str) -> str:
    """Return a pattern that only the text itself fits."""
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return text
