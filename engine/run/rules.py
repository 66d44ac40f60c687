"""The rules of failure, as tables. Called by `engine.run.core`; nothing here does anything.

Source: Workfront Fusion's documentation of error handling and of incomplete executions; where it is
silent, Make's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from engine.model.directive import Directive
from engine.model.durations import duration
from engine.model.execution import Status


class TriggerMoves(Enum):
    """How far a trigger's cursor goes when a cycle ends."""

    ALL = "all"
    """Everything it emitted counts as taken."""
    SETTLED = "settled"
    """Only bundles that were worked off or stored count; the others come again."""
    NONE = "none"
    """The cycle is rolled back and reads the same again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a directive does once a module has failed on a bundle."""

    parks: bool
    """The bundle is stored as an incomplete execution."""
    stops: bool
    """Waiting bundles and further cycles do not run."""
    status: Status
    """The best that the execution can still end as."""
    trigger: TriggerMoves = TriggerMoves.ALL
    """Meaningful where the rule stops the cycle."""
    shuts_node: bool = False
    """Every later bundle that reaches the node is treated alike, without running it again."""


DIRECTIVES: Mapping[Directive, Rule] = {
    Directive.ROLLBACK: Rule(
        parks=False, stops=True, status=Status.ERROR, trigger=TriggerMoves.NONE
    ),
    Directive.COMMIT: Rule(parks=False, stops=True, status=Status.SUCCESS),
    Directive.RESUME: Rule(parks=False, stops=False, status=Status.SUCCESS),
    Directive.IGNORE: Rule(parks=False, stops=False, status=Status.SUCCESS),
    Directive.BREAK: Rule(parks=True, stops=False, status=Status.WARNING),
}
"""A Break that completes automatically ends as a success: `engine.run.core.by_directive`."""

ROLLED_BACK = Rule(parks=False, stops=True, status=Status.ERROR, trigger=TriggerMoves.NONE)
"""Default where nothing is stored: the execution stops and its trigger is restored."""

SET_ASIDE = Rule(parks=True, stops=False, status=Status.WARNING)
"""Default of stored types that concern one bundle: the others go on."""

SHUT = Rule(parks=True, stops=False, status=Status.WARNING, shuts_node=True)
"""Default of stored types that every later bundle would meet too.

Assumed: bundles that reach the node later are stored one by one without running it, where Fusion
keeps them together in the first record; so nothing waits in a record that stands for another.
"""

STORED_BY_DEFAULT: Mapping[str, Rule] = {
    "ConnectionError": SET_ASIDE,
    "RateLimitError": SET_ASIDE,
    "ModuleTimeoutError": SET_ASIDE,
    "OutOfSpaceError": SET_ASIDE,
    "DataError": SET_ASIDE,
    "BundleValidationError": SET_ASIDE,
    "DuplicateDataError": SET_ASIDE,
    "MaxFileSizeExceededError": SET_ASIDE,
    "InvalidAccessTokenError": SHUT,
    "InvalidConfigurationError": SHUT,
    "UnexpectedError": SHUT,
    "MaxResultsExceededError": SHUT,
}
"""Types that are stored without a handler when the scenario stores incomplete executions."""

RETRIED_BY_DEFAULT = frozenset(
    {"ConnectionError", "RateLimitError", "ModuleTimeoutError", "OutOfSpaceError"}
)
"""Types whose stored bundles are retried on the scenario's schedule."""

WARNS_ON_FIRST = frozenset({"ConnectionError", "RateLimitError"})
"""Types that end the execution as a warning when the first module fails with them."""

UNCOUNTED = frozenset({"DataError", "DuplicateDataError", "ModuleTimeoutError", "ConnectionError"})
"""Types that end an execution without counting towards the errors that deactivate its scenario.

Source: Fusion help, scenario settings, number of consecutive errors.
"""

DEACTIVATES = frozenset(
    {
        "DataSizeLimitExceededError",
        "AccountValidationError",
        "InvalidAccessTokenError",
        "InvalidConfigurationError",
        "UnexpectedError",
        "MaxResultsExceededError",
    }
)
"""Types that deactivate a scenario at once: no later run could end better.

Source: Fusion help, enable data loss (scheduling stops when an incomplete execution has no room);
Make's list of error types.
"""

BURST = 10
BURST_WITHIN = timedelta(minutes=2)
"""So many executions in a row that end in error within so short a time deactivate a scenario,
whatever their types. Source: Fusion help, scenario deactivation."""

LONGEST_RETRY_WAIT = timedelta(hours=1)
"""Longest wait of `flow.retry`, however often it has been tried."""

KEPT_ATTEMPTS = 20
"""Failed attempts of an incomplete execution that are told beside the latest one."""

LOST_IF_ENABLED = frozenset({"MaxFileSizeExceededError"})
"""Types whose bundles are dropped with a warning, not stored, where data loss is enabled."""

FULL = "DLQ limit per scenario has been exceeded"
"""Fusion's words for a scenario with as many incomplete executions as it may have."""

TELLS_NO_DATA = frozenset(
    {
        "ConnectionError",
        "RateLimitError",
        "ModuleTimeoutError",
        "InvalidAccessTokenError",
        "InvalidConfigurationError",
    }
)
"""Types whose messages speak of a service or its connection and not of a bundle.

Assumed: the messages of all others may quote values, so a scenario with confidential data keeps
their type and place only.
"""

WITHHELD = "the message is withheld, because the scenario's data is confidential"
"""What stands in place of a message that may quote bundle values."""

FUSION_SCHEDULE = tuple(timedelta(minutes=m) for m in (10, 60, 180, 720, 1440))
"""Waits before attempt 1, 2, … of a stored bundle; after the last it stays for a person.

Source: Fusion help, increasing intervals of automatic retries.
"""

MAKE_SCHEDULE = tuple(timedelta(minutes=m) for m in (1, 10, 10, 30, 30, 30, 180, 180))
"""The same by Make's list."""

SCHEDULES: Mapping[str, tuple[timedelta, ...]] = {"fusion": FUSION_SCHEDULE, "make": MAKE_SCHEDULE}


RETRIES_AT_ONCE = 3
"""Most retries of one scenario side by side. Source: Make help, incomplete executions."""


def retry_waits(schedule: str | Sequence[str]) -> tuple[timedelta, ...]:
    """Return the waits of a scenario's `retry_schedule`: a list by name, or its own durations."""
    if isinstance(schedule, str):
        return SCHEDULES[schedule]
    return tuple(duration(text) for text in schedule)


def event_wait(type_name: str, attempts: int, waits: Sequence[timedelta]) -> timedelta | None:
    """Return the wait before an event is run once more whose run has ended in error.

    None: no wait helps, or all have been tried, so the scenario is deactivated. Source: Fusion
    help: a scenario that starts immediately is deactivated at the first error, but after a row of
    attempts where a connection was lost.
    """
    if type_name not in RETRIED_BY_DEFAULT or attempts >= len(waits):
        return None
    return waits[attempts]


def break_wait(attempt: int, interval: timedelta) -> timedelta:
    """Return the wait before attempt 1, 2, … of a Break: it doubles every other attempt.

    Assumed: 15, 15, 30, 30, 60, … minutes for an interval of 15.
    """
    return interval * (1 << (attempt - 1) // 2)


def retry_wait(attempt: int, interval: timedelta, factor: float) -> timedelta:
    """Return the wait before attempt 1, 2, … of `flow.retry`, without jitter."""
    longest = LONGEST_RETRY_WAIT.total_seconds()
    grown = interval.total_seconds() * factor ** min(attempt - 1, 100)
    return timedelta(seconds=min(grown, longest))
