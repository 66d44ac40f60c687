"""Every error of the engine, and the one shape in which people see them.

    EngineError
    ├─ ScenarioError     the author's mistake, found before anything runs; carries the problems
    ├─ ExpressionError   an expression that does not compile, before it has a place in a file
    ├─ SetupError        a connection, credential or engine that is missing, found before any bundle
    ├─ ModuleError       one module failed on one bundle; a directive decides
    │  ├─ DataError ─ BundleValidationError · DuplicateDataError · IncompleteDataError ·
    │  │              MaxFileSizeExceededError · MappingError
    │  ├─ OutOfSpaceError
    │  ├─ ServiceConnectionError ─ RateLimitError(retry_after) · ModuleTimeoutError
    │  ├─ InvalidConfigurationError ─ InvalidAccessTokenError
    │  ├─ OutcomeUnknownError    nobody knows whether it was done; never repeated by itself
    │  └─ ThrownError    of the type that the scenario's author chose
    ├─ RunError          the run cannot go on; no directive may catch it
    │  ├─ InitializationError ─ UnusableConnectionError
    │  └─ InconsistencyError · UnresolvedError
    └─ StoreError        the store cannot do it ─ StoreBusyError · NotFoundError · NoStoreError ·
                         ScenarioTakenError · ResolvedError · UnstorableError · LeaseLostError

Imports nothing of the project but `engine.problem`. Raised everywhere, turned into text by
`engine.cli.show`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from engine.problem import TITLES as TITLES  # noqa: PLC0414 - handed on
from engine.problem import Place as Place  # noqa: PLC0414 - handed on
from engine.problem import Problem as Problem  # noqa: PLC0414 - handed on


class EngineError(Exception):
    """Root of everything that the engine raises on purpose."""

    code: ClassVar[str] = "E502"

    def __init__(
        self, message: str, *, notes: tuple[str, ...] = (), next_command: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.notes = notes
        self.next_command = next_command

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What to show a person; never empty."""
        return (Problem(self.code, self.message, None, self.notes, self.next_command),)


class ScenarioError(EngineError):
    """Mistakes of the scenario's author, all that were found, in document order."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].message)
        self._problems = problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems


class SetupError(EngineError):
    """Something around the scenario is missing or refused: a connection, a credential."""

    code = "E302"

    def __init__(
        self,
        message: str,
        *,
        code: str = "E302",
        notes: tuple[str, ...] = (),
        next_command: str = "",
    ) -> None:
        super().__init__(message, notes=notes, next_command=next_command)
        self._problem = Problem(code, message, None, notes, next_command)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (self._problem,)


class UsageError(SetupError):
    """Arguments of a command that do not go together or do not fit the scenario."""


class ExpressionError(EngineError):
    """An expression that cannot be compiled; `offset` and `length` count characters of its text.

    The plan turns it into a problem with a place in the scenario file.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        offset: int = 0,
        length: int = 1,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, notes=notes)
        self.problem_code = code
        self.offset = offset
        self.length = length

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (Problem(self.problem_code, self.message, None, self.notes),)


class ModuleError(EngineError):
    """One module failed on one bundle; a handler or the default of its type decides what follows.

    `type_name` is Fusion's word, which authors filter on. `detail` may hold machine-readable facts
    (a service's answer), never secrets. `storable` overrides the type's rule on storing an
    incomplete execution; None keeps the rule. `field` names the module's field that is to blame;
    empty if it is not one alone.
    """

    code = "E501"
    type_name: str = "RuntimeError"

    def __init__(
        self,
        message: str,
        *,
        detail: Mapping[str, Any] | None = None,
        place: Place | None = None,
        notes: tuple[str, ...] = (),
        next_command: str = "",
        storable: bool | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message, notes=notes, next_command=next_command)
        self.detail = dict(detail or {})
        self.place = place
        self.storable = storable
        self.field = field

    @property
    def problems(self) -> tuple[Problem, ...]:
        text = f"{self.type_name}: {self.message}"
        return (Problem(self.code, text, self.place, self.notes, self.next_command),)


class DataError(ModuleError):
    """The service or the engine rejects an item of this bundle."""

    type_name = "DataError"


class BundleValidationError(DataError):
    """The mapped fields do not fit the module; raised before the module runs."""

    type_name = "BundleValidationError"


class MappingError(DataError):
    """An expression failed on this bundle. `offset` counts characters into the field's text."""

    code = "E214"

    def __init__(
        self, message: str, *, offset: int = 0, length: int = 1, notes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, notes=notes)
        self.offset = offset
        self.length = length


class DuplicateDataError(DataError):
    type_name = "DuplicateDataError"


class IncompleteDataError(DataError):
    """A trigger could not fetch the whole of its data."""

    type_name = "IncompleteDataError"


class MaxFileSizeExceededError(DataError):
    type_name = "MaxFileSizeExceededError"


class OutOfSpaceError(ModuleError):
    """The target is full: a disk here or a quota at the service."""

    type_name = "OutOfSpaceError"


class ServiceConnectionError(ModuleError):
    """The service cannot be reached, or answers that it cannot serve now."""

    type_name = "ConnectionError"


class RateLimitError(ServiceConnectionError):
    """The service asks for fewer requests; `retry_after` is its own wish, None if it gave none."""

    type_name = "RateLimitError"

    def __init__(self, message: str, *, retry_after: timedelta | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after = retry_after


class ModuleTimeoutError(ServiceConnectionError):
    type_name = "ModuleTimeoutError"


class InvalidConfigurationError(ModuleError):
    type_name = "InvalidConfigurationError"


class InvalidAccessTokenError(InvalidConfigurationError):
    """The credential is wrong, expired, or lacks a scope."""

    type_name = "InvalidAccessTokenError"


class OutcomeUnknownError(ModuleError):
    """Whether an operation was done is not known, and its module cannot find out.

    It is stored whatever the scenario says, and no handler is asked: a person must look first.
    """

    type_name = "OutcomeUnknownError"

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message, **more)
        self.storable = True
        self.detail.setdefault("outcome", "unknown")

    def tell(self, other: "ModuleError") -> None:
        """Let another error of the same bundle say this too, where it alone is stored."""
        other.notes = (*other.notes, self.message)
        other.detail |= self.detail

    @classmethod
    def of(cls, title: str, key: str) -> "OutcomeUnknownError":
        """Return the error of an operation that had begun when its process died."""
        return cls(
            f"`{title}` had begun when the run died, and what became of it is not known",
            detail={"operation_key": key},
            notes=("look whether it was done: then resolve it, else replay it",),
        )


class ThrownError(ModuleError):
    """Raised by the scenario itself, with a type of its author's choice."""

    def __init__(self, type_name: str, message: str, *, detail: Mapping[str, Any]) -> None:
        super().__init__(message, detail=detail)
        self.type_name = type_name


class RunError(EngineError):
    """The run cannot go on, whatever the scenario's handlers say."""

    code = "E502"
    type_name: str = "ScenarioTimeoutError"


class InitializationError(RunError):
    """A connection or a module cannot work, found before the first bundle; has the cause's type."""

    code = "E503"

    def __init__(
        self,
        type_name: str,
        message: str,
        *,
        place: Place | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, notes=notes)
        self.type_name = type_name
        self.place = place


class UnusableConnectionError(InitializationError):
    """A connection does not work. The type is AccountValidationError if its credential is refused.

    Source: Make's list of error types.
    """

    code = "E304"


class InconsistencyError(RunError):
    """A commit or a rollback failed: what is committed stays, and the rest is in doubt."""

    code = "E504"
    type_name = "InconsistencyError"


class UnresolvedError(RunError):
    """A sequential scenario waits for its incomplete executions; the notes name them."""

    code = "E607"


class StoreError(EngineError):
    """The store cannot be opened, read or written; the driver's error is the cause."""

    code = "E601"


class UnstorableError(StoreError):
    """A value that no store can hold."""


class LeaseLostError(StoreError):
    """Another process has taken the run over; nothing of it may be written here any more."""


class StoreBusyError(StoreError):
    """Another process runs this scenario, or holds the store."""

    code = "E602"


class ResolvedError(StoreError):
    """An incomplete execution is done already."""

    code = "E610"


class NotFoundError(StoreError):
    """No record has this id, or no record is selected."""

    code = "E603"


class NoStoreError(StoreError):
    """No store exists where the command looked; the notes name the places."""

    code = "E604"


class ScenarioTakenError(StoreError):
    """Another scenario file already has this id in the store."""

    code = "E605"


@dataclass(slots=True)
class Problems:
    """Collects problems, so that one reading reports all of them."""

    found: list[Problem] = field(default_factory=list)

    def add(self, problem: Problem) -> None:
        if problem not in self.found:
            self.found.append(problem)

    def raise_if_any(self) -> None:
        """Raise one `ScenarioError` with all problems, ordered by place; do nothing without any."""
        if self.found:
            places = sorted(
                self.found,
                key=lambda p: (
                    (p.place.file, p.place.line, p.place.column) if p.place else ("", 0, 0)
                ),
            )
            raise ScenarioError(*places)


def moved(error: ModuleError, place: Place) -> ModuleError:
    """Point the error at a place, unless it already has one."""
    if error.place is None:
        error.place = place
    return error
