"""A node that failed on a bundle, and running it again in place. Called by `failing`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from engine.errors import ModuleError, ModuleTimeoutError, RateLimitError
from engine.mapping.compile import Scope
from engine.model.execution import NodeCount
from engine.plan.flow import RetryFields
from engine.plan.plan import Node
from engine.run.explained import explained
from engine.run.rules import retry_wait
from engine.run.surroundings import Outputs, Surroundings


@dataclass(slots=True)
class Trouble:
    """A node that has failed on a bundle, while that is being settled.

    `again` runs it again in place; None: there is nothing to run, or part of it has been emitted.
    """

    node: Node
    error: Exception
    scope: Scope
    count: NodeCount
    again: "Callable[[Trouble], Awaitable[Outputs | Exception]] | None" = None
    outputs: Outputs | None = None
    """What it emitted after all; None: it did not."""
    failure: ModuleError = field(init=False)
    """The latest error."""
    known_failures: int = 0
    """Attempts that are known to have failed: one that ran out of time may still end well."""

    def __post_init__(self) -> None:
        self.failed_with(self.error)

    def failed_with(self, error: Exception) -> None:
        """The node has failed, once more if it had before."""
        self.failure = explained(error, self.node, self.scope)
        self.count.failed += 1
        self.known_failures += not isinstance(self.failure, ModuleTimeoutError)

    @property
    def told(self) -> dict[str, Any]:
        """The error as expressions see it."""
        failure = self.failure
        return {"type": failure.type_name, "message": failure.message, "detail": failure.detail}


async def retried(trouble: Trouble, fields: RetryFields, around: Surroundings) -> bool:
    """Run the failed node again until it emits, which `trouble` then has, or it is not to be.

    A failure of a type that is not listed ends it, as does the last attempt.
    """
    for attempt in range(1, fields.attempts + 1):
        if trouble.again is None or trouble.failure.type_name not in fields.error_types:
            break
        wait = _wait(attempt, fields, trouble.failure, around)
        number = f"attempt {attempt} of {fields.attempts}"
        around.watcher.node_failed(
            trouble.node.id,
            f"{trouble.failure.type_name}: {trouble.failure.message}",
            outcome=f"tried again in {_shown(wait)}, {number}",
        )
        around.watcher.node_waits(trouble.node.id, wait.total_seconds(), number)
        await around.clock.sleep(wait)
        outputs = await trouble.again(trouble)
        if not isinstance(outputs, Exception):
            trouble.outputs = outputs
            return True
        trouble.failed_with(outputs)
    return False


def _wait(
    attempt: int, fields: RetryFields, failure: ModuleError, around: Surroundings
) -> timedelta:
    """Return the wait before an attempt, at least as long as the service wishes."""
    wait = retry_wait(attempt, fields.interval, fields.factor)
    wait += wait * (fields.jitter * around.world.random()) if fields.jitter else timedelta(0)
    wished = failure.retry_after if isinstance(failure, RateLimitError) else None
    return max(wait, wished or wait)


def _shown(wait: timedelta) -> str:
    return f"{wait.total_seconds():g} s"
