"""Exit codes, and which error ends with which. Stable: scripts test for them."""

from enum import IntEnum

from engine.errors import (
    EngineError,
    ExpressionError,
    NoStoreError,
    NotFoundError,
    ScenarioError,
    SetupError,
    StoreError,
    UnresolvedError,
    UsageError,
)


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    """The run ended in error, or checks found problems."""
    USAGE = 2
    """Arguments that cannot be used, or `run` of an invalid scenario."""
    INCOMPLETE = 3
    """Incomplete executions are stored: by this run, or in the way of a sequential one."""
    CONNECTION = 4
    """A connection or credential is missing or refused."""
    NOT_FOUND = 5
    """An id was not found, or nothing was selected."""
    STORE = 6
    """The store is busy or cannot be used."""
    INTERRUPTED = 130
    TERMINATED = 143


class Stopped(Exception):  # noqa: N818 - not a failure: what was asked for from outside
    """A signal ended work that had nothing to return."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code.name.lower())
        self.code = code


class Terminated(BaseException):  # as KeyboardInterrupt is none of the exceptions to be handled
    """SIGTERM has come while no work was under way that could have been stopped in order."""

    code = Exit.TERMINATED


_EXITS: tuple[tuple[type[EngineError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (SetupError, Exit.CONNECTION),
    (ScenarioError, Exit.USAGE),
    (ExpressionError, Exit.USAGE),
    (NotFoundError, Exit.NOT_FOUND),
    (NoStoreError, Exit.NOT_FOUND),
    (StoreError, Exit.STORE),
    (UnresolvedError, Exit.INCOMPLETE),
)
"""The first class that fits decides; any other error means that the run failed."""


def exit_of(error: EngineError) -> Exit:
    """Return the code with which a command ends after this error."""
    return next((code for kind, code in _EXITS if isinstance(error, kind)), Exit.FAILED)
